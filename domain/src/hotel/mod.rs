//! A property: room types, rooms on sale for each night, and what trips have taken of them.

mod command;
mod error;
mod event;
mod nights;
mod reserve;
mod supply;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use command::*;
pub use error::HotelError;
pub use event::*;
use nights::{AllotmentChange, Nights};

use crate::aggregate::cqrs_aggregate;
use crate::footprint::of_texts;
use crate::id::{BookingId, StreamKind};
use crate::occasion::Occasion;
use crate::reservation::Memory;
use crate::trip::HotelPart;

/// The states of a hotel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Hotel {
    /// Not listed. Requests and undos that came all the same are remembered.
    Unlisted(Memory<HotelPart>),
    /// On sale.
    Listed(Box<Listing>),
}

/// A hotel on sale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    details: HotelDetails,
    /// By the code of the room type. What is withdrawn keeps its nights: they count again when it is listed again.
    nights: BTreeMap<String, Nights>,
    memory: Memory<HotelPart>,
}

impl Default for Hotel {
    fn default() -> Self {
        Self::Unlisted(Memory::default())
    }
}

impl Hotel {
    /// What the command makes happen. No events: it is so already, or the answer is in the log.
    pub fn decide(&self, command: HotelCommand) -> Result<Vec<HotelEvent>, HotelError> {
        match command {
            HotelCommand::Upsert { details, occasion } => self.upsert(details, occasion),
            HotelCommand::ChangeAllotment { room_type, from, to, rooms, stop_sell, occasion } => {
                self.change_allotment(room_type, AllotmentChange { from, to, rooms, stop_sell }, occasion)
            }
            HotelCommand::Reserve { booking, attempt, part, occasion } => {
                Ok(self.reserve(booking, attempt, part, occasion))
            }
            HotelCommand::Release { booking, attempt, part, occasion } => {
                Ok(self.release(booking, attempt, part, occasion))
            }
        }
    }

    /// Takes an event into the state, and forgets what ended too long before its business date.
    pub fn apply(&mut self, event: &HotelEvent) {
        self.reach(event.business_date());
        match event {
            HotelEvent::HotelListed { details, .. } | HotelEvent::HotelChanged { details, .. } => self.list(details),
            HotelEvent::AllotmentChanged { room_type, from, to, rooms, stop_sell, .. } => {
                let change = AllotmentChange { from: *from, to: *to, rooms: *rooms, stop_sell: *stop_sell };
                self.nights_of(room_type, |nights| nights.change(change));
            }
            HotelEvent::RoomsReserved { booking, attempt, part, .. } => {
                self.memory_mut().bookings.hold(*booking, *attempt, part.clone(), part.stay.check_out());
                self.nights_of(&part.room_type, |nights| nights.take(part.stay, part.rooms));
            }
            HotelEvent::RoomsRefused { booking, attempt, part, failure, business_date } => {
                let until = part.stay.check_out().max(*business_date);
                self.memory_mut().bookings.refuse(*booking, *attempt, failure.clone(), until);
            }
            HotelEvent::RoomsReleased { booking, attempt, .. } => self.give_back(*booking, *attempt),
            HotelEvent::ReservationBarred { booking, attempt, part, business_date } => {
                let until = part.stay.check_out().max(*business_date);
                self.memory_mut().bookings.bar(*booking, *attempt, until);
            }
            HotelEvent::AnswerRepeated { booking, answer, .. } => self.memory_mut().bookings.repeat(*booking, answer),
        }
    }

    /// What the hotel says of itself; absent when it is not listed.
    pub const fn details(&self) -> Option<&HotelDetails> {
        match self {
            Self::Unlisted(_) => None,
            Self::Listed(listing) => Some(&listing.details),
        }
    }

    /// Rooms that can still be sold for a night: 0 when closed for sale or when more is sold than on sale; absent for a room type that is
    /// not listed.
    pub fn rooms_left(&self, room_type: &str, night: NaiveDate) -> Option<u32> {
        let Self::Listed(listing) = self else { return None };
        let rooms = listing.room_type(room_type)?.rooms;
        Some(listing.nights.get(room_type).map_or(rooms, |nights| nights.sellable(night, rooms)))
    }

    /// Bytes that it takes on the heap, about.
    pub(crate) fn footprint(&self) -> usize {
        self.memory().bookings.footprint() + if let Self::Listed(listing) = self { listing.footprint() } else { 0 }
    }

    /// The zone of its business dates: the property's, UTC when it is not listed.
    fn zone(&self) -> Tz {
        self.details().map_or(Tz::UTC, |details| details.time_zone)
    }

    fn today(&self, occasion: Occasion) -> NaiveDate {
        occasion.date_in(self.zone())
    }

    const fn memory(&self) -> &Memory<HotelPart> {
        match self {
            Self::Unlisted(memory) => memory,
            Self::Listed(listing) => &listing.memory,
        }
    }

    const fn memory_mut(&mut self) -> &mut Memory<HotelPart> {
        match self {
            Self::Unlisted(memory) => memory,
            Self::Listed(listing) => &mut listing.memory,
        }
    }

    fn reach(&mut self, business_date: NaiveDate) {
        let Some(first_remembered) = self.memory_mut().reach(business_date) else { return };
        if let Self::Listed(listing) = self {
            listing.nights.values_mut().for_each(|nights| nights.forget_before(first_remembered));
            listing.nights.retain(|_, nights| !nights.is_empty());
        }
    }

    fn list(&mut self, details: &HotelDetails) {
        match self {
            Self::Unlisted(memory) => {
                let memory = std::mem::take(memory);
                *self = Self::Listed(Box::new(Listing { details: details.clone(), nights: BTreeMap::new(), memory }));
            }
            Self::Listed(listing) => listing.details = details.clone(),
        }
    }

    fn nights_of(&mut self, room_type: &str, act: impl FnOnce(&mut Nights)) {
        if let Self::Listed(listing) = self {
            act(listing.nights.entry(room_type.to_owned()).or_default());
        }
    }

    fn give_back(&mut self, booking: BookingId, attempt: u32) {
        if let Some(held) = self.memory_mut().bookings.release(booking, attempt) {
            self.nights_of(&held.room_type, |nights| nights.give_back(held.stay, held.rooms));
        }
    }
}

impl Listing {
    fn footprint(&self) -> usize {
        let HotelDetails { supplier, code, name, city, country, room_types, .. } = &self.details;
        let kinds = room_types.iter().map(|kind| size_of::<RoomTypeDetails>() + of_texts([&kind.code, &kind.name]));
        let nights =
            self.nights.iter().map(|(code, nights)| size_of::<(String, Nights)>() + code.len() + nights.footprint());
        size_of::<Self>()
            + of_texts([supplier, code, name, city, country])
            + kinds.sum::<usize>()
            + nights.sum::<usize>()
    }

    fn room_type(&self, code: &str) -> Option<&RoomTypeDetails> {
        self.details.room_types.iter().find(|kind| kind.code == code)
    }
}

cqrs_aggregate!(Hotel, StreamKind::Hotel, HotelCommand, HotelEvent, HotelError, |state, command| state.decide(command));
