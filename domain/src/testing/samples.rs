//! A hotel, a flight, a car and a trip for tests.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::car::CarDetails;
use crate::flight::{CabinDetails, FlightDetails};
use crate::hotel::{HotelDetails, RoomTypeDetails};
use crate::id::{BookingId, CarId, FlightId, HotelId};
use crate::money::{Currency, Money};
use crate::rental::Rental;
use crate::stay::Stay;
use crate::trip::{CarPart, CardToken, FlightPart, HotelPart, PaymentPlan, TripPlan};

/// The moment at which most tests decide.
pub(crate) const NOW: &str = "2024-12-01T12:00:00Z";
/// Rooms of the sample hotel, seats of the flight's one cabin, vehicles of the fleet.
pub(crate) const ON_SALE: u32 = 3;
/// Minor units of one night, one seat, one started day.
pub(crate) const UNIT_PRICE: i64 = 10_000;

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub(crate) fn booking(number: u128) -> BookingId {
    BookingId(Uuid::from_u128(0x0193_8b5e_0000_7000_8000_0000_0000_0000 + number))
}

pub(crate) fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

pub(crate) fn room_type(code: &str, rooms: u32) -> RoomTypeDetails {
    RoomTypeDetails { code: code.into(), name: "Double room".into(), rooms, nightly_price: pounds(UNIT_PRICE) }
}

pub(crate) fn hotel_details() -> HotelDetails {
    HotelDetails {
        supplier: "own".into(),
        code: "H1".into(),
        name: "The Fictional Arms".into(),
        city: "London".into(),
        country: "GB".into(),
        time_zone: Tz::Europe__London,
        latitude: Some(51.5),
        longitude: Some(-0.125),
        room_types: vec![room_type("DBL", ON_SALE)],
    }
}

pub(crate) fn flight_details() -> FlightDetails {
    FlightDetails {
        supplier: "own".into(),
        code: "F1".into(),
        carrier: "ZZ".into(),
        origin: "JFK".into(),
        origin_zone: Tz::America__New_York,
        destination: "LHR".into(),
        destination_zone: Tz::Europe__London,
        departure_at: instant("2024-12-24T01:30:00Z"),
        arrival_at: instant("2024-12-24T08:30:00Z"),
        cabins: vec![CabinDetails { cabin: "ECONOMY".into(), seats: ON_SALE, price: pounds(UNIT_PRICE) }],
    }
}

pub(crate) fn car_details() -> CarDetails {
    CarDetails {
        supplier: "own".into(),
        code: "C1".into(),
        name: "A fictional estate".into(),
        car_class: "STANDARD".into(),
        location: "LHR".into(),
        time_zone: Tz::Europe__London,
        vehicles: ON_SALE,
        daily_price: pounds(UNIT_PRICE),
    }
}

pub(crate) fn hotel_id() -> HotelId {
    HotelId::of("own", "H1")
}

pub(crate) fn flight_id() -> FlightId {
    FlightId::of("own", "F1")
}

pub(crate) fn car_id() -> CarId {
    CarId::of("own", "C1")
}

/// Rooms of the sample hotel, at its price.
pub(crate) fn rooms(check_in: &str, check_out: &str, rooms: u32) -> HotelPart {
    let stay = Stay::new(day(check_in), day(check_out)).expect("a stay");
    rooms_for(stay, rooms)
}

pub(crate) fn rooms_for(stay: Stay, rooms: u32) -> HotelPart {
    let price = pounds(UNIT_PRICE * stay.night_count() * i64::from(rooms));
    HotelPart { hotel: hotel_id(), room_type: "DBL".into(), stay, rooms, price }
}

/// Seats of the sample flight, at its price.
pub(crate) fn seats(seats: u32) -> FlightPart {
    let price = pounds(UNIT_PRICE * i64::from(seats));
    FlightPart { flight: flight_id(), cabin: "ECONOMY".into(), seats, price }
}

/// A vehicle of the sample fleet, at its price.
pub(crate) fn vehicle(pick_up: &str, drop_off: &str) -> CarPart {
    vehicle_for(Rental::new(instant(pick_up), instant(drop_off)).expect("a rental"))
}

pub(crate) fn vehicle_for(rental: Rental) -> CarPart {
    CarPart { car: car_id(), rental, price: pounds(UNIT_PRICE * rental.started_days()) }
}

pub(crate) fn card() -> PaymentPlan {
    PaymentPlan::Card(CardToken { token: "tok_1".into(), brand: "visa".into(), last_four: "4242".into() })
}

/// A trip with the parts asked for: 2 nights, 1 seat, 2 days.
pub(crate) fn trip(parts: [bool; 3], payment: PaymentPlan) -> TripPlan {
    let [with_hotel, with_flight, with_car] = parts;
    let hotel = with_hotel.then(|| rooms("2024-12-24", "2024-12-26", 1));
    let flight = with_flight.then(|| seats(1));
    let car = with_car.then(|| vehicle("2024-12-24T10:00:00Z", "2024-12-26T09:00:00Z"));
    let total = [hotel.as_ref().map(|p| p.price), flight.as_ref().map(|p| p.price), car.as_ref().map(|p| p.price)]
        .into_iter()
        .flatten()
        .fold(pounds(0), |sum, price| sum.plus(price).expect("a total"));
    TripPlan { hotel, flight, car, payment, total, starts_at: instant("2024-12-24T00:00:00Z") }
}
