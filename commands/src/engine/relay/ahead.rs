//! What the relay has read and not delivered: one page, and the next one on its way while that is delivered.

use std::vec::IntoIter;

use tokio::task::JoinSet;
use traveladvisor_infra::event_log::{EventLog, LogError, Position, StoredEvent};

use super::super::limits::RELAY_PAGE;

/// Events of the log in their order, each once.
pub(super) struct Ahead {
    page: IntoIter<StoredEvent>,
    /// Behind the last event that was read.
    read: Position,
    /// The next page, where there is more; it is given up with this.
    coming: JoinSet<Result<Vec<StoredEvent>, LogError>>,
}

impl Ahead {
    /// Begins behind this position.
    pub(super) fn after(position: Position) -> Self {
        Self { page: Vec::new().into_iter(), read: position, coming: JoinSet::new() }
    }

    /// Reads on once all that was read is delivered. True when nothing more stands behind it by now; what was read earlier says nothing of that,
    /// as whoever waits may have been told meanwhile of what came since.
    ///
    /// Errors: the log cannot be read; what is delivered next is the same the next time.
    pub(super) async fn read(&mut self, log: &EventLog) -> Result<bool, LogError> {
        if !self.page.as_slice().is_empty() {
            return Ok(false);
        }
        let came = self.coming.join_next().await.and_then(Result::ok);
        let is_from_now = came.is_none();
        let page = match came {
            Some(page) => page?,
            None => log.read_after(self.read, RELAY_PAGE).await?,
        };
        self.read = page.last().map_or(self.read, |last| last.position);
        let is_full = page.len() == RELAY_PAGE;
        self.page = page.into_iter();
        if is_full {
            let (log, read) = (log.clone(), self.read);
            self.coming.spawn(async move { log.read_after(read, RELAY_PAGE).await });
        }
        Ok(is_from_now && !is_full)
    }

    /// The next one to deliver.
    pub(super) fn pop(&mut self) -> Option<StoredEvent> {
        self.page.next()
    }
}
