//! What a batch would write: an overlay over the cache, the events staged on it, and what the decisions have read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use traveladvisor_domain::aggregate::{Aggregate, Command, Error, Event};
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{Append, KeyRow, Metadata, NewEvent, Position, Wakeup, encode};
use uuid::Uuid;

use super::cache::{Cache, State};
use super::job::Origin;

/// Kind of the wake-ups of sagas.
pub(crate) const RETRY: &str = "retry";

/// The overlay of one batch.
pub(crate) struct Staging<'c> {
    cache: &'c Cache,
    overlay: HashMap<StreamId, State>,
    reads: BTreeMap<StreamId, u64>,
    wakes_before: HashMap<StreamId, Option<DateTime<Utc>>>,
    rewake: HashSet<StreamId>,
    events: Vec<StagedEvent>,
    keys: Vec<KeyRow>,
}

/// An event on its way to the log.
struct StagedEvent {
    stream: StreamId,
    sequence: u64,
    event: Event,
    by: DecidedBy,
    fused: Vec<usize>,
}

/// What the metadata tells of a decision.
#[derive(Clone)]
pub(crate) struct DecidedBy {
    pub(crate) origin: Arc<Origin>,
    pub(crate) command: &'static str,
    pub(crate) causation: Option<Uuid>,
    pub(crate) at: DateTime<Utc>,
}

/// Why a decision gave no events.
#[derive(Debug)]
pub(crate) enum Undecided {
    /// A business no.
    Refused(Error),
    /// The decision panicked: this one is dropped (L10).
    Panicked,
    /// The stream is not in memory.
    Cold,
}

/// Taking an event into a state panicked: the overlay is worth nothing any more.
#[derive(Debug)]
pub(crate) struct Poisoned;

/// What is left of a staging once it is closed: owned, ready to append and to merge.
pub(crate) struct Closed {
    pub(crate) append: Append,
    pub(crate) states: HashMap<StreamId, State>,
    /// Place (from 0) of the last event of each stream that was written.
    pub(crate) last_places: HashMap<StreamId, usize>,
}

