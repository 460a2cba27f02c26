//! The read models, as `doctor` sees them.

use traveladvisor_infra::postgres::Checkpoint;
use traveladvisor_projections::runtime::ProjectionReport;

use super::{Check, reader};

/// Checkpoint and report of a read model. Not well is what stays as it is until an operator does something.
pub(super) fn check(checkpoint: Checkpoint, reports: &[ProjectionReport], head: u64) -> Check {
    let mut check = reader(format!("projection {}", checkpoint.name), checkpoint.position.0, head);
    if let Some(reason) = checkpoint.stopped_reason {
        check.ok = false;
        check.detail = format!("stopped at {}: {reason}", checkpoint.position);
    }
    let Some(report) = reports.iter().find(|report| report.name.as_str() == checkpoint.name) else { return check };
    if let (true, Some(reason)) = (report.is_paused(), &report.reason) {
        check.ok = false;
        check.detail = format!("paused at {}: {reason}", checkpoint.position);
    }
    if report.dead_letters > 0 {
        check.ok = false;
        let (dead, waiting, name) = (report.dead_letters, report.waiting, &checkpoint.name);
        let told = format!("{dead} events could not be taken in and {waiting} wait behind them");
        check.detail = format!("{}; {told}: see `traveladvisor projections status {name}`", check.detail);
    }
    if report.rebuild.as_ref().is_some_and(|rebuild| rebuild.is_cut_off) {
        check.detail += "; a rebuild was cut off, the live rows are as they were";
    }
    check
}
