//! `events list`.

use traveladvisor_infra::event_log::{EventFilter, EventLog};

use super::Sight;
use super::record::Record;
use crate::cli::failure::Failure;
use crate::cli::print::{Printer, table};

/// Events read at once.
const PAGE: usize = 1_000;

/// Prints what the filter admits, in order, at most `limit`.
pub(super) async fn run(
    log: &EventLog,
    mut filter: EventFilter,
    limit: usize,
    sight: Sight,
    printer: Printer,
) -> Result<(), Failure> {
    let mut left = limit;
    let mut rows = table(&["position", "when", "stream", "seq", "event"]);
    let mut last = None;
    while left > 0 {
        let page = log.search(&filter, left.min(PAGE)).await?;
        let Some(end) = page.last() else { break };
        filter.after = end.position;
        left -= page.len();
        for event in &page {
            let record = Record::of(event, sight)?;
            if printer.is_json() {
                printer.json(&record)?;
            } else {
                let time = record.time();
                rows.add_row([record.position, time, record.stream, record.sequence.to_string(), record.event_type]);
            }
        }
        last = Some(filter.after);
    }
    if !printer.is_json() {
        printer.line(rows.trim_fmt())?;
    }
    if left == 0
        && let Some(position) = last
    {
        printer.hint(format!("There may be more: --after {position}"));
    }
    Ok(())
}
