//! From what is stored to today's events.

use std::iter::{Chain, Once, once};

use serde::Deserialize;
use serde_json::Value;

use super::{Fields, Part, Shape, Unfit, Upcast, VERSIONS, shape};
use crate::aggregate::Event;
use crate::id::StreamKind;

/// Upcasts that one stored event passes at most, all its parts together: more is a circle.
const UPCASTS_MAX: usize = 256;

/// What one stored event is today: mostly one event, several where its shape was split since. They stand at the same place of the log
/// and of their stream, and whoever takes them in takes all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    first: Event,
    rest: Vec<Event>,
}

/// Why a stored event cannot be read. Never quotes a value: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No event of this kind of stream has that name.
    #[error("this program does not know that event: start a newer one")]
    UnknownEvent,
    /// It was written by a newer program.
    #[error("this program does not know that version: start a newer one")]
    UnknownVersion,
    /// An older shape that cannot be recast.
    #[error("its version {version} cannot be recast: {reason}")]
    Unfit {
        /// The version that was to be recast.
        version: &'static str,
        /// Why.
        reason: Unfit,
    },
    /// An upcast makes no event at all, or never comes to today's shape: a defect of ours.
    #[error("its upcasts do not lead to an event of today")]
    LeadsNowhere,
    /// The JSON is that of another event.
    #[error("its payload is that of another event")]
    OtherEvent,
    /// The JSON is not of the version's shape, or is no JSON. Tells where.
    #[error("{0}")]
    Json(String),
}

impl Events {
    /// Just one.
    pub const fn one(event: Event) -> Self {
        Self { first: event, rest: Vec::new() }
    }

    /// All of them in order; none of none.
    pub fn all(events: Vec<Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let first = events.next()?;
        Some(Self { first, rest: events.collect() })
    }

    /// The first of them, mostly the only one.
    pub const fn first(&self) -> &Event {
        &self.first
    }

    /// The first of them and all others.
    pub fn into_parts(self) -> (Event, Vec<Event>) {
        (self.first, self.rest)
    }

    /// Each in turn.
    pub fn iter(&self) -> Chain<Once<&Event>, std::slice::Iter<'_, Event>> {
        self.into_iter()
    }

    /// Reads a stored event of a stream of this kind, recast to today's shapes.
    ///
    /// # Errors
    ///
    /// See [`Unreadable`].
    pub fn read(kind: StreamKind, name: &str, version: &str, payload: &str) -> Result<Self, Unreadable> {
        let known = shape(kind, name).ok_or(Unreadable::UnknownEvent)?;
        if known.current() == Some(version) {
            let mut json = serde_json::Deserializer::from_str(payload);
            let read = parse(kind, &mut json).and_then(|event| json.end().map(|()| event));
            let event = read.map_err(|error| told(&error))?;
            return if event.event_type() == known.name { Ok(Self::one(event)) } else { Err(Unreadable::OtherEvent) };
        }
        let version =
            known.versions().iter().position(|known| *known == version).ok_or(Unreadable::UnknownVersion)? + 1;
        let payload: Value = serde_json::from_str(payload).map_err(|error| told(&error))?;
        let fields = fields_of(payload, known.name).ok_or(Unreadable::OtherEvent)?;
        Self::recast(kind, Part { event_type: known.name, version, fields })
    }

    fn recast(kind: StreamKind, stored: Part) -> Result<Self, Unreadable> {
        let mut events = Vec::new();
        // The next one last.
        let mut waiting = vec![stored];
        for _ in 0..UPCASTS_MAX {
            let Some(part) = waiting.pop() else { return Self::all(events).ok_or(Unreadable::LeadsNowhere) };
            let known = shape(kind, part.event_type).ok_or(Unreadable::LeadsNowhere)?;
            match upcast(known, part)? {
                Recast::Today(part) => events.push(today(kind, part)?),
                Recast::On(parts) => waiting.extend(parts.into_iter().rev()),
            }
        }
        Err(Unreadable::LeadsNowhere)
    }
}

