//! The log's tail, read and decoded once for all projectors that stand at about the same place.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use traveladvisor_infra::event_log::{EventLog, LogError, Position};

use super::projection::Tailed;

/// Most events that are kept for the other projectors.
const KEPT_EVENTS_MAX: usize = 6_000;

/// The end of a log. Because order is commit order (L2), what was read is complete up to its last event.
#[derive(Debug)]
pub struct Tail {
    log: EventLog,
    recent: Mutex<Recent>,
}

/// All events after `after`, up to the last one kept.
#[derive(Debug, Default)]
struct Recent {
    after: Position,
    events: VecDeque<Arc<Tailed>>,
}

impl Tail {
    /// The tail of a log.
    pub fn new(log: EventLog) -> Arc<Self> {
        Arc::new(Self { log, recent: Mutex::default() })
    }

    pub(super) const fn log(&self) -> &EventLog {
        &self.log
    }

    pub(super) fn committed(&self) -> watch::Receiver<Position> {
        self.log.committed()
    }

    /// Some of the events after a position, in order, at most `limit`; none when there are none.
    pub(super) async fn after(&self, position: Position, limit: usize) -> Result<Vec<Arc<Tailed>>, LogError> {
        let mut recent = self.recent.lock().await;
        if position < recent.after {
            drop(recent);
            return self.read(position, limit).await;
        }
        if position >= recent.last() {
            if position > recent.last() {
                *recent = Recent { after: position, events: VecDeque::new() };
            }
            // Read under the lock: the others wait for this one read instead of making their own.
            let events = self.read(position, limit).await?;
            recent.keep(events);
        }
        Ok(recent.slice(position, limit))
    }

    async fn read(&self, position: Position, limit: usize) -> Result<Vec<Arc<Tailed>>, LogError> {
        let stored = self.log.read_after(position, limit).await?;
        Ok(stored.iter().map(|event| Arc::new(Tailed::read(event))).collect())
    }
}

impl Recent {
    fn last(&self) -> Position {
        self.events.back().map_or(self.after, |event| event.position)
    }

    fn keep(&mut self, events: Vec<Arc<Tailed>>) {
        self.events.extend(events);
        while self.events.len() > KEPT_EVENTS_MAX {
            if let Some(forgotten) = self.events.pop_front() {
                self.after = forgotten.position;
            }
        }
    }

    fn slice(&self, position: Position, limit: usize) -> Vec<Arc<Tailed>> {
        let from = self.events.partition_point(|event| event.position <= position);
        self.events.range(from..).take(limit).cloned().collect()
    }
}