impl<'c> Staging<'c> {
    pub(crate) fn new(cache: &'c Cache) -> Self {
        Self {
            cache,
            overlay: HashMap::new(),
            reads: BTreeMap::new(),
            wakes_before: HashMap::new(),
            rewake: HashSet::new(),
            events: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// The stream has a freshly drawn id, so it is empty; the append checks it.
    pub(crate) fn create(&mut self, stream: StreamId) {
        if !self.cache.contains(stream) {
            self.overlay.entry(stream).or_insert_with(|| State::empty(stream.kind));
        }
    }

    /// The state that a decision sees, if it is in memory. Remembers that it was read.
    pub(crate) fn read(&mut self, stream: StreamId) -> Option<&State> {
        let state = self.overlay.get(&stream).or_else(|| self.cache.get(stream))?;
        self.reads.entry(stream).or_insert(state.sequence);
        Some(state)
    }

    /// The state, without remembering that it was read.
    pub(crate) fn peek(&self, stream: StreamId) -> Option<&Aggregate> {
        self.overlay.get(&stream).or_else(|| self.cache.get(stream)).map(|state| &state.aggregate)
    }

    /// Place of the last event staged on a stream.
    pub(crate) fn last_place(&self, stream: StreamId) -> Option<usize> {
        self.events.iter().rposition(|staged| staged.stream == stream)
    }

    pub(crate) fn is_hot(&self, stream: StreamId) -> bool {
        self.overlay.contains_key(&stream) || self.cache.contains(stream)
    }

    /// Decides on the overlay; changes nothing.
    pub(crate) fn decide(&mut self, stream: StreamId, command: Command) -> Result<Vec<Event>, Undecided> {
        let state = self.read(stream).ok_or(Undecided::Cold)?;
        match catch_unwind(AssertUnwindSafe(|| state.aggregate.decide(command))) {
            Ok(decided) => decided.map_err(Undecided::Refused),
            Err(_) => Err(Undecided::Panicked),
        }
    }

    /// Takes decided events into the overlay; returns their places.
    pub(crate) fn stage(
        &mut self,
        stream: StreamId,
        events: Vec<Event>,
        by: &DecidedBy,
    ) -> Result<std::ops::Range<usize>, Poisoned> {
        let first = self.events.len();
        if events.is_empty() {
            return Ok(first..first);
        }
        let cache = self.cache;
        let state = self
            .overlay
            .entry(stream)
            .or_insert_with(|| cache.get(stream).cloned().unwrap_or_else(|| State::empty(stream.kind)));
        self.wakes_before.entry(stream).or_insert_with(|| wake_of(&state.aggregate));
        for event in events {
            let applied = catch_unwind(AssertUnwindSafe(|| state.aggregate.apply(&event)));
            if !matches!(applied, Ok(true)) {
                return Err(Poisoned);
            }
            state.sequence += 1;
            let sequence = state.sequence;
            self.events.push(StagedEvent { stream, sequence, event, by: by.clone(), fused: Vec::new() });
        }
        Ok(first..self.events.len())
    }

    pub(crate) fn event(&self, place: usize) -> (StreamId, u64, &Event) {
        let staged = &self.events[place];
        (staged.stream, staged.sequence, &staged.event)
    }

    /// The message at `message_place` of the event at `place` was handled here: the relay skips it (L9).
    pub(crate) fn fuse(&mut self, place: usize, message_place: usize) {
        self.events[place].fused.push(message_place);
    }

    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn add_key(&mut self, row: KeyRow) {
        self.keys.push(row);
    }

    /// The wake-up row of this stream is written in any case, as the state asks for.
    pub(crate) fn rewake(&mut self, stream: StreamId) {
        self.rewake.insert(stream);
    }

    /// Closes the batch: metadata is serialised last, when all is known that was fused (L9).
    pub(crate) fn close(self, batch: Uuid, now: DateTime<Utc>) -> Result<Closed, serde_json::Error> {
        let wakeups = self.wakeups();
        let batch_text = batch.to_string();
        let mut last_places = HashMap::new();
        let mut events = Vec::with_capacity(self.events.len());
        for (place, staged) in self.events.iter().enumerate() {
            last_places.insert(staged.stream, place);
            events.push(NewEvent {
                stream: staged.stream,
                sequence: staged.sequence,
                event_type: staged.event.event_type(),
                event_version: staged.event.event_version(),
                payload: encode(&staged.event)?,
                metadata: metadata(staged, &batch_text)?,
            });
        }
        let append = Append {
            batch,
            reads: self.reads.into_iter().collect(),
            events,
            keys: self.keys,
            now,
            wakeups,
            ..Append::default()
        };
        Ok(Closed { append, states: self.overlay, last_places })
    }

    fn wakeups(&self) -> Vec<Wakeup> {
        let due_now = |stream: StreamId| {
            let state = self.overlay.get(&stream).or_else(|| self.cache.get(stream));
            state.and_then(|state| wake_of(&state.aggregate))
        };
        let changed = self
            .wakes_before
            .iter()
            .filter(|(stream, before)| !self.rewake.contains(stream) && due_now(**stream) != **before)
            .map(|(stream, _)| *stream);
        let mut streams: Vec<StreamId> =
            changed.chain(self.rewake.iter().copied()).filter(|stream| stream.kind == StreamKind::TripSaga).collect();
        streams.sort_unstable();
        streams.into_iter().map(|stream| Wakeup { stream, kind: RETRY, due_at: due_now(stream) }).collect()
    }
}

/// Where the events of a commit stand, from the position of its first.
pub(crate) fn position_of(first: Position, place: usize) -> Position {
    Position(first.0 + place as u64)
}

fn wake_of(aggregate: &Aggregate) -> Option<DateTime<Utc>> {
    match aggregate {
        Aggregate::TripSaga(saga) => saga.wake_up_at(),
        _ => None,
    }
}

fn metadata(staged: &StagedEvent, batch: &str) -> Result<String, serde_json::Error> {
    let by = &staged.by;
    let fused: Vec<String> = staged.fused.iter().map(usize::to_string).collect();
    serde_json::to_string(&Metadata {
        batch: batch.to_owned(),
        command: by.command.to_owned(),
        correlation: by.origin.correlation.clone(),
        causation: by.causation.map(|id| id.to_string()),
        actor: by.origin.actor.clone(),
        traceparent: by.origin.traceparent.clone(),
        occurred_at: by.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        fused: (!fused.is_empty()).then(|| fused.join(",")),
    })
}
