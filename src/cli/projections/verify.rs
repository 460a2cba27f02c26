//! `projections verify`.

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{
    Difference, Progress, Rate, Rebuild, Verified, VerifiedTable, clear, verify,
};

use super::bar;
use crate::cli::failure::Failure;
use crate::cli::print::Printer;
use crate::cli::signals::unless_stopped;

/// Columns and members of states that hold personal values.
const PERSONAL: [&str; 2] = ["email_key", "traveller"];
/// What stands in place of a personal value.
const MASK: &str = "•••";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    name: &'static str,
    position: u64,
    drifted: bool,
    dead_letters: usize,
    tables: Vec<DoneTable>,
}

#[derive(Serialize)]
struct DoneTable {
    name: &'static str,
    rows: u64,
    differences: u64,
    first: Vec<DoneRow>,
}

/// A row that is not as the log says; absent sides have none.
#[derive(Serialize)]
struct DoneRow {
    live: Option<Value>,
    log: Option<Value>,
}

/// Runs the verb.
pub(super) async fn run(
    log: &EventLog,
    name: ProjectionName,
    rate: Option<Rate>,
    printer: Printer,
) -> Result<(), Failure> {
    let how = Rebuild::default();
    let how = Rebuild { rate: rate.unwrap_or(how.rate), ..how };
    let progress = watch::Sender::new(Progress::START);
    let shown = bar::show(progress.subscribe(), printer);
    let verifying = unless_stopped(async { Ok(verify(log, name, how, &progress).await) });
    let verified = tokio::select! {
        verified = verifying => verified,
        () = shown => unreachable!("it is shown for as long as it is polled"),
    };
    let verified = match verified {
        Ok(verified) => verified?,
        Err(_stopped) => {
            clear(log, &[name]).await?;
            return Err(Failure::failed("interrupted: run it again to begin anew"));
        }
    };
    print(&verified, printer)?;
    if verified.has_drifted() { Err(Failure::damage_told()) } else { Ok(()) }
}

fn print(verified: &Verified, printer: Printer) -> Result<(), Failure> {
    let Verified { name, position, dead_letters, .. } = *verified;
    if printer.is_json() {
        let tables = verified.tables.iter().map(told).collect();
        let drifted = verified.has_drifted();
        return Ok(printer.json(&Done { name, position: position.0, drifted, dead_letters, tables })?);
    }
    for table in &verified.tables {
        printer.line(format!("{:<24} {:>9} rows {:>9} differ", table.name, table.rows, table.differences))?;
        for (row, place) in table.first.iter().zip(1_u64..) {
            for line in lines(row) {
                printer.line(format!("  {place:>2}  {line}"))?;
            }
        }
    }
    if dead_letters > 0 {
        printer.line(format!("{dead_letters} events cannot be taken in, or wait behind such."))?;
    }
    let found = if verified.has_drifted() { "drift: rows are not as the log says" } else { "as the log says" };
    Ok(printer.line(format!("{name} as of {position}: {found}."))?)
}

fn told(table: &VerifiedTable) -> DoneTable {
    let row = |row: &Difference| DoneRow { live: value(row.live.as_deref()), log: value(row.log.as_deref()) };
    DoneTable {
        name: table.name,
        rows: table.rows,
        differences: table.differences,
        first: table.first.iter().map(row).collect(),
    }
}

/// A row without personal values.
fn value(row: Option<&str>) -> Option<Value> {
    let mut value = serde_json::from_str(row?).ok()?;
    hide(&mut value);
    Some(value)
}

fn hide(value: &mut Value) {
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        if PERSONAL.contains(&name.as_str()) {
            *value = Value::from(MASK);
        } else {
            hide(value);
        }
    }
}

/// What differs of a row: all of it, or the members that do.
fn lines(row: &Difference) -> Vec<String> {
    match (value(row.live.as_deref()), value(row.log.as_deref())) {
        (Some(live), None) => vec![format!("too many: {live}")],
        (None, Some(log)) => vec![format!("missing: {log}")],
        (Some(live), Some(log)) => {
            let mut lines = vec![key(&live)];
            compare("", &live, &log, &mut lines);
            if lines.len() == 1 {
                lines.push("a personal value differs".to_owned());
            }
            lines
        }
        (None, None) => Vec::new(),
    }
}

/// The first members of a row are its key.
fn key(row: &Value) -> String {
    let ids = ["id", "booking_id", "hotel_id", "flight_id", "car_id", "position"];
    let found = ids.iter().filter_map(|id| row.get(id).map(|value| format!("{id} {value}")));
    found.collect::<Vec<_>>().join(", ")
}

fn compare(path: &str, live: &Value, log: &Value, lines: &mut Vec<String>) {
    if live == log {
        return;
    }
    if let (Value::Object(ours), Value::Object(theirs)) = (live, log) {
        for (name, value) in ours {
            compare(&format!("{path}/{name}"), value, theirs.get(name).unwrap_or(&Value::Null), lines);
        }
        for (name, value) in theirs.iter().filter(|(name, _)| !ours.contains_key(*name)) {
            compare(&format!("{path}/{name}"), &Value::Null, value, lines);
        }
        return;
    }
    lines.push(format!("    {path}: live {live}, log {log}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_of_a_row_is_told_without_personal_values() {
        let row = |status: &str, name: &str| {
            Some(format!(
                r#"{{"id":"7","email_key":"{name}","status":"{status}","state":{{"traveller":{{"name":"{name}"}},"version":1}}}}"#
            ))
        };
        let changed = lines(&Difference { live: row("APPROVED", "ada"), log: row("CANCELLED", "ada") });
        assert_eq!(changed, [r#"id "7""#, r#"    /status: live "APPROVED", log "CANCELLED""#]);
        let personal = lines(&Difference { live: row("APPROVED", "ada"), log: row("APPROVED", "bob") });
        assert_eq!(personal[1], "a personal value differs");
        let missing = lines(&Difference { live: None, log: row("APPROVED", "ada") });
        assert!(missing[0].starts_with("missing: ") && !missing[0].contains("ada"), "{missing:?}");
    }
}
