//! What was appended while rows were made, taken in as a live projector does.

use std::time::Duration;

use sqlx::Executor;
use tokio::sync::watch;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::error::RebuildError;
use super::making::Made;
use super::progress::Progress;
use super::reading::end_of;
use super::switch::SWITCH_EVENTS_MAX;
use crate::runtime::projection::Tailed;

/// Events of one transaction.
const PAGE_EVENTS: usize = 2_000;
/// Pause before the log's end is looked at again while others write it.
const PAUSE: Duration = Duration::from_millis(1);

/// Takes in the log up to its end, but for so little that the switch takes it in.
pub(super) async fn to_the_end(
    log: &EventLog,
    part: &mut Made,
    progress: &watch::Sender<Progress>,
) -> Result<(), RebuildError> {
    while next_page(log, part, progress).await? > SWITCH_EVENTS_MAX {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Takes in the log up to a position, which must be committed, in the transaction that is under way.
pub(super) async fn within(log: &EventLog, part: &mut Made, until: Position) -> Result<(), RebuildError> {
    while part.position < until {
        let mut page = page_after(log, part.position, PAGE_EVENTS).await?;
        page.retain(|tailed| tailed.position <= until);
        part.builds.follow(&page).await?;
        part.position = if page.is_empty() { until } else { end_of(&page) };
    }
    Ok(())
}

async fn next_page(log: &EventLog, part: &mut Made, progress: &watch::Sender<Progress>) -> Result<usize, RebuildError> {
    let page = page_after(log, part.position, PAGE_EVENTS).await?;
    take_in(part, &page).await?;
    progress.send_modify(|told| {
        told.position = part.position;
        told.until = told.until.max(part.position);
    });
    Ok(page.len())
}

/// Events after a position, decoded.
pub(super) async fn page_after(log: &EventLog, after: Position, limit: usize) -> Result<Vec<Tailed>, RebuildError> {
    let events = log.read_after(after, limit).await?;
    Ok(events.iter().map(Tailed::read).collect())
}

/// One transaction.
async fn take_in(part: &mut Made, page: &[Tailed]) -> Result<(), RebuildError> {
    if page.is_empty() {
        return Ok(());
    }
    outgoing(Point::Rebuilt, part.builds.writer().connection.execute("BEGIN")).await?;
    part.builds.follow(page).await?;
    outgoing(Point::Rebuilt, part.builds.writer().connection.execute("COMMIT")).await?;
    part.position = end_of(page);
    Ok(())
}
