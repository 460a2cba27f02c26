//! What keeps a projection where it is until an operator does something, and the operator's verbs pause and resume.

use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::PgPool;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::checkpoint;
use super::dead_letters::PARKED_EVENTS_MAX;

/// How the reason begins of one that has no room left for events to set aside.
const FULL: &str = "as many events wait as may";

/// The reason of one that an operator has paused.
pub(super) fn paused(since: DateTime<Utc>) -> String {
    let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("an operator has paused it at {since}: `traveladvisor projections resume` lets it go on")
}

/// The reason of one that has no room left.
pub(super) fn full(name: &str) -> String {
    format!(
        "{FULL} ({PARKED_EVENTS_MAX}): mend what cannot be taken in, then `traveladvisor projections retry {name}`, or rebuild it"
    )
}

/// Whether it is that reason.
pub(super) fn is_full(reason: &str) -> bool {
    reason.starts_with(FULL)
}

/// What came of pausing or resuming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paused {
    /// It was done.
    Done,
    /// It was so already.
    Already,
    /// No projection of this name has ever followed this log.
    Unknown,
}

/// Keeps a projection where it is, in whatever process it is followed, until [`resume`]. What it shows stays readable. Its owner hears of
/// it in a moment; nothing is taken in after this has returned.
pub async fn pause(pool: &PgPool, name: &str) -> Result<Paused, sqlx::Error> {
    let pause = "UPDATE projection_checkpoints SET paused_since = clock_timestamp(), epoch = epoch + 1 \
                  WHERE name = $1 AND paused_since IS NULL";
    change(pool, name, pause).await
}

/// Lets a paused projection go on.
pub async fn resume(pool: &PgPool, name: &str) -> Result<Paused, sqlx::Error> {
    let resume = "UPDATE projection_checkpoints SET paused_since = NULL, epoch = epoch + 1 \
                   WHERE name = $1 AND paused_since IS NOT NULL";
    change(pool, name, resume).await
}

/// The epoch is raised with it: the owner's next write finds no row, and whoever takes the row over sees how it is.
async fn change(pool: &PgPool, name: &str, statement: &str) -> Result<Paused, sqlx::Error> {
    let change = sqlx::query(statement).bind(name);
    if outgoing(Point::ProjectionPaused, change.execute(pool)).await?.rows_affected() > 0 {
        return Ok(Paused::Done);
    }
    Ok(checkpoint::look(pool, name).await?.map_or(Paused::Unknown, |_| Paused::Already))
}
