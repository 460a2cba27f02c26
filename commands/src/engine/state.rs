//! The state of one stream, and its way out of the log.

use std::panic::{AssertUnwindSafe, catch_unwind};

use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_domain::shape::Events;
use traveladvisor_infra::event_log::{
    EventLog, FromSnapshot, LogError, Position, StoredEvent, StoredSnapshot, decode_state,
};

use super::limits::HYDRATION_PAGE;
use super::snapshots::{Kept, is_kept};

/// The state of one stream at one sequence.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) aggregate: Aggregate,
    /// The last event's sequence; 0: none.
    pub(crate) sequence: u64,
    /// The last event's position; of a staged state: that of the last committed one.
    pub(crate) position: Position,
    /// Its last snapshot.
    pub(crate) kept: Option<Kept>,
}

/// Taking an event into a state panicked: what is staged is worth nothing any more.
#[derive(Debug)]
pub(crate) struct Poisoned;

impl State {
    pub(crate) fn empty(kind: StreamKind) -> Self {
        Self { aggregate: Aggregate::empty(kind), sequence: 0, position: Position::START, kept: None }
    }

    /// The state that a stream has in the log, read on from where `self` is.
    pub(crate) async fn read_on(mut self, log: &EventLog, stream: StreamId) -> Result<Self, LogError> {
        let mut page = match self.sequence {
            0 if is_kept(stream.kind) => self.begin(log, stream).await?,
            sequence => log.read_stream_page(stream, sequence, HYDRATION_PAGE).await?,
        };
        loop {
            let is_last = page.len() < HYDRATION_PAGE;
            self.replay(stream, &page)?;
            if is_last {
                return Ok(self);
            }
            page = log.read_stream_page(stream, self.sequence, HYDRATION_PAGE).await?;
        }
    }

    /// Takes in the next events of its stream, as they are stored.
    pub(crate) fn replay(&mut self, stream: StreamId, page: &[StoredEvent]) -> Result<(), LogError> {
        for stored in page {
            let events = stored.decode()?;
            self.take_stored(&events).map_err(|Poisoned| LogError::Refused(format!("{stream} cannot be replayed")))?;
            self.position = stored.position;
        }
        Ok(())
    }

    /// Begins with the snapshot, if there is one that this program can read; returns the first events after it.
    async fn begin(&mut self, log: &EventLog, stream: StreamId) -> Result<Vec<StoredEvent>, LogError> {
        let FromSnapshot { snapshot, events } = log.read_from_snapshot(stream, HYDRATION_PAGE).await?;
        let Some(snapshot) = snapshot else { return Ok(events) };
        let StoredSnapshot { sequence, position, payload } = snapshot;
        let Some(aggregate) = decode_state(stream.kind, &payload) else {
            tracing::info!(%stream, "a snapshot of another version is ignored; the whole stream is read");
            return log.read_stream_page(stream, 0, HYDRATION_PAGE).await;
        };
        *self = Self { aggregate, sequence, position, kept: Some(Kept { sequence, bytes: payload.len() }) };
        Ok(events)
    }

    pub(crate) fn take(&mut self, event: &Event) -> Result<(), Poisoned> {
        self.take_all([event])
    }

    /// Takes in what one stored event is today: one place of the stream, whatever it has become.
    pub(crate) fn take_stored(&mut self, events: &Events) -> Result<(), Poisoned> {
        self.take_all(events)
    }

    fn take_all<'e>(&mut self, events: impl IntoIterator<Item = &'e Event>) -> Result<(), Poisoned> {
        let apply = || events.into_iter().all(|event| self.aggregate.apply(event));
        let applied = catch_unwind(AssertUnwindSafe(apply));
        if !matches!(applied, Ok(true)) {
            return Err(Poisoned);
        }
        self.sequence += 1;
        Ok(())
    }
}
