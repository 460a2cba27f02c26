//! What a trip costs today: computed from the offers, before anything is reserved.

use crate::car::Car;
use crate::failure::{Code, Failure};
use crate::flight::Flight;
use crate::hotel::Hotel;
use crate::id::{CarId, FlightId, HotelId};
use crate::money::{Money, MoneyError};
use crate::occasion::Occasion;
use crate::rental::Rental;
use crate::stay::Stay;
use crate::trip::{CarPart, FlightPart, HotelPart, NoOffer, Offer, PaymentPlan, TripPlan};

/// A trip as it is asked for, not yet priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TripRequest {
    /// The hotel, if any.
    pub hotel: Option<RoomsWanted>,
    /// The flight, if any.
    pub flight: Option<SeatsWanted>,
    /// The car, if any.
    pub car: Option<VehicleWanted>,
    /// How it is paid; a card by its token.
    pub payment: PaymentPlan,
    /// What the caller believes it costs.
    pub expected_total: Option<Money>,
}

/// Rooms asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomsWanted {
    /// The property.
    pub hotel: HotelId,
    /// The property's code of the room type.
    pub room_type: String,
    /// The nights.
    pub stay: Stay,
    /// How many.
    pub rooms: u32,
}

/// Seats asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatsWanted {
    /// The departure.
    pub flight: FlightId,
    /// The cabin.
    pub cabin: String,
    /// How many.
    pub seats: u32,
}

/// A vehicle asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VehicleWanted {
    /// The fleet.
    pub car: CarId,
    /// From pick-up to drop-off.
    pub rental: Rental,
}

/// The aggregates that the trip is priced from; absent where the trip has no such part.
#[derive(Debug, Clone, Copy)]
pub struct Offers<'a> {
    /// The hotel.
    pub hotel: Option<&'a Hotel>,
    /// The flight.
    pub flight: Option<&'a Flight>,
    /// The fleet.
    pub car: Option<&'a Car>,
}

/// Why a trip has no price, and which input field is at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoQuote {
    /// Code and sentence.
    pub failure: Failure,
    /// Path of the field below the input; empty when no single field is at fault.
    pub path: Vec<&'static str>,
}

impl NoQuote {
    fn new(code: Code, message: &str, path: &[&'static str]) -> Self {
        Self { failure: Failure::new(code, message), path: path.to_vec() }
    }

    fn of_part(part: &'static str, reason: NoOffer) -> Self {
        Self { failure: reason.failure, path: vec![part, reason.field] }
    }
}

/// Prices a trip from today's offers. Whether anything is left is decided by the participants, not here.
pub fn quote(wanted: &TripRequest, offers: Offers<'_>, occasion: Occasion) -> Result<TripPlan, NoQuote> {
    // A part whose offer is not there is one that is not listed: it is refused, never left out.
    let hotel = match &wanted.hotel {
        Some(rooms) => Some(hotel_part(rooms, offers.hotel.unwrap_or(&Hotel::default()), occasion)?),
        None => None,
    };
    let flight = match &wanted.flight {
        Some(seats) => Some(flight_part(seats, offers.flight.unwrap_or(&Flight::default()), occasion)?),
        None => None,
    };
    let car = match &wanted.car {
        Some(vehicle) => Some(car_part(vehicle, offers.car.unwrap_or(&Car::default()), occasion)?),
        None => None,
    };
    let parts: Vec<Offer> = [
        hotel.as_ref().map(|(_, offer)| *offer),
        flight.as_ref().map(|(_, offer)| *offer),
        car.as_ref().map(|(_, offer)| *offer),
    ]
    .into_iter()
    .flatten()
    .collect();
    let total = total(&parts)?;
    check_expected(wanted.expected_total, total)?;
    let starts_at = parts.iter().map(|offer| offer.starts_at).min().unwrap_or(occasion.at);
    Ok(TripPlan {
        hotel: hotel.map(|(part, _)| part),
        flight: flight.map(|(part, _)| part),
        car: car.map(|(part, _)| part),
        payment: wanted.payment.clone(),
        total,
        starts_at,
    })
}

fn hotel_part(wanted: &RoomsWanted, hotel: &Hotel, occasion: Occasion) -> Result<(HotelPart, Offer), NoQuote> {
    let offer = hotel
        .offer(&wanted.room_type, wanted.stay, wanted.rooms, occasion)
        .map_err(|reason| NoQuote::of_part("hotel", reason))?;
    let part = HotelPart {
        hotel: wanted.hotel,
        room_type: wanted.room_type.clone(),
        stay: wanted.stay,
        rooms: wanted.rooms,
        price: offer.price,
    };
    Ok((part, offer))
}

fn flight_part(wanted: &SeatsWanted, flight: &Flight, occasion: Occasion) -> Result<(FlightPart, Offer), NoQuote> {
    let offer =
        flight.offer(&wanted.cabin, wanted.seats, occasion).map_err(|reason| NoQuote::of_part("flight", reason))?;
    let part =
        FlightPart { flight: wanted.flight, cabin: wanted.cabin.clone(), seats: wanted.seats, price: offer.price };
    Ok((part, offer))
}

fn car_part(wanted: &VehicleWanted, car: &Car, occasion: Occasion) -> Result<(CarPart, Offer), NoQuote> {
    let offer = car.offer(wanted.rental, occasion).map_err(|reason| NoQuote::of_part("car", reason))?;
    Ok((CarPart { car: wanted.car, rental: wanted.rental, price: offer.price }, offer))
}

fn total(parts: &[Offer]) -> Result<Money, NoQuote> {
    let Some((first, rest)) = parts.split_first() else {
        return Err(NoQuote::new(
            Code::InvalidInput,
            "A trip needs a hotel, a flight or a car: give at least one.",
            &[],
        ));
    };
    rest.iter().try_fold(first.price, |sum, part| sum.plus(part.price)).map_err(|error| match error {
        MoneyError::CurrencyMismatch => NoQuote::new(
            Code::CurrencyMismatch,
            "The parts are priced in different currencies: book them as separate trips.",
            &[],
        ),
        _ => NoQuote::new(Code::InvalidInput, "The total is too large: book fewer nights, rooms or seats.", &[]),
    })
}

fn check_expected(expected: Option<Money>, total: Money) -> Result<(), NoQuote> {
    match expected {
        Some(expected) if expected != total => {
            let message = format!("The trip costs {total} today: confirm the new total.");
            Err(NoQuote::new(Code::PriceChanged, &message, &["expectedTotal"]))
        }
        _ => Ok(()),
    }
}
