//! The shapes of events: which version of each is written today, and how those that were written before become it.
//!
//! Every aggregate lists its events beside their enum, each with its upcasts: the first makes version 2 of version 1, and so on, so the
//! version that is written is the one after the last upcast. An event that nobody writes any more is listed as retired, and its last upcast
//! makes others of it. Nothing stored is ever changed: older shapes are recast whenever they are read.

mod declare;
mod read;
#[cfg(feature = "testing")]
mod rehearsed;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub(crate) use declare::event_shapes;
pub use read::{Events, Unreadable};

use crate::booking::BookingEvent;
use crate::campaign::CampaignEvent;
use crate::car::CarEvent;
use crate::dead_letter::DeadLetterEvent;
use crate::email_claim::EmailClaimEvent;
use crate::flight::FlightEvent;
use crate::hotel::HotelEvent;
use crate::id::StreamKind;
use crate::member::MemberEvent;
use crate::payment::PaymentEvent;
use crate::points_account::PointsAccountEvent;
use crate::programme::ProgrammeEvent;
use crate::reward::RewardEvent;
use crate::trip_saga::TripSagaEvent;

/// The fields of an event as JSON has them, without its name around them.
pub type Fields = Map<String, Value>;

/// Versions as they are stored. An event that changed more often is better retired.
const VERSIONS: [&str; 20] =
    ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20"];

/// How the shape of one version becomes that of the next.
#[derive(Debug, Clone, Copy)]
pub enum Upcast {
    /// The same event with other fields.
    Next(fn(&mut Fields) -> Result<(), Unfit>),
    /// Other events, at least one, in their order. They may be of older versions themselves. Together they must cause the messages that
    /// the stored event caused when it was written, in the same order: a message is known by its place among them (L9).
    Split(fn(Fields) -> Result<Vec<Part>, Unfit>),
}

/// One event that a stored one becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name.
    pub event_type: &'static str,
    /// The version of its fields, from 1.
    pub version: usize,
    /// Its fields.
    pub fields: Fields,
}

/// A stored event that its upcast cannot recast. Says why without any value of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub &'static str);

/// An event's name and its way from the first version to the present one.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The stored name.
    pub name: &'static str,
    upcasts: &'static [Upcast],
    is_retired: bool,
}

impl Shape {
    /// An event that is written today.
    pub const fn new(name: &'static str, upcasts: &'static [Upcast]) -> Self {
        Self { name, upcasts, is_retired: false }
    }

    /// An event that nobody writes any more: its last upcast makes others of it.
    pub const fn retired(name: &'static str, upcasts: &'static [Upcast]) -> Self {
        Self { name, upcasts, is_retired: true }
    }

    /// The version that is written today; none of a retired event.
    pub const fn current(&self) -> Option<&'static str> {
        if self.is_retired { None } else { Some(VERSIONS[self.upcasts.len()]) }
    }

    /// All versions that were ever written, the first one first.
    pub fn versions(&self) -> &'static [&'static str] {
        &VERSIONS[..self.upcasts.len() + usize::from(!self.is_retired)]
    }
}

/// The events of a kind of stream, those that are retired included.
pub const fn shapes(kind: StreamKind) -> &'static [Shape] {
    match kind {
        StreamKind::Booking => BookingEvent::SHAPES,
        StreamKind::TripSaga => TripSagaEvent::SHAPES,
        StreamKind::Hotel => HotelEvent::SHAPES,
        StreamKind::Flight => FlightEvent::SHAPES,
        StreamKind::Car => CarEvent::SHAPES,
        StreamKind::Payment => PaymentEvent::SHAPES,
        StreamKind::DeadLetter => DeadLetterEvent::SHAPES,
        StreamKind::Member => MemberEvent::SHAPES,
        StreamKind::EmailClaim => EmailClaimEvent::SHAPES,
        StreamKind::PointsAccount => PointsAccountEvent::SHAPES,
        StreamKind::Campaign => CampaignEvent::SHAPES,
        StreamKind::Reward => RewardEvent::SHAPES,
        StreamKind::Programme => ProgrammeEvent::SHAPES,
    }
}

/// The shape of an event by its name.
pub(crate) fn shape(kind: StreamKind, name: &str) -> Option<&'static Shape> {
    let known = shapes(kind).iter().find(|shape| shape.name == name);
    #[cfg(feature = "testing")]
    let known = known.or_else(|| rehearsed::shape(kind, name));
    known
}

/// Whether an event is stored in the shape in which it is written today.
pub fn is_current(kind: StreamKind, name: &str, version: &str) -> bool {
    shape(kind, name).is_some_and(|shape| shape.current() == Some(version))
}

/// An event's name and version as they are stored, without a copy of their texts where this program knows them.
pub fn interned(kind: StreamKind, name: &str, version: &str) -> (Cow<'static, str>, Cow<'static, str>) {
    let name = shape(kind, name).map_or_else(|| Cow::Owned(name.to_owned()), |shape| Cow::Borrowed(shape.name));
    let known = VERSIONS.iter().find(|known| **known == version);
    (name, known.map_or_else(|| Cow::Owned(version.to_owned()), |known| Cow::Borrowed(*known)))
}

/// A field gets another name: for upcasts.
///
/// # Errors
///
/// When there is no such field, or the new name is taken.
pub fn rename(fields: &mut Fields, from: &str, to: &str) -> Result<(), Unfit> {
    let value = fields.remove(from).ok_or(Unfit("a field to be renamed is absent"))?;
    add(fields, to, value)
}

/// A field is added, with what it stands for in events that were written without it: for upcasts.
///
/// # Errors
///
/// When there is such a field.
pub fn add(fields: &mut Fields, name: &str, value: impl Into<Value>) -> Result<(), Unfit> {
    if fields.insert(name.to_owned(), value.into()).is_some() {
        return Err(Unfit("a field to be added stands already"));
    }
    Ok(())
}
