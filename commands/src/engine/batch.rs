//! One batch: jobs, what they came to, the events that they staged, and what their decisions have read.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::Serialize;
use traveladvisor_domain::aggregate::{Aggregate, Command, Error, Event};
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{
    Append, Appended, CAUSED_BY_REQUEST, EventLog, Key, KeyEffect, KeyRow, LogError, NewEvent, NewSnapshot, Position,
    Told, Wakeup, encode,
};
use uuid::Uuid;

use super::bus::Move;
use super::decide::{SeenAt, Verdict};
use super::job::{Job, Origin};
use super::limits::{BATCH_BYTES_MAX, BATCH_JOBS_MAX};
use super::snapshots::{self, Kept};
use super::states::{Poisoned, State, States};

/// Digits of a second that metadata tells.
const MILLISECONDS: u16 = 3;
/// Kind of the wake-ups of sagas.
pub(crate) const RETRY: &str = "retry";

/// A batch that still takes jobs.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) jobs: Vec<Job>,
    pub(crate) verdicts: Vec<Verdict>,
    reads: HashMap<StreamId, u64>,
    wakes_before: HashMap<StreamId, Option<DateTime<Utc>>>,
    rewake: HashSet<StreamId>,
    postponed: HashMap<StreamId, DateTime<Utc>>,
    events: Vec<StagedEvent>,
    /// Of all payloads.
    bytes: usize,
    last_places: HashMap<StreamId, usize>,
    keys: Vec<PendingKey>,
    /// Jobs of this batch whose key was accepted, with the hash of their input.
    pub(crate) accepted_keys: HashMap<Key, (usize, Vec<u8>)>,
}

/// An event on its way to the log.
struct StagedEvent {
    stream: StreamId,
    sequence: u64,
    event: Event,
    payload: Arc<str>,
    by: DecidedBy,
    fused: Vec<usize>,
    /// How many messages it causes, once they were looked at.
    messages: Option<usize>,
}

/// What the metadata tells of a decision.
#[derive(Clone)]
pub(crate) struct DecidedBy {
    pub(crate) origin: Arc<Origin>,
    pub(crate) command: &'static str,
    pub(crate) causation: Option<Uuid>,
    pub(crate) occurred_at: OccurredAt,
}

impl DecidedBy {
    /// The message, else the request. A request's id is its sender's choice: in front of it stands a word, so that it is never taken for
    /// a message's.
    fn cause(&self) -> Option<String> {
        let request = || self.origin.request_id.as_ref().map(|id| format!("{CAUSED_BY_REQUEST}{id}"));
        self.causation.map(|message| message.to_string()).or_else(request)
    }
}

/// The program's time of a decision, as the metadata has it.
#[derive(Clone)]
pub(crate) struct OccurredAt {
    at: DateTime<Utc>,
    /// RFC 3339.
    text: Arc<str>,
}

impl OccurredAt {
    /// To the millisecond: what is dropped here is not written either.
    pub(crate) fn new(at: DateTime<Utc>) -> Self {
        let at = at.trunc_subsecs(MILLISECONDS);
        Self { at, text: at.to_rfc3339_opts(SecondsFormat::Millis, true).into() }
    }
}

/// A key that a job of this batch came with, and what was accepted under it.
pub(crate) struct PendingKey {
    pub(crate) key: Key,
    pub(crate) input_hash: Vec<u8>,
    /// The stream, and where the effect is seen; absent when the command was refused.
    pub(crate) accepted: Option<(StreamId, SeenAt)>,
}

impl PendingKey {
    /// Called once all that was in flight is merged, so that what was so already has its position.
    fn row(self, states: &States) -> KeyRow {
        let (subject, effect) = match self.accepted {
            None => (String::new(), KeyEffect::CheckOnly),
            Some((subject, SeenAt::Place(place))) => (subject.to_string(), KeyEffect::At(place)),
            Some((subject, SeenAt::Last(stream))) => {
                (subject.to_string(), KeyEffect::Known(states.committed_position(stream)))
            }
        };
        KeyRow { key: self.key, input_hash: self.input_hash, subject, effect }
    }
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

/// A batch that takes no more jobs: ready to append.
pub(crate) struct Closed {
    pub(crate) append: Append,
    pub(crate) jobs: Vec<Job>,
    pub(crate) verdicts: Vec<Verdict>,
    last_places: HashMap<StreamId, usize>,
    /// What it moves of partitions.
    pub(crate) moves: Vec<Move>,
    /// Why it cannot be appended: others would not hear of one of its events.
    pub(crate) unfit: Option<String>,
}

/// The metadata as it is written; see `traveladvisor_infra::event_log::Metadata` for the meaning of each.
#[derive(Serialize)]
struct WrittenMetadata<'a> {
    batch: &'a str,
    command: &'a str,
    correlation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<String>,
    actor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    occurred_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fused: Option<String>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Whether it may take one more job.
    pub(crate) fn has_room(&self) -> bool {
        self.jobs.len() < BATCH_JOBS_MAX && self.bytes < BATCH_BYTES_MAX
    }

