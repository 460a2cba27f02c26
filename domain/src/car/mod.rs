//! A fleet of one class at one location, and the rentals that trips have taken of it.

mod command;
mod error;
mod event;
mod levels;
mod reserve;
mod supply;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use command::*;
pub use error::CarError;
pub use event::*;
use levels::Levels;

use crate::aggregate::cqrs_aggregate;
use crate::footprint::of_texts;
use crate::id::{BookingId, StreamKind};
use crate::local_day;
use crate::occasion::Occasion;
use crate::rental::Rental;
use crate::reservation::Memory;
use crate::trip::CarPart;

/// The states of a fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Car {
    /// Not listed. Requests and undos that came all the same are remembered.
    Unlisted(Memory<CarPart>),
    /// On sale.
    Listed(Box<Fleet>),
}

/// A fleet on sale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    details: CarDetails,
    levels: Levels,
    memory: Memory<CarPart>,
}

impl Default for Car {
    fn default() -> Self {
        Self::Unlisted(Memory::default())
    }
}

impl Car {
    /// What the command makes happen. No events: it is so already, or the answer is in the log.
    pub fn decide(&self, command: CarCommand) -> Result<Vec<CarEvent>, CarError> {
        match command {
            CarCommand::Upsert { details, occasion } => self.upsert(details, occasion),
            CarCommand::Reserve { booking, attempt, part, occasion } => {
                Ok(self.reserve(booking, attempt, part, occasion))
            }
            CarCommand::Release { booking, attempt, part, occasion } => {
                Ok(self.release(booking, attempt, part, occasion))
            }
        }
    }

    /// Takes an event into the state, and forgets what ended too long before its business date.
    pub fn apply(&mut self, event: &CarEvent) {
        self.reach(event.business_date());
        match event {
            CarEvent::CarListed { details, .. } | CarEvent::CarChanged { details, .. } => self.list(details),
            CarEvent::VehicleReserved { booking, attempt, part, .. } => {
                let until = self.last_day_of(part.rental);
                self.memory_mut().bookings.hold(*booking, *attempt, part.clone(), until);
                if let Self::Listed(fleet) = self {
                    fleet.levels.take(part.rental);
                }
            }
            CarEvent::VehicleRefused { booking, attempt, part, failure, business_date } => {
                let until = self.last_day_of(part.rental).max(*business_date);
                self.memory_mut().bookings.refuse(*booking, *attempt, failure.clone(), until);
            }
            CarEvent::VehicleReleased { booking, attempt, .. } => self.give_back(*booking, *attempt),
            CarEvent::ReservationBarred { booking, attempt, part, business_date } => {
                let until = self.last_day_of(part.rental).max(*business_date);
                self.memory_mut().bookings.bar(*booking, *attempt, until);
            }
            CarEvent::AnswerRepeated { booking, answer, .. } => self.memory_mut().bookings.repeat(*booking, answer),
        }
    }

    /// What is known of the fleet; absent when it is not listed.
    pub const fn details(&self) -> Option<&CarDetails> {
        match self {
            Self::Unlisted(_) => None,
            Self::Listed(fleet) => Some(&fleet.details),
        }
    }

    /// Vehicles that are free for the whole of a rental: 0 when more is rented than there is; absent when the fleet is not listed.
    pub fn vehicles_left(&self, rental: Rental) -> Option<u32> {
        match self {
            Self::Unlisted(_) => None,
            Self::Listed(fleet) => Some(fleet.details.vehicles.saturating_sub(fleet.levels.highest(rental))),
        }
    }

    /// Bytes that it takes on the heap, about.
    pub(crate) fn footprint(&self) -> usize {
        self.memory().bookings.footprint() + if let Self::Listed(fleet) = self { fleet.footprint() } else { 0 }
    }

    /// The zone of its business dates: the location's, UTC when it is not listed.
    fn zone(&self) -> Tz {
        self.details().map_or(Tz::UTC, |details| details.time_zone)
    }

    fn today(&self, occasion: Occasion) -> NaiveDate {
        occasion.date_in(self.zone())
    }

    /// The day on which a vehicle comes back, at the location.
    fn last_day_of(&self, rental: Rental) -> NaiveDate {
        rental.drop_off().with_timezone(&self.zone()).date_naive()
    }

    const fn memory(&self) -> &Memory<CarPart> {
        match self {
            Self::Unlisted(memory) => memory,
            Self::Listed(fleet) => &fleet.memory,
        }
    }

    const fn memory_mut(&mut self) -> &mut Memory<CarPart> {
        match self {
            Self::Unlisted(memory) => memory,
            Self::Listed(fleet) => &mut fleet.memory,
        }
    }

    fn reach(&mut self, business_date: NaiveDate) {
        let Some(first_remembered) = self.memory_mut().reach(business_date) else { return };
        if let Self::Listed(fleet) = self {
            fleet.levels.forget_before(local_day::start_of(first_remembered, fleet.details.time_zone));
        }
    }

    fn list(&mut self, details: &CarDetails) {
        match self {
            Self::Unlisted(memory) => {
                let memory = std::mem::take(memory);
                let levels = Levels::default();
                *self = Self::Listed(Box::new(Fleet { details: details.clone(), levels, memory }));
            }
            Self::Listed(fleet) => fleet.details = details.clone(),
        }
    }

    fn give_back(&mut self, booking: BookingId, attempt: u32) {
        let held = self.memory_mut().bookings.release(booking, attempt);
        if let (Self::Listed(fleet), Some(held)) = (self, held) {
            fleet.levels.give_back(held.rental);
        }
    }
}

impl Fleet {
    fn footprint(&self) -> usize {
        let CarDetails { supplier, code, name, car_class, location, .. } = &self.details;
        size_of::<Self>() + of_texts([supplier, code, name, car_class, location]) + self.levels.footprint()
    }
}

cqrs_aggregate!(Car, StreamKind::Car, CarCommand, CarEvent, CarError, |state, command| state.decide(command));
