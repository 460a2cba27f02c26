//! States of streams in memory: as committed, and as staged by batches that are not committed yet.
//!
//! Committed states are never ahead of the log; maybe behind, which every append checks. Hotels, flights and cars are kept twice and every
//! event is applied twice, because copying a large state for every batch would cost more.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{
    EventLog, FromSnapshot, LogError, Position, StoredEvent, StoredSnapshot, decode_state,
};

use super::limits::{CACHED_STREAMS_MAX, HYDRATION_PAGE, STAGED_STREAMS_MAX};
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

/// Whether a batch is under way that has staged something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Staged {
    /// None is: staged copies may go.
    Unused,
    /// One may be.
    InUse,
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
            for stored in page {
                let event = stored.decode()?;
                self.take(&event).map_err(|Poisoned| LogError::Refused(format!("{stream} cannot be replayed")))?;
                self.position = stored.position;
            }
            if is_last {
                return Ok(self);
            }
            page = log.read_stream_page(stream, self.sequence, HYDRATION_PAGE).await?;
        }
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

    fn take(&mut self, event: &Event) -> Result<(), Poisoned> {
        let applied = catch_unwind(AssertUnwindSafe(|| self.aggregate.apply(event)));
        if !matches!(applied, Ok(true)) {
            return Err(Poisoned);
        }
        self.sequence += 1;
        Ok(())
    }
}

/// All states that are in memory.
#[derive(Debug, Default)]
pub(crate) struct States {
    committed: HashMap<StreamId, (State, u64)>,
    staged: HashMap<StreamId, State>,
    turn: u64,
    #[cfg(feature = "testing")]
    pub(crate) faults: super::faults::Faults,
}

impl States {
    #[cfg(feature = "testing")]
    pub(crate) fn with_faults(faults: super::faults::Faults) -> Self {
        Self { faults, ..Self::default() }
    }

    /// The state that the next decision sees.
    pub(crate) fn view(&self, stream: StreamId) -> Option<&State> {
        self.staged.get(&stream).or_else(|| self.committed.get(&stream).map(|(state, _)| state))
    }

    pub(crate) fn is_hot(&self, stream: StreamId) -> bool {
        self.staged.contains_key(&stream) || self.committed.contains_key(&stream)
    }

    /// Where the stream stood at its last event that is committed.
    pub(crate) fn committed_position(&self, stream: StreamId) -> Position {
        self.committed.get(&stream).map_or(Position::START, |(state, _)| state.position)
    }

    /// The stream is taken to be empty; the append checks it.
    pub(crate) fn create(&mut self, stream: StreamId) {
        if !self.is_hot(stream) {
            self.staged.insert(stream, State::empty(stream.kind));
        }
    }

    /// Takes an event into the staged state; returns its sequence.
    pub(crate) fn stage(&mut self, stream: StreamId, event: &Event) -> Result<u64, Poisoned> {
        let committed = &mut self.committed;
        let turn = self.turn;
        let state = self.staged.entry(stream).or_insert_with(|| match committed.get_mut(&stream) {
            Some((state, touched)) => {
                *touched = turn;
                state.clone()
            }
            None => State::empty(stream.kind),
        });
        state.take(event)?;
        Ok(state.sequence)
    }

    /// Forgets all that is staged: the batches that staged it are decided again.
    pub(crate) fn drop_staged(&mut self) {
        self.staged.clear();
    }

    /// A batch that wrote this stream is committed. True when its staged state became the committed one as it is; else the events have
    /// to be applied. `last` is the last event's sequence and position.
    pub(crate) fn commit_staged(&mut self, stream: StreamId, last: (u64, Position)) -> bool {
        let nobody_went_on = self.staged.get(&stream).is_some_and(|state| state.sequence == last.0);
        if !nobody_went_on || is_kept(stream.kind) {
            return false;
        }
        if let Some(mut state) = self.staged.remove(&stream) {
            state.position = last.1;
            self.put(stream, state);
        }
        true
    }

    /// Events of a stream that are committed, taken into its committed state.
    pub(crate) fn commit_applied(&mut self, stream: StreamId, last: (u64, Position), events: &[&Event]) {
        let known = self.committed.remove(&stream).map(|(state, _)| state);
        let mut state = known.unwrap_or_else(|| State::empty(stream.kind));
        let applied = events.iter().map(|event| state.take(event)).all(|applied| applied.is_ok());
        // What does not fit together (the rest of the stream was never in memory) is loaded when it is needed.
        if applied && state.sequence == last.0 {
            state.position = last.1;
            self.put(stream, state);
        }
    }

    /// A snapshot of the stream is in the log now.
    pub(crate) fn note_kept(&mut self, stream: StreamId, kept: Kept) {
        let committed = self.committed.get_mut(&stream).map(|(state, _)| state);
        for state in committed.into_iter().chain(self.staged.get_mut(&stream)) {
            state.kept = Some(kept);
        }
    }

    /// A state as it was read from the log.
    pub(crate) fn put(&mut self, stream: StreamId, state: State) {
        self.committed.insert(stream, (state, self.turn));
    }

    /// The committed state, out of memory.
    pub(crate) fn take_out(&mut self, stream: StreamId) -> Option<State> {
        self.committed.remove(&stream).map(|(state, _)| state)
    }

    /// Ends a turn. Of too many streams the longest untouched half goes, unless a batch is under way.
    pub(crate) fn end_turn(&mut self, staged: Staged) {
        self.turn += 1;
        let unused = staged == Staged::Unused;
        if unused && self.staged.len() > STAGED_STREAMS_MAX {
            self.staged.clear();
        }
        if self.committed.len() <= CACHED_STREAMS_MAX || !unused {
            return;
        }
        self.staged.clear();
        let mut turns: Vec<u64> = self.committed.values().map(|(_, touched)| *touched).collect();
        let middle = turns.len() / 2;
        let (_, median, _) = turns.select_nth_unstable(middle);
        let keep_from = *median + 1;
        self.committed.retain(|_, (_, touched)| *touched >= keep_from);
    }
}