    /// The state that a decision sees, if it is in memory. Remembers that it was read, and at which sequence.
    pub(crate) fn read<'s>(&mut self, states: &'s States, stream: StreamId) -> Option<&'s State> {
        let state = states.view(stream)?;
        self.reads.entry(stream).or_insert(state.sequence);
        Some(state)
    }

    /// Decides on the staged state; changes nothing.
    pub(crate) fn decide(
        &mut self,
        states: &States,
        stream: StreamId,
        command: Command,
    ) -> Result<Vec<Event>, Undecided> {
        let state = self.read(states, stream).ok_or(Undecided::Cold)?;
        let decided = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(feature = "testing")]
            states.faults.strike(stream, &command);
            state.aggregate.decide(command)
        }));
        match decided {
            Ok(decided) => decided.map_err(Undecided::Refused),
            Err(_) => Err(Undecided::Panicked),
        }
    }

    /// Takes decided events into the staged state; returns their places.
    pub(crate) fn stage(
        &mut self,
        states: &mut States,
        stream: StreamId,
        events: Vec<Event>,
        by: &DecidedBy,
    ) -> Result<std::ops::Range<usize>, Poisoned> {
        let first = self.events.len();
        if stream.kind == StreamKind::TripSaga && !events.is_empty() {
            self.wakes_before.entry(stream).or_insert_with(|| wake_of(states, stream));
        }
        for event in events {
            let payload: Arc<str> = encode(&event).map_err(|_| Poisoned)?.into();
            let sequence = states.stage(stream, &event)?;
            self.bytes += payload.len();
            let by = by.clone();
            self.events.push(StagedEvent { stream, sequence, event, payload, by, fused: Vec::new(), messages: None });
        }
        if self.events.len() > first {
            self.last_places.insert(stream, self.events.len() - 1);
        }
        Ok(first..self.events.len())
    }

    pub(crate) fn event(&self, place: usize) -> (StreamId, u64, &Event) {
        let staged = &self.events[place];
        (staged.stream, staged.sequence, &staged.event)
    }

    /// The event at `place` causes so many messages.
    pub(crate) fn note_messages(&mut self, place: usize, count: usize) {
        self.events[place].messages = Some(count);
    }

    /// The message at `message_place` of the event at `place` was handled here: the relay skips it (L9).
    pub(crate) fn fuse(&mut self, place: usize, message_place: usize) {
        self.events[place].fused.push(message_place);
    }

    pub(crate) const fn event_count(&self) -> usize {
        self.events.len()
    }

    /// Place of the last event staged on a stream.
    pub(crate) fn last_place(&self, stream: StreamId) -> Option<usize> {
        self.last_places.get(&stream).copied()
    }

    pub(crate) fn add_key(&mut self, key: PendingKey) {
        self.keys.push(key);
    }

    /// The wake-up row of this stream is written in any case, as the state asks for. The last word counts.
    pub(crate) fn rewake(&mut self, stream: StreamId) {
        self.postponed.remove(&stream);
        self.rewake.insert(stream);
    }

    /// The wake-up row of this stream moves there, whatever its state asks for: it cannot be handled now.
    pub(crate) fn postpone(&mut self, stream: StreamId, due_at: DateTime<Utc>) {
        self.postponed.insert(stream, due_at);
    }

    /// Closes the batch: metadata is serialised last, when all is known that was fused (L9).
    pub(crate) fn close(self, states: &States, batch: Uuid, now: DateTime<Utc>) -> Closed {
        let wakeups = self.wakeups(states);
        let snapshots = self.snapshots(states);
        let batch_text = batch.to_string();
        let events = self.events.into_iter().map(|staged| new_event(staged, &batch_text)).collect();
        let reads = self.reads.into_iter().collect();
        let keys = self.keys.into_iter().map(|key| key.row(states)).collect();
        let append = Append { batch, reads, events, keys, now, wakeups, snapshots, ..Append::default() };
        Closed {
            append,
            jobs: self.jobs,
            verdicts: self.verdicts,
            last_places: self.last_places,
            moves: Vec::new(),
            unfit: None,
        }
    }

    /// A job that is alone because the log has refused it goes without.
    fn snapshots(&self, states: &States) -> Vec<NewSnapshot> {
        if self.jobs.iter().any(|job| job.alone) {
            return Vec::new();
        }
        snapshots::due(states, self.last_places.iter().map(|(stream, place)| (*stream, self.events[*place].sequence)))
    }

    fn wakeups(&self, states: &States) -> Vec<Wakeup> {
        let changed = self.wakes_before.iter().filter(|(stream, before)| wake_of(states, **stream) != **before);
        let mut streams: Vec<StreamId> =
            changed.map(|(stream, _)| stream).chain(&self.rewake).chain(self.postponed.keys()).copied().collect();
        streams.sort_unstable();
        streams.dedup();
        let due_at = |stream| self.postponed.get(&stream).copied().or_else(|| wake_of(states, stream));
        streams.into_iter().map(|stream| Wakeup { stream, kind: RETRY, due_at: due_at(stream) }).collect()
    }
}

