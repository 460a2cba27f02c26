//! One departure: cabins, seats, and what trips have taken of them.

mod command;
mod error;
mod event;
mod reserve;
mod supply;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use command::*;
pub use error::FlightError;
pub use event::*;

use crate::aggregate::cqrs_aggregate;
use crate::footprint::{of_entries_with_texts, of_texts};
use crate::id::{BookingId, StreamKind};
use crate::occasion::Occasion;
use crate::reservation::Memory;
use crate::trip::FlightPart;

/// The states of a flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Flight {
    /// Not listed. Requests and undos that came all the same are remembered.
    Unlisted(Memory<FlightPart>),
    /// Listed; on sale until it departs.
    Listed(Box<Departure>),
}

/// A flight on sale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Departure {
    details: FlightDetails,
    /// By cabin. What is withdrawn keeps its count: it matters again when the cabin is listed again.
    sold: BTreeMap<String, u32>,
    memory: Memory<FlightPart>,
}

impl Default for Flight {
    fn default() -> Self {
        Self::Unlisted(Memory::default())
    }
}

impl Flight {
    /// What the command makes happen. No events: it is so already, or the answer is in the log.
    pub fn decide(&self, command: FlightCommand) -> Result<Vec<FlightEvent>, FlightError> {
        match command {
            FlightCommand::Upsert { details, occasion } => self.upsert(details, occasion),
            FlightCommand::Reserve { booking, attempt, part, occasion } => {
                Ok(self.reserve(booking, attempt, part, occasion))
            }
            FlightCommand::Release { booking, attempt, part, occasion } => {
                Ok(self.release(booking, attempt, part, occasion))
            }
        }
    }

    /// Takes an event into the state, and forgets the bookings of a departure too long before its business date.
    pub fn apply(&mut self, event: &FlightEvent) {
        let business_date = event.business_date();
        self.memory_mut().reach(business_date);
        match event {
            FlightEvent::FlightListed { details, .. } | FlightEvent::FlightChanged { details, .. } => {
                self.list(details);
            }
            FlightEvent::SeatsReserved { booking, attempt, part, .. } => {
                let until = self.matters_until(business_date);
                self.memory_mut().bookings.hold(*booking, *attempt, part.clone(), until);
                self.count(&part.cabin, |sold| sold.saturating_add(part.seats));
            }
            FlightEvent::SeatsRefused { booking, attempt, failure, .. } => {
                let until = self.matters_until(business_date);
                self.memory_mut().bookings.refuse(*booking, *attempt, failure.clone(), until);
            }
            FlightEvent::SeatsReleased { booking, attempt, .. } => self.give_back(*booking, *attempt),
            FlightEvent::ReservationBarred { booking, attempt, .. } => {
                let until = self.matters_until(business_date);
                self.memory_mut().bookings.bar(*booking, *attempt, until);
            }
            FlightEvent::AnswerRepeated { booking, answer, .. } => self.memory_mut().bookings.repeat(*booking, answer),
        }
    }

    /// What is known of the departure; absent when it is not listed.
    pub const fn details(&self) -> Option<&FlightDetails> {
        match self {
            Self::Unlisted(_) => None,
            Self::Listed(departure) => Some(&departure.details),
        }
    }

    /// Seats left in a cabin: 0 when more is sold than on sale; absent for a cabin that is not listed.
    pub fn seats_left(&self, cabin: &str) -> Option<u32> {
        let Self::Listed(departure) = self else { return None };
        departure.cabin(cabin).map(|cabin| departure.left(cabin))
    }

    /// Bytes that it takes on the heap, about.
    pub(crate) fn footprint(&self) -> usize {
        self.memory().bookings.footprint() + if let Self::Listed(departure) = self { departure.footprint() } else { 0 }
    }

    /// The zone of its business dates: that of the airport of departure, UTC when it is not listed.
    fn zone(&self) -> Tz {
        self.details().map_or(Tz::UTC, |details| details.origin_zone)
    }

    fn today(&self, occasion: Occasion) -> NaiveDate {
        occasion.date_in(self.zone())
    }

    /// The last day for which something decided on `business_date` matters: that of the departure, if it is still to come.
    fn matters_until(&self, business_date: NaiveDate) -> NaiveDate {
        self.details().map_or(business_date, |details| business_date.max(details.departure_date()))
    }

    const fn memory(&self) -> &Memory<FlightPart> {
        match self {
            Self::Unlisted(memory) => memory,
            Self::Listed(departure) => &departure.memory,
        }
    }

    const fn memory_mut(&mut self) -> &mut Memory<FlightPart> {
        match self {
            Self::Unlisted(memory) => memory,
            Self::Listed(departure) => &mut departure.memory,
        }
    }

    /// A departure that is put off is remembered for longer.
    fn list(&mut self, details: &FlightDetails) {
        let mut memory = std::mem::take(self.memory_mut());
        memory.bookings.keep_until(details.departure_date());
        let sold = match self {
            Self::Unlisted(_) => BTreeMap::new(),
            Self::Listed(departure) => std::mem::take(&mut departure.sold),
        };
        *self = Self::Listed(Box::new(Departure { details: details.clone(), sold, memory }));
    }

    fn count(&mut self, cabin: &str, change: impl FnOnce(u32) -> u32) {
        let Self::Listed(departure) = self else { return };
        let sold = change(departure.sold.get(cabin).copied().unwrap_or(0));
        if sold == 0 {
            departure.sold.remove(cabin);
        } else {
            departure.sold.insert(cabin.to_owned(), sold);
        }
    }

    fn give_back(&mut self, booking: BookingId, attempt: u32) {
        if let Some(held) = self.memory_mut().bookings.release(booking, attempt) {
            self.count(&held.cabin, |sold| sold.saturating_sub(held.seats));
        }
    }
}

impl Departure {
    fn footprint(&self) -> usize {
        let FlightDetails { supplier, code, carrier, origin, destination, cabins, .. } = &self.details;
        let cabins = cabins.iter().map(|cabin| size_of::<CabinDetails>() + of_texts([&cabin.cabin]));
        let sold = of_entries_with_texts::<String, u32>(self.sold.len());
        size_of::<Self>() + of_texts([supplier, code, carrier, origin, destination]) + cabins.sum::<usize>() + sold
    }

    fn cabin(&self, name: &str) -> Option<&CabinDetails> {
        self.details.cabins.iter().find(|cabin| cabin.cabin == name)
    }

    fn left(&self, cabin: &CabinDetails) -> u32 {
        cabin.seats.saturating_sub(self.sold.get(&cabin.cabin).copied().unwrap_or(0))
    }
}

cqrs_aggregate!(Flight, StreamKind::Flight, FlightCommand, FlightEvent, FlightError, |state, command| state
    .decide(command));
