//! Events as they stand in the log, and their way back into the domain's types.

use std::borrow::Cow;
use std::iter::{Chain, Once, once};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::StreamId;
use traveladvisor_domain::shape::Events;

use super::{Position, Told};

/// One row of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream, from 1.
    pub sequence: u64,
    /// Name, for example `RoomsReserved`.
    pub event_type: Cow<'static, str>,
    /// Version of its shape, from 1.
    pub event_version: Cow<'static, str>,
    /// JSON as written.
    pub payload: Arc<str>,
    /// JSON as written.
    pub metadata: Arc<str>,
    /// Time of the server at the append.
    pub recorded_at: DateTime<Utc>,
    /// What the JSON says, where this process has appended it: see [`Told`].
    pub told: Option<Arc<Told>>,
}

/// Stands before a request's id where a cause is named: so a request is never taken for a message.
pub const CAUSED_BY_REQUEST: &str = "request:";

/// What is kept beside every event. Every value is a string, so that cqrs-es can read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metadata {
    /// Id of the append.
    pub batch: String,
    /// What was decided, for example `book_trip` or `answer`.
    pub command: String,
    /// What belongs together: the booking, for all events of a trip.
    pub correlation: String,
    /// Id of the message that caused it; of what was decided on a caller's command [`CAUSED_BY_REQUEST`] and the request's id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<String>,
    /// Who asked: an opaque name of the caller, or `system`.
    pub actor: String,
    /// W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The program's time of the decision, RFC 3339.
    pub occurred_at: String,
    /// Places of those messages of this event that were handled in the same batch, with commas between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fused: Option<String>,
}

/// What every tail needs of the metadata.
#[derive(Debug, Deserialize)]
struct Decided<'m> {
    #[serde(borrow)]
    occurred_at: Cow<'m, str>,
}

/// A stored event that today's code cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {position} ({event_type} v{event_version} of {stream}) cannot be read: {reason}")]
pub struct DecodeError {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its name.
    pub event_type: String,
    /// Its version.
    pub event_version: String,
    /// What is wrong with it. Never shows the payload.
    pub reason: String,
}

impl StoredEvent {
    /// What it is in today's shapes: mostly one event.
    pub fn decode(&self) -> Result<Events, DecodeError> {
        Events::read(self.stream.kind, &self.event_type, &self.event_version, &self.payload)
            .map_err(|unreadable| self.undecodable(&unreadable.to_string()))
    }

    /// What it is in today's shapes, and the program's time of its decision. Read from the JSON unless this process has appended it.
    pub fn tell(&self) -> Result<Telling, DecodeError> {
        if let Some(told) = &self.told {
            return Ok(Telling { first: told.clone(), rest: Vec::new() });
        }
        let occurred_at = self.occurred_at()?;
        let (first, rest) = self.decode()?.into_parts();
        let told = |event, part| Arc::new(Told { event, part, occurred_at, all_fused: false });
        Ok(Telling {
            first: told(first, 0),
            rest: rest.into_iter().zip(1..).map(|(event, part)| told(event, part)).collect(),
        })
    }

    /// The program's time of its decision. Nothing else of the metadata is read.
    pub fn occurred_at(&self) -> Result<DateTime<Utc>, DecodeError> {
        let Decided { occurred_at } =
            serde_json::from_str(&self.metadata).map_err(|error| self.undecodable(&describe(&error)))?;
        DateTime::parse_from_rfc3339(&occurred_at)
            .map(|instant| instant.with_timezone(&Utc))
            .map_err(|_| self.undecodable("its metadata names no instant as occurred_at"))
    }

    /// What is kept beside it.
    pub fn decode_metadata(&self) -> Result<Metadata, DecodeError> {
        serde_json::from_str(&self.metadata).map_err(|error| self.undecodable(&describe(&error)))
    }

    fn undecodable(&self, reason: &str) -> DecodeError {
        DecodeError {
            position: self.position,
            stream: self.stream,
            event_type: self.event_type.to_string(),
            event_version: self.event_version.to_string(),
            reason: reason.to_owned(),
        }
    }
}

/// What a stored event tells: each of the events that it is today, mostly one.
#[derive(Debug, Clone)]
pub struct Telling {
    first: Arc<Told>,
    rest: Vec<Arc<Told>>,
}

impl IntoIterator for Telling {
    type Item = Arc<Told>;
    type IntoIter = Chain<Once<Arc<Told>>, std::vec::IntoIter<Arc<Told>>>;
    fn into_iter(self) -> Self::IntoIter {
        once(self.first).chain(self.rest)
    }
}

impl Metadata {
    /// Whether the message at `place` was handled in the batch of this event.
    pub fn is_fused(&self, place: usize) -> bool {
        self.fused.as_deref().is_some_and(|places| places.split(',').any(|fused| fused.parse() == Ok(place)))
    }
}

/// serde's own sentence may quote the value at fault, which may be personal: only kind and place are told.
fn describe(error: &serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
}

/// The event's JSON, in serde's plain (externally tagged) form.
pub fn encode(event: &Event) -> Result<String, serde_json::Error> {
    match event {
        Event::Booking(event) => serde_json::to_string(event),
        Event::TripSaga(event) => serde_json::to_string(event),
        Event::Hotel(event) => serde_json::to_string(event),
        Event::Flight(event) => serde_json::to_string(event),
        Event::Car(event) => serde_json::to_string(event),
        Event::Payment(event) => serde_json::to_string(event),
        Event::DeadLetter(event) => serde_json::to_string(event),
        Event::Member(event) => serde_json::to_string(event),
        Event::EmailClaim(event) => serde_json::to_string(event),
        Event::PointsAccount(event) => serde_json::to_string(event),
        Event::Campaign(event) => serde_json::to_string(event),
        Event::Reward(event) => serde_json::to_string(event),
        Event::Programme(event) => serde_json::to_string(event),
    }
}