impl Closed {
    /// Sends it on its way; one that is unfit is refused for its data, so that whose fault it is is found out (L10).
    pub(crate) async fn append_to(&self, log: &EventLog) -> Result<Appended, LogError> {
        match &self.unfit {
            Some(why) => Err(LogError::Refused(why.clone())),
            None => log.append(&self.append).await,
        }
    }

    /// Place of its last event on a stream.
    pub(crate) fn last_place(&self, stream: StreamId) -> Option<usize> {
        self.last_places.get(&stream).copied()
    }

    /// Takes the events into the committed states.
    pub(crate) fn merge(&self, states: &mut States, first: Option<Position>) {
        let Some(first) = first else { return };
        let mut to_apply: HashMap<StreamId, Vec<&Event>> = HashMap::new();
        for (stream, place) in &self.last_places {
            let last = (self.append.events[*place].sequence, position_of(first, *place));
            if !states.commit_staged(*stream, last) {
                to_apply.insert(*stream, Vec::new());
            }
        }
        for written in &self.append.events {
            if let (Some(events), Some(told)) = (to_apply.get_mut(&written.stream), &written.told) {
                events.push(&told.event);
            }
        }
        for (stream, events) in to_apply {
            let place = self.last_places[&stream];
            let last = (self.append.events[place].sequence, position_of(first, place));
            states.commit_applied(stream, last, &events);
        }
        for snapshot in &self.append.snapshots {
            states.note_kept(snapshot.stream, Kept { sequence: snapshot.sequence, bytes: snapshot.payload.len() });
        }
    }
}

/// Where the events of a commit stand, from the position of its first.
pub(crate) fn position_of(first: Position, place: usize) -> Position {
    Position(first.0 + place as u64)
}

fn wake_of(states: &States, stream: StreamId) -> Option<DateTime<Utc>> {
    match &states.view(stream)?.aggregate {
        Aggregate::TripSaga(saga) => saga.wake_up_at(),
        _ => None,
    }
}

fn new_event(staged: StagedEvent, batch: &str) -> NewEvent {
    let all_fused = staged.messages == Some(staged.fused.len());
    NewEvent {
        stream: staged.stream,
        sequence: staged.sequence,
        event_type: staged.event.event_type().into(),
        event_version: staged.event.event_version().into(),
        metadata: metadata(&staged, batch).into(),
        payload: staged.payload,
        told: Some(Arc::new(Told { event: staged.event, part: 0, occurred_at: staged.by.occurred_at.at, all_fused })),
    }
}

/// Texts and a UUID: there is nothing that could fail to be written. An empty text would be refused by the log, never lost.
fn metadata(staged: &StagedEvent, batch: &str) -> String {
    let by = &staged.by;
    let fused =
        (!staged.fused.is_empty()).then(|| staged.fused.iter().map(usize::to_string).collect::<Vec<_>>().join(","));
    serde_json::to_string(&WrittenMetadata {
        batch,
        command: by.command,
        correlation: &by.origin.correlation,
        causation: by.cause(),
        actor: &by.origin.actor,
        traceparent: by.origin.traceparent.as_deref(),
        occurred_at: &by.occurred_at.text,
        fused,
    })
    .unwrap_or_default()
}
