//! What trips ask of a hotel: a price, rooms, and to take them back.

use chrono::NaiveDate;

use super::{Hotel, HotelEvent, Listing};
use crate::failure::{Code, Failure};
use crate::id::BookingId;
use crate::local_day;
use crate::message::{Answer, Direction, Outcome};
use crate::occasion::Occasion;
use crate::reservation::{RequestVerdict, UndoVerdict};
use crate::stay::Stay;
use crate::trip::{HotelPart, NoOffer, Offer, ROOMS_MAX, Step};

impl Hotel {
    /// Today's price of a stay and its first moment. Does not look at what is left or closed: that is decided when it is reserved.
    ///
    /// Refuses with `NOT_FOUND`, `UNKNOWN_ROOM_TYPE`, `PAST` or `INVALID_INPUT`, in this order.
    pub fn offer(&self, room_type: &str, stay: Stay, rooms: u32, occasion: Occasion) -> Result<Offer, NoOffer> {
        match self {
            Self::Unlisted(_) => Err(NoOffer::new(Code::NotFound, "There is no such hotel: check its id.", "hotelId")),
            Self::Listed(listing) => listing.offer(room_type, stay, rooms, occasion),
        }
    }

    pub(super) fn reserve(
        &self,
        booking: BookingId,
        attempt: u32,
        part: HotelPart,
        occasion: Occasion,
    ) -> Vec<HotelEvent> {
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
            Ok(()) => HotelEvent::RoomsReserved { booking, attempt, part, business_date },
            Err(failure) => HotelEvent::RoomsRefused { booking, attempt, part, failure, business_date },
        }]
    }

    pub(super) fn release(
        &self,
        booking: BookingId,
        attempt: u32,
        part: HotelPart,
        occasion: Occasion,
    ) -> Vec<HotelEvent> {
        let business_date = self.today(occasion);
        let is_over = |part: &HotelPart| self.memory().has_forgotten(part.stay.check_out(), business_date);
        vec![match self.memory().bookings.on_undo(booking, attempt) {
            UndoVerdict::Answered => return Vec::new(),
            UndoVerdict::Release(held) if !is_over(held) => {
                HotelEvent::RoomsReleased { booking, attempt, part: held.clone(), business_date }
            }
            UndoVerdict::Bar if !is_over(&part) => {
                HotelEvent::ReservationBarred { booking, attempt, part, business_date }
            }
            UndoVerdict::Repeat | UndoVerdict::Release(_) | UndoVerdict::Bar => {
                repeated(booking, Direction::Undo, attempt, Outcome::Done, business_date)
            }
        }]
    }

    /// Whether the rooms can be had for every night, at the quoted price.
    fn grant(&self, part: &HotelPart, occasion: Occasion) -> Result<(), Failure> {
        let offer = self.offer(&part.room_type, part.stay, part.rooms, occasion).map_err(|reason| reason.failure)?;
        if offer.price != part.price {
            let message = format!("The stay costs {} now: book the trip anew at this price.", offer.price);
            return Err(Failure::new(Code::PriceChanged, message));
        }
        match self {
            Self::Unlisted(_) => Ok(()),
            Self::Listed(listing) => listing.has_room(part),
        }
    }
}

impl Listing {
    fn offer(&self, room_type: &str, stay: Stay, rooms: u32, occasion: Occasion) -> Result<Offer, NoOffer> {
        let Some(kind) = self.room_type(room_type) else {
            let message = "The hotel does not sell this room type: choose one that it lists.";
            return Err(NoOffer::new(Code::UnknownRoomType, message, "roomType"));
        };
        let zone = self.details.time_zone;
        let today = occasion.date_in(zone);
        if stay.check_in() < today || self.memory.has_forgotten(stay.check_in(), today) {
            let message = "The check-in day has passed at the hotel: choose today or later.";
            return Err(NoOffer::new(Code::Past, message, "checkIn"));
        }
        if rooms == 0 || rooms > ROOMS_MAX {
            let message = format!("A booking takes 1 to {ROOMS_MAX} rooms: choose a number in between.");
            return Err(NoOffer::new(Code::InvalidInput, message, "rooms"));
        }
        let price = kind.nightly_price.times(stay.night_count() * i64::from(rooms)).map_err(|_| {
            NoOffer::new(Code::InvalidInput, "The price is too large: book fewer rooms or nights.", "rooms")
        })?;
        Ok(Offer { price, starts_at: local_day::start_of(stay.check_in(), zone) })
    }

    fn has_room(&self, part: &HotelPart) -> Result<(), Failure> {
        let rooms = self.room_type(&part.room_type).map_or(0, |kind| kind.rooms);
        let left = match self.nights.get(&part.room_type) {
            None => rooms,
            Some(nights) if nights.any_closed(part.stay) => {
                let message = "The hotel has closed a night of this stay for sale: choose other dates.";
                return Err(Failure::new(Code::StopSell, message));
            }
            Some(nights) => nights.fewest_left(part.stay, rooms),
        };
        if left < part.rooms {
            let message = "Too few rooms are left in a night of this stay: choose other dates or fewer rooms.";
            return Err(Failure::new(Code::SoldOut, message));
        }
        Ok(())
    }
}

fn repeated(
    booking: BookingId,
    direction: Direction,
    attempt: u32,
    outcome: Outcome,
    business_date: NaiveDate,
) -> HotelEvent {
    let answer = Answer { step: Step::Hotel, direction, attempt, outcome };
    HotelEvent::AnswerRepeated { booking, answer, business_date }
}
