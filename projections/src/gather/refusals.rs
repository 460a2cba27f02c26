//! What the read log's database has refused, and which log is left alone because of it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;
use traveladvisor_infra::event_log::{GATHER_EVENTS_MAX, Gathering};

use super::REFUSED_PAUSE;
use super::source::now;

/// What the read log's database has refused in this turn.
#[derive(Default)]
pub(super) struct Refusals {
    /// Events of the next statement at most, after one that was refused: the guilty one is looked for by halving.
    events_max: Option<usize>,
    /// Logs of which the next event is refused.
    logs: HashMap<Arc<str>, Refused>,
}

/// A log of which the next event is refused: it is left alone for a while.
struct Refused {
    reason: String,
    again_at: Instant,
}

impl Refusals {
    /// Events of the next statement, at most.
    pub(super) fn events_max(&self) -> usize {
        self.events_max.unwrap_or(GATHER_EVENTS_MAX)
    }

    /// Whether something of this log was refused and has not gone since: what comes of it is on trial.
    pub(super) fn are_of(&self, log: &str) -> bool {
        self.logs.contains_key(log)
    }

    /// Why a log is left alone, if it is.
    pub(super) fn reason(&self, log: &str) -> Option<&String> {
        self.logs.get(log).map(|refused| &refused.reason)
    }

    /// Whether a log may be read: nothing of it was refused, or not for a while.
    pub(super) fn may_be_read(&self, log: &str, now: Instant) -> bool {
        self.logs.get(log).is_none_or(|refused| now >= refused.again_at)
    }

    /// It went well.
    pub(super) fn copied(&mut self, gathering: &Gathering) {
        self.events_max = self.events_max.map(|max| max * 2).filter(|max| *max < GATHER_EVENTS_MAX);
        gathering.moves.iter().for_each(|moved| self.is_well(&moved.log));
    }

    /// What was refused of this log is copied, or not there any more.
    pub(super) fn is_well(&mut self, log: &str) {
        if self.logs.remove(log).is_some() {
            tracing::info!(log, "a log is gathered again");
        }
    }

    /// The database refuses these events.
    pub(super) fn refused(&mut self, gathering: &Gathering, reason: &str) {
        let ([event], [moved]) = (&*gathering.events, &*gathering.moves) else {
            self.events_max = Some((gathering.events.len() / 2).max(1));
            return;
        };
        // The guilty one is found: the others go on with as many events at once as before.
        self.events_max = None;
        let reason =
            format!("event {} cannot be copied, does another log have the same stream? {reason}", event.position);
        let refused = Refused { reason, again_at: now() + REFUSED_PAUSE };
        if self.logs.get(&moved.log).is_none_or(|former| former.reason != refused.reason) {
            tracing::error!(log = &*moved.log, reason = refused.reason, "a log is not gathered any further");
        }
        self.logs.insert(moved.log.clone(), refused);
    }
}
