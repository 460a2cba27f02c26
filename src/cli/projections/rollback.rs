//! `projections rollback`.

use serde::Serialize;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::rollback;

use crate::cli::failure::Failure;
use crate::cli::print::Printer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    name: &'static str,
    generation: u64,
    from_generation: u64,
    position: u64,
}

/// Runs the verb.
pub(super) async fn run(log: &EventLog, name: ProjectionName, printer: Printer) -> Result<(), Failure> {
    let back = rollback(log, name).await?;
    let done = Done {
        name: back.name,
        generation: back.generation,
        from_generation: back.from_generation,
        position: back.position.0,
    };
    if printer.is_json() {
        return Ok(printer.json(&done)?);
    }
    Ok(printer.line(format!(
        "{}: back from generation {} to {}, at {}; what came since is taken in from there.",
        done.name, done.from_generation, done.generation, done.position
    ))?)
}
