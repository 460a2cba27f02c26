//! How it goes with the logs that are gathered, as any process reads it from the database.

use chrono::{DateTime, Utc};
use traveladvisor_infra::event_log::{BEHIND_COUNTED_MAX, EventLog, GATHER, GatheredLog, Owner, Position};

use super::STATE_UNOWNED;
use crate::reads::ReadError;

/// A log that is gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherReport {
    /// Its name.
    pub log: String,
    /// `live`, `held` until a trip has begun, `away` when it does not answer, or `unowned` when no process copies.
    pub state: String,
    /// Why it does not go on, if it does not. Never quotes an event.
    pub reason: Option<String>,
    /// Its last event that is copied.
    pub position: Position,
    /// Where it ended when that was last told.
    pub head: Position,
    /// Events that were not copied then: exact up to [`BEHIND_COUNTED_MAX`], else at least so many.
    pub lag_events: u64,
    /// When that was, by the clock of the read log's server.
    pub told_at: Option<DateTime<Utc>>,
}

impl GatherReport {
    /// Whether the lag was counted to its end.
    pub const fn lag_is_exact(&self) -> bool {
        self.lag_events < BEHIND_COUNTED_MAX
    }
}

/// The logs that this one gathers, by name; nothing where it is a log of its own.
///
/// # Errors
///
/// When the database does not answer.
pub async fn gather_reports(read_log: &EventLog) -> Result<Vec<GatherReport>, ReadError> {
    let known = read_log.gathered().await.map_err(ReadError::from)?;
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let owners = read_log.owners().await.map_err(ReadError::from)?;
    let is_owned = owners.iter().any(|owner: &Owner| owner.name == GATHER && owner.held.is_some());
    Ok(known.into_iter().map(|log| report(log, is_owned)).collect())
}

fn report(log: GatheredLog, is_owned: bool) -> GatherReport {
    let GatheredLog { log, position, told, told_at, .. } = log;
    let (state, reason) = if is_owned {
        (told.state, told.reason)
    } else {
        (STATE_UNOWNED.to_owned(), Some("no process gathers: start one with the role `projections`".to_owned()))
    };
    GatherReport { log, state, reason, position, head: told.head, lag_events: told.lag_events, told_at }
}
