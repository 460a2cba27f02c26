//! What trips ask of a flight: a price, seats, and to take them back.

use chrono::NaiveDate;

use super::{Departure, Flight, FlightDetails, FlightEvent};
use crate::failure::{Code, Failure};
use crate::id::BookingId;
use crate::message::{Answer, Direction, Outcome};
use crate::occasion::Occasion;
use crate::reservation::{RequestVerdict, UndoVerdict};
use crate::trip::{FlightPart, NoOffer, Offer, SEATS_MAX, Step};

impl Flight {
    /// Today's price of some seats and the moment of departure. Does not look at what is left: that is decided when they are reserved.
    ///
    /// Refuses with `NOT_FOUND`, `UNKNOWN_CABIN`, `PAST` or `INVALID_INPUT`, in this order.
    pub fn offer(&self, cabin: &str, seats: u32, occasion: Occasion) -> Result<Offer, NoOffer> {
        match self {
            Self::Unlisted(_) => {
                Err(NoOffer::new(Code::NotFound, "There is no such flight: check its id.", "flightId"))
            }
            Self::Listed(departure) => departure.offer(cabin, seats, occasion),
        }
    }

    pub(super) fn reserve(
        &self,
        booking: BookingId,
        attempt: u32,
        part: FlightPart,
        occasion: Occasion,
    ) -> Vec<FlightEvent> {
        let business_date = self.today(occasion);
        let decided = match self.memory().bookings.on_request(booking, attempt) {
            RequestVerdict::Answered => return Vec::new(),
            RequestVerdict::Repeat(outcome) => {
                return vec![repeated(booking, Direction::Request, attempt, outcome, business_date)];
            }
            RequestVerdict::Refuse(failure) => Err(failure),
            RequestVerdict::Decide => self.grant(&part, occasion),
        };
        vec![match decided {
            Ok(()) => FlightEvent::SeatsReserved { booking, attempt, part, business_date },
            Err(failure) => FlightEvent::SeatsRefused { booking, attempt, part, failure, business_date },
        }]
    }

    pub(super) fn release(
        &self,
        booking: BookingId,
        attempt: u32,
        part: FlightPart,
        occasion: Occasion,
    ) -> Vec<FlightEvent> {
        let business_date = self.today(occasion);
        let has_forgotten =
            |details: &FlightDetails| self.memory().has_forgotten(details.departure_date(), business_date);
        let is_over = self.details().is_some_and(has_forgotten);
        vec![match self.memory().bookings.on_undo(booking, attempt) {
            UndoVerdict::Answered => return Vec::new(),
            UndoVerdict::Release(held) if !is_over => {
                FlightEvent::SeatsReleased { booking, attempt, part: held.clone(), business_date }
            }
            UndoVerdict::Bar if !is_over => FlightEvent::ReservationBarred { booking, attempt, part, business_date },
            UndoVerdict::Repeat | UndoVerdict::Release(_) | UndoVerdict::Bar => {
                repeated(booking, Direction::Undo, attempt, Outcome::Done, business_date)
            }
        }]
    }

    /// Whether the seats can be had, at the quoted price.
    fn grant(&self, part: &FlightPart, occasion: Occasion) -> Result<(), Failure> {
        let offer = self.offer(&part.cabin, part.seats, occasion).map_err(|reason| reason.failure)?;
        if offer.price != part.price {
            let message = format!("The seats cost {} now: book the trip anew at this price.", offer.price);
            return Err(Failure::new(Code::PriceChanged, message));
        }
        if self.seats_left(&part.cabin).unwrap_or(0) < part.seats {
            let message = "Too few seats are left in this cabin: choose another cabin or flight, or fewer seats.";
            return Err(Failure::new(Code::SoldOut, message));
        }
        Ok(())
    }
}

impl Departure {
    fn offer(&self, name: &str, seats: u32, occasion: Occasion) -> Result<Offer, NoOffer> {
        let Some(cabin) = self.cabin(name) else {
            let message = "The flight does not sell this cabin: choose one that it lists.";
            return Err(NoOffer::new(Code::UnknownCabin, message, "cabin"));
        };
        let details = &self.details;
        let today = occasion.date_in(details.origin_zone);
        if occasion.at >= details.departure_at || self.memory.has_forgotten(details.departure_date(), today) {
            return Err(NoOffer::new(Code::Past, "The flight has departed: choose a later one.", "flightId"));
        }
        if seats == 0 || seats > SEATS_MAX {
            let message = format!("A booking takes 1 to {SEATS_MAX} seats: choose a number in between.");
            return Err(NoOffer::new(Code::InvalidInput, message, "seats"));
        }
        let price = cabin
            .price
            .times(i64::from(seats))
            .map_err(|_| NoOffer::new(Code::InvalidInput, "The price is too large: book fewer seats.", "seats"))?;
        Ok(Offer { price, starts_at: details.departure_at })
    }
}

fn repeated(
    booking: BookingId,
    direction: Direction,
    attempt: u32,
    outcome: Outcome,
    business_date: NaiveDate,
) -> FlightEvent {
    let answer = Answer { step: Step::Flight, direction, attempt, outcome };
    FlightEvent::AnswerRepeated { booking, answer, business_date }
}
