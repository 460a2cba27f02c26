//! `projections retry`.

use serde::Serialize;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::runtime::{ProjectionName, Retried, RetryError, retry_parked};

use crate::cli::failure::Failure;
use crate::cli::print::{Printer, table, unbroken};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    key: String,
    taken_in: u64,
    left: u64,
    reason: Option<String>,
}

/// Tries again what was set aside, and tells what came of each key.
pub(super) async fn run(
    log: &EventLog,
    name: ProjectionName,
    key: Option<StreamId>,
    printer: Printer,
) -> Result<(), Failure> {
    let retried = retry_parked(log, name, key).await?;
    let left = retried.iter().filter(|retried| retried.left > 0).count();
    print(&retried, printer)?;
    if left == 0 {
        return Ok(());
    }
    let keys = if left == 1 { "1 key still waits".to_owned() } else { format!("{left} keys still wait") };
    Err(Failure::refused(format!(
        "{keys}: mend the program or the data, then retry again, or rebuild {}",
        name.as_str()
    )))
}

fn print(retried: &[Retried], printer: Printer) -> Result<(), Failure> {
    let records = retried.iter().map(|retried| Record {
        key: retried.key.to_string(),
        taken_in: retried.taken_in,
        left: retried.left,
        reason: retried.reason.clone(),
    });
    if printer.is_json() {
        return records.into_iter().try_for_each(|record| Ok(printer.json(&record)?));
    }
    if retried.is_empty() {
        return Ok(printer.line("nothing is set aside")?);
    }
    let mut rows = table(&["key", "taken in", "still waiting", "because"]);
    for record in records {
        let because = record.reason.unwrap_or_default();
        rows.add_row([record.key, record.taken_in.to_string(), record.left.to_string(), because]);
    }
    unbroken(&mut rows, 0);
    Ok(printer.line(rows.trim_fmt())?)
}

impl From<RetryError> for Failure {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::Unavailable(_) => Self::unavailable(error.to_string()),
            RetryError::Log(error) => error.into(),
            RetryError::Unknown(_) | RetryError::OtherVersion { .. } => Self::failed(error.to_string()),
        }
    }
}
