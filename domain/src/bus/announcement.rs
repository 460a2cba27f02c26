//! What a context tells whoever wants to know: derived from events, answered by nobody.

use serde::{Deserialize, Serialize};

use super::Carries;
use crate::aggregate::{Aggregate, Event};
use crate::car::CarEvent;
use crate::dead_letter::DeadLetterEvent;
use crate::flight::FlightEvent;
use crate::hotel::HotelEvent;
use crate::id::{BookingId, StreamId};
use crate::member::MemberEvent;
use crate::reward::RewardEvent;

/// Whether somebody is a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// Is one now.
    Active,
    /// Was one.
    Left,
}

/// What is announced. Supply and rewards are told as the event that says all of them, so that a copy takes it in as its own log would.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Announcement {
    /// A hotel and its prices.
    Hotel(HotelEvent),
    /// A departure and its prices.
    Flight(FlightEvent),
    /// A fleet and its prices.
    Car(CarEvent),
    /// Whether somebody is a member. No word of who it is (L8).
    Member(Standing),
    /// What a member was granted.
    Reward(RewardEvent),
    /// A message was set aside, tried again or given up.
    Letter(DeadLetterEvent),
}

impl Announcement {
    /// What its topic carries.
    pub const fn carries(&self) -> Carries {
        match self {
            Self::Hotel(_) | Self::Flight(_) | Self::Car(_) => Carries::Offer,
            Self::Member(_) => Carries::Standing,
            Self::Reward(_) => Carries::Voucher,
            Self::Letter(_) => Carries::Letter,
        }
    }

    /// The trip it is about, if it is about one.
    pub const fn booking(&self) -> Option<BookingId> {
        match self {
            Self::Letter(letter) => letter.booking(),
            _ => None,
        }
    }
}

/// Stored names of the events that announce something, but for those of letters. None of them causes a message, so a dead letter that was
/// caused by one is an announcement.
pub const ANNOUNCING: [&str; 9] = [
    "HotelListed",
    "HotelChanged",
    "FlightListed",
    "FlightChanged",
    "CarListed",
    "CarChanged",
    "MemberSignedUp",
    "MemberClosed",
    "RewardGranted",
];

/// What an event announces. At most one thing; its place is behind those of the event's messages.
pub fn announcement(event: &Event) -> Option<Announcement> {
    Some(match event {
        Event::Hotel(event @ (HotelEvent::HotelListed { .. } | HotelEvent::HotelChanged { .. })) => {
            Announcement::Hotel(event.clone())
        }
        Event::Flight(event @ (FlightEvent::FlightListed { .. } | FlightEvent::FlightChanged { .. })) => {
            Announcement::Flight(event.clone())
        }
        Event::Car(event @ (CarEvent::CarListed { .. } | CarEvent::CarChanged { .. })) => {
            Announcement::Car(event.clone())
        }
        Event::Member(MemberEvent::MemberSignedUp { .. }) => Announcement::Member(Standing::Active),
        Event::Member(MemberEvent::MemberClosed { .. }) => Announcement::Member(Standing::Left),
        Event::Reward(event @ RewardEvent::RewardGranted { grant, .. }) if grant.voucher().is_some() => {
            Announcement::Reward(event.clone())
        }
        Event::DeadLetter(event) => Announcement::Letter(without_words(event)),
        _ => return None,
    })
}

/// What operators write, and under which name, is for those who may read the log.
fn without_words(event: &DeadLetterEvent) -> DeadLetterEvent {
    let mut event = event.clone();
    if let DeadLetterEvent::LetterRetried { actor, reason, .. }
    | DeadLetterEvent::LetterDiscarded { actor, reason, .. } = &mut event
    {
        actor.clear();
        reason.clear();
    }
    event
}

impl Announcement {
    /// The state of the stream as far as a copy needs it; none of what has no state there.
    pub fn copied(&self, stream: StreamId) -> Option<Aggregate> {
        let event = match self {
            Self::Hotel(event) => Event::Hotel(event.clone()),
            Self::Flight(event) => Event::Flight(event.clone()),
            Self::Car(event) => Event::Car(event.clone()),
            Self::Reward(event) => Event::Reward(event.clone()),
            Self::Member(_) | Self::Letter(_) => return None,
        };
        let mut state = Aggregate::empty(stream.kind);
        state.apply(&event).then_some(state)
    }
}
