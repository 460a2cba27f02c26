//! States of streams, as far as this process has read or written them. Never ahead of the log; maybe behind, which every append checks.

use std::collections::HashMap;

use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{EventLog, LogError, Position};

use super::limits::CACHED_STREAMS_MAX;

/// The state of one stream at one sequence.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) aggregate: Aggregate,
    /// The last event's sequence; 0: none.
    pub(crate) sequence: u64,
    /// The last event's position.
    pub(crate) position: Position,
}

impl State {
    pub(crate) fn empty(kind: StreamKind) -> Self {
        Self { aggregate: Aggregate::empty(kind), sequence: 0, position: Position::START }
    }

    /// The state that a stream has in the log, read on from where `self` is.
    pub(crate) async fn read_on(mut self, log: &EventLog, stream: StreamId) -> Result<Self, LogError> {
        for stored in log.read_stream(stream, self.sequence).await? {
            let event = stored.decode()?;
            if !self.aggregate.apply(&event) {
                return Err(LogError::Refused(format!("{stream} holds an event of another kind")));
            }
            self.sequence = stored.sequence;
            self.position = stored.position;
        }
        Ok(self)
    }
}

/// A bounded cache; what was longest untouched goes first.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    states: HashMap<StreamId, (State, u64)>,
    turn: u64,
}

impl Cache {
    pub(crate) fn get(&self, stream: StreamId) -> Option<&State> {
        self.states.get(&stream).map(|(state, _)| state)
    }

    pub(crate) fn contains(&self, stream: StreamId) -> bool {
        self.states.contains_key(&stream)
    }

    pub(crate) fn put(&mut self, stream: StreamId, state: State) {
        self.states.insert(stream, (state, self.turn));
    }

    pub(crate) fn take(&mut self, stream: StreamId) -> Option<State> {
        self.states.remove(&stream).map(|(state, _)| state)
    }

    pub(crate) fn touch(&mut self, streams: &[StreamId]) {
        for stream in streams {
            if let Some((_, touched)) = self.states.get_mut(stream) {
                *touched = self.turn;
            }
        }
    }

    /// Ends a turn; when there are too many streams, the older half of the turns goes.
    pub(crate) fn end_turn(&mut self) {
        self.turn += 1;
        if self.states.len() <= CACHED_STREAMS_MAX {
            return;
        }
        let mut turns: Vec<u64> = self.states.values().map(|(_, touched)| *touched).collect();
        let middle = turns.len() / 2;
        let (_, median, _) = turns.select_nth_unstable(middle);
        let keep_from = *median + 1;
        self.states.retain(|_, (_, touched)| *touched >= keep_from);
    }
}
