//! What trips ask of a fleet: a price, a vehicle, and to take it back.

use chrono::NaiveDate;

use super::{Car, CarEvent, Fleet};
use crate::failure::{Code, Failure};
use crate::id::BookingId;
use crate::message::{Answer, Direction, Outcome};
use crate::occasion::Occasion;
use crate::rental::Rental;
use crate::reservation::{RequestVerdict, UndoVerdict};
use crate::trip::{CarPart, NoOffer, Offer, Step};

impl Car {
    /// Today's price of a rental and its first moment. Does not look at what is left: that is decided when it is reserved.
    ///
    /// Refuses with `NOT_FOUND`, `PAST` or `INVALID_INPUT`, in this order.
    pub fn offer(&self, rental: Rental, occasion: Occasion) -> Result<Offer, NoOffer> {
        match self {
            Self::Unlisted(_) => Err(NoOffer::new(Code::NotFound, "There is no such car: check its id.", "carId")),
            Self::Listed(fleet) => fleet.offer(rental, occasion),
        }
    }

    pub(super) fn reserve(&self, booking: BookingId, attempt: u32, part: CarPart, occasion: Occasion) -> Vec<CarEvent> {
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
            Ok(()) => CarEvent::VehicleReserved { booking, attempt, part, business_date },
            Err(failure) => CarEvent::VehicleRefused { booking, attempt, part, failure, business_date },
        }]
    }

    pub(super) fn release(&self, booking: BookingId, attempt: u32, part: CarPart, occasion: Occasion) -> Vec<CarEvent> {
        let business_date = self.today(occasion);
        let is_over = |part: &CarPart| self.memory().has_forgotten(self.last_day_of(part.rental), business_date);
        vec![match self.memory().bookings.on_undo(booking, attempt) {
            UndoVerdict::Answered => return Vec::new(),
            UndoVerdict::Release(held) if !is_over(held) => {
                CarEvent::VehicleReleased { booking, attempt, part: held.clone(), business_date }
            }
            UndoVerdict::Bar if !is_over(&part) => {
                CarEvent::ReservationBarred { booking, attempt, part, business_date }
            }
            UndoVerdict::Repeat | UndoVerdict::Release(_) | UndoVerdict::Bar => {
                repeated(booking, Direction::Undo, attempt, Outcome::Done, business_date)
            }
        }]
    }

    /// Whether a vehicle can be had for the whole rental, at the quoted price.
    fn grant(&self, part: &CarPart, occasion: Occasion) -> Result<(), Failure> {
        let offer = self.offer(part.rental, occasion).map_err(|reason| reason.failure)?;
        if offer.price != part.price {
            let message = format!("The rental costs {} now: book the trip anew at this price.", offer.price);
            return Err(Failure::new(Code::PriceChanged, message));
        }
        if self.vehicles_left(part.rental).unwrap_or(0) == 0 {
            let message = "No vehicle is free for the whole rental: choose other times or another class.";
            return Err(Failure::new(Code::SoldOut, message));
        }
        Ok(())
    }
}

impl Fleet {
    fn offer(&self, rental: Rental, occasion: Occasion) -> Result<Offer, NoOffer> {
        if rental.pick_up() < occasion.at || self.levels.has_forgotten(rental.pick_up()) {
            return Err(NoOffer::new(Code::Past, "The pick-up time has passed: choose a later one.", "pickUpAt"));
        }
        let price = self.details.daily_price.times(rental.started_days()).map_err(|_| {
            NoOffer::new(Code::InvalidInput, "The price is too large: choose a shorter rental.", "dropOffAt")
        })?;
        Ok(Offer { price, starts_at: rental.pick_up() })
    }
}

fn repeated(
    booking: BookingId,
    direction: Direction,
    attempt: u32,
    outcome: Outcome,
    business_date: NaiveDate,
) -> CarEvent {
    let answer = Answer { step: Step::Car, direction, attempt, outcome };
    CarEvent::AnswerRepeated { booking, answer, business_date }
}
