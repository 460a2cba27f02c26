//! `events tail`.

use std::time::Duration;

use traveladvisor_infra::event_log::{EventFilter, EventLog, Position};

use super::record::Record;
use super::{Sight, Which};
use crate::cli::failure::Failure;
use crate::cli::print::Printer;
use crate::cli::signals::asked_to_stop;

/// Events read at once.
const PAGE: usize = 500;
/// How long it sleeps at most before it looks at the log by itself.
const POLL: Duration = Duration::from_secs(1);

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// How many positions back from the end.
    pub(super) last: u64,
    /// Whether to go on with what comes.
    pub(super) follow: bool,
}

/// Prints the latest events, and those that come until the program is asked to stop.
pub(super) async fn run(
    log: &EventLog,
    which: &Which,
    reach: Reach,
    sight: Sight,
    printer: Printer,
) -> Result<(), Failure> {
    let mut filter = which.filter();
    if which.after.is_none() {
        filter.after = Position(log.head().await?.0.saturating_sub(reach.last));
    }
    if !reach.follow {
        return catch_up(log, &mut filter, sight, printer).await;
    }
    let listening = log.listen();
    let followed = tokio::select! {
        followed = follow(log, filter, sight, printer) => followed,
        () = asked_to_stop() => Ok(()),
    };
    listening.abort();
    followed
}

async fn follow(log: &EventLog, mut filter: EventFilter, sight: Sight, printer: Printer) -> Result<(), Failure> {
    let mut committed = log.committed();
    loop {
        committed.borrow_and_update();
        catch_up(log, &mut filter, sight, printer).await?;
        // An error would mean that the log is gone, and we hold it.
        let _ = tokio::time::timeout(POLL, committed.changed()).await;
    }
}

async fn catch_up(log: &EventLog, filter: &mut EventFilter, sight: Sight, printer: Printer) -> Result<(), Failure> {
    loop {
        let page = log.search(filter, PAGE).await?;
        let Some(end) = page.last() else { return Ok(()) };
        filter.after = end.position;
        for event in &page {
            let record = Record::of(event, sight)?;
            if printer.is_json() {
                printer.json(&record)?;
                continue;
            }
            printer.line(format!(
                "{:>8}  {}  {:<38} {:>3}  {}",
                record.position,
                record.time(),
                record.stream,
                record.sequence,
                record.event_type
            ))?;
        }
    }
}