enum Recast {
    Today(Part),
    On(Vec<Part>),
}

/// One step towards today.
fn upcast(known: &Shape, mut part: Part) -> Result<Recast, Unreadable> {
    let steps = known.upcasts.len();
    let Some(step) = part.version.checked_sub(1).and_then(|done| known.upcasts.get(done)) else {
        let is_today = !known.is_retired && part.version == steps + 1;
        return if is_today { Ok(Recast::Today(part)) } else { Err(Unreadable::LeadsNowhere) };
    };
    let version = VERSIONS[part.version - 1];
    let unfit = |reason| Unreadable::Unfit { version, reason };
    let parts = match step {
        Upcast::Next(next) => {
            next(&mut part.fields).map_err(unfit)?;
            vec![Part { version: part.version + 1, ..part }]
        }
        Upcast::Split(split) => split(part.fields).map_err(unfit)?,
    };
    if parts.is_empty() { Err(Unreadable::LeadsNowhere) } else { Ok(Recast::On(parts)) }
}

/// serde writes an event without fields as its bare name.
fn fields_of(payload: Value, name: &str) -> Option<Fields> {
    match payload {
        Value::String(bare) if bare == name => Some(Fields::new()),
        Value::Object(mut tagged) if tagged.len() == 1 => match tagged.remove(name)? {
            Value::Object(fields) => Some(fields),
            _ => None,
        },
        _ => None,
    }
}

fn today(kind: StreamKind, part: Part) -> Result<Event, Unreadable> {
    let name = part.event_type.to_owned();
    let is_bare = part.fields.is_empty();
    let tagged = Value::Object(Fields::from_iter([(name.clone(), Value::Object(part.fields))]));
    match parse(kind, tagged) {
        Err(_) if is_bare => parse(kind, Value::String(name)),
        read => read,
    }
    .map_err(|error| told(&error))
}

fn parse<'de, D: serde::Deserializer<'de>>(kind: StreamKind, from: D) -> Result<Event, D::Error> {
    Ok(match kind {
        StreamKind::Booking => Event::Booking(Deserialize::deserialize(from)?),
        StreamKind::TripSaga => Event::TripSaga(Deserialize::deserialize(from)?),
        StreamKind::Hotel => Event::Hotel(Deserialize::deserialize(from)?),
        StreamKind::Flight => Event::Flight(Deserialize::deserialize(from)?),
        StreamKind::Car => Event::Car(Deserialize::deserialize(from)?),
        StreamKind::Payment => Event::Payment(Deserialize::deserialize(from)?),
        StreamKind::DeadLetter => Event::DeadLetter(Deserialize::deserialize(from)?),
        StreamKind::Member => Event::Member(Deserialize::deserialize(from)?),
        StreamKind::EmailClaim => Event::EmailClaim(Deserialize::deserialize(from)?),
        StreamKind::PointsAccount => Event::PointsAccount(Deserialize::deserialize(from)?),
        StreamKind::Campaign => Event::Campaign(Deserialize::deserialize(from)?),
        StreamKind::Reward => Event::Reward(Deserialize::deserialize(from)?),
        StreamKind::Programme => Event::Programme(Deserialize::deserialize(from)?),
    })
}

/// serde's own sentence may quote the value at fault, which may be personal: only kind and place are told.
fn told(error: &serde_json::Error) -> Unreadable {
    Unreadable::Json(format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column()))
}

impl IntoIterator for Events {
    type Item = Event;
    type IntoIter = Chain<Once<Event>, std::vec::IntoIter<Event>>;
    fn into_iter(self) -> Self::IntoIter {
        once(self.first).chain(self.rest)
    }
}

impl<'e> IntoIterator for &'e Events {
    type Item = &'e Event;
    type IntoIter = Chain<Once<&'e Event>, std::slice::Iter<'e, Event>>;
    fn into_iter(self) -> Self::IntoIter {
        once(&self.first).chain(&self.rest)
    }
}
