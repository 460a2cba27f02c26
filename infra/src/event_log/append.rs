//! One append: what it carries, and what comes of it (L3, L5).

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::StreamId;
use uuid::Uuid;

use super::{NewSnapshot, Position};

/// Everything that one append checks and writes.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// Its id, kept in its events' metadata.
    pub batch: Uuid,
    /// Every stream that the decisions read, also those that are written, with the expected sequence (0: empty).
    pub reads: Vec<(StreamId, u64)>,
    /// The events, in order.
    pub events: Vec<NewEvent>,
    /// Idempotency keys to check, and to write if they name an event.
    pub keys: Vec<KeyRow>,
    /// The program's time, for the rows of keys.
    pub now: DateTime<Utc>,
    /// Wake-ups to set or clear.
    pub wakeups: Vec<Wakeup>,
    /// Epochs that must still stand.
    pub owners: Vec<(String, u64)>,
    /// Consumed offsets to move: source, expected, new.
    pub offsets: Vec<(String, u64, u64)>,
    /// States to read from instead of the events before, each after the last event of its stream in this append.
    pub snapshots: Vec<NewSnapshot>,
    /// What a connector is to carry to the broker, in order; empty where the relay does.
    pub outbox: Vec<OutboxRow>,
}

/// A row of the table `outbox`: what Debezium's `EventRouter` makes a record of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The message's id.
    pub id: Uuid,
    /// Kind of the stream whose event caused it.
    pub aggregate_type: &'static str,
    /// The record's key.
    pub aggregate_id: String,
    /// What it is.
    pub message_type: &'static str,
    /// The record's value.
    pub payload: String,
    /// The topic's name on the broker.
    pub topic: String,
    /// W3C trace context.
    pub tracing: String,
}

/// An event to append.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its stream.
    pub stream: StreamId,
    /// Its place there, from 1.
    pub sequence: u64,
    /// Its name.
    pub event_type: Cow<'static, str>,
    /// Its version.
    pub event_version: Cow<'static, str>,
    /// JSON.
    pub payload: Arc<str>,
    /// JSON.
    pub metadata: Arc<str>,
    /// What the JSON says, if whoever appends has it at hand: the tails of this process then need not read the JSON.
    pub told: Option<Arc<Told>>,
}

/// What stands in the JSON of an event.
#[derive(Debug, PartialEq)]
pub struct Told {
    /// The event.
    pub event: Event,
    /// Its place among those that the stored event is today, from 0: each but the first is there because a shape was split (see
    /// [`traveladvisor_domain::shape`]). They share position and sequence, and whoever has taken in one has taken in all.
    pub part: usize,
    /// The program's time of the decision, to the millisecond, as the metadata has it.
    pub occurred_at: DateTime<Utc>,
    /// Whether all messages that it causes were handled in its batch (L9).
    pub all_fused: bool,
}

/// An idempotency key of a caller (L13).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who asks.
    pub caller: String,
    /// What is asked, for example `book_trip`.
    pub operation: String,
    /// The caller's own key.
    pub key: String,
}

/// A key to check, and to write if the command was accepted.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// The key.
    pub key: Key,
    /// Hash of the input.
    pub input_hash: Vec<u8>,
    /// The stream that the command created or changed.
    pub subject: String,
    /// What becomes of it.
    pub effect: KeyEffect,
}

/// What an append does about a key, which must be absent in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEffect {
    /// No row: the command was refused.
    CheckOnly,
    /// A row with the position of the event at this place (from 0).
    At(usize),
    /// A row with a position that stands already: it was so before.
    Known(Position),
}

/// A due time of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wakeup {
    /// Whom to wake.
    pub stream: StreamId,
    /// What for, for example `retry`.
    pub kind: &'static str,
    /// When; absent: no more.
    pub due_at: Option<DateTime<Utc>>,
}

/// What an append came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It stands. Positions ascend without gaps from `first`; absent when no event was written.
    Committed {
        /// Position of the first event.
        first: Option<Position>,
    },
    /// Nothing was written, and this append can never commit.
    Conflicts(Vec<Conflict>),
}

/// What did not stand as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// A stream has moved.
    Stream {
        /// Which.
        stream: StreamId,
        /// As expected.
        expected: u64,
        /// As it stands.
        actual: u64,
    },
    /// An idempotency key is taken.
    Key {
        /// Which.
        key: Key,
        /// The stream of the command that took it.
        subject: String,
        /// Hash of that command's input.
        input_hash: Vec<u8>,
        /// Position that its caller was told.
        position: Position,
    },
    /// An epoch has passed.
    Owner {
        /// Of what.
        name: String,
        /// The epoch that has passed.
        expected: u64,
    },
    /// An offset has moved.
    Offset {
        /// Of which source.
        source: String,
        /// Where it stands.
        actual: u64,
    },
}

/// A conflict as the database function writes it.
#[derive(Debug, Deserialize)]
pub(super) struct ConflictRow {
    kind: String,
    name: String,
    expected: Option<u64>,
    actual: Option<u64>,
    subject: Option<String>,
    input_hash: Option<String>,
    position: Option<u64>,
}

impl ConflictRow {
    pub(super) fn into_conflict(self) -> Option<Conflict> {
        Some(match self.kind.as_str() {
            "stream" => Conflict::Stream {
                stream: self.name.split_once(' ')?.1.parse().ok()?,
                expected: self.expected?,
                actual: self.actual?,
            },
            "key" => {
                let mut parts = self.name.splitn(3, '\u{1f}').map(str::to_owned);
                let key = Key { caller: parts.next()?, operation: parts.next()?, key: parts.next()? };
                let input_hash = unhex(&self.input_hash?)?;
                Conflict::Key { key, subject: self.subject?, input_hash, position: Position(self.position?) }
            }
            "owner" => Conflict::Owner { name: self.name, expected: self.expected? },
            "offset" => Conflict::Offset { source: self.name, actual: self.actual.unwrap_or(0) },
            _ => return None,
        })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
