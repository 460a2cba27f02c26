//! `projections pause` and `projections resume`.

use serde::Serialize;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::runtime::{Paused, ProjectionName, pause, resume};

use crate::cli::failure::Failure;
use crate::cli::print::Printer;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Pause,
    Resume,
}

#[derive(Serialize)]
struct Record {
    name: &'static str,
    outcome: &'static str,
}

/// Pauses it or lets it go on. Either is harmless twice.
pub(super) async fn run(log: &EventLog, name: ProjectionName, change: Change, printer: Printer) -> Result<(), Failure> {
    let changed = match change {
        Change::Pause => pause(log.pool(), name.as_str()).await,
        Change::Resume => resume(log.pool(), name.as_str()).await,
    };
    let changed = changed.map_err(traveladvisor_infra::event_log::LogError::from)?;
    let name = name.as_str();
    let outcome = match (change, changed) {
        (_, Paused::Unknown) => {
            return Err(Failure::failed(format!(
                "the read model {name} has not begun yet: start `traveladvisor serve`, then pause it"
            )));
        }
        (Change::Pause, Paused::Done) => "paused",
        (Change::Pause, Paused::Already) => "paused already",
        (Change::Resume, Paused::Done) => "resumed",
        (Change::Resume, Paused::Already) => "not paused",
    };
    if printer.is_json() {
        return Ok(printer.json(&Record { name, outcome })?);
    }
    printer.line(format!("{name}: {outcome}"))?;
    if matches!(change, Change::Pause) {
        printer.hint(format!("It stays readable as it is until `traveladvisor projections resume {name}`."));
    }
    Ok(())
}
