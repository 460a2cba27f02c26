//! Hotels, flights and cars that do not sell out.

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use traveladvisor_commands::{CallerCommand, IdempotencyKey, Request};
use traveladvisor_domain::car::{CarDetails, VEHICLES_MAX};
use traveladvisor_domain::flight::{CABIN_SEATS_MAX, CabinDetails, FlightDetails};
use traveladvisor_domain::hotel::{ALLOTMENT_MAX, HotelDetails, RoomTypeDetails};
use traveladvisor_domain::id::HotelId;
use traveladvisor_domain::money::{Currency, Money};

use crate::database::beginning;

/// Who supplies everything here.
pub(crate) const SUPPLIER: &str = "bench";
/// Who asks for everything here.
pub(crate) const CALLER: &str = "bench";
/// Hotels that trips go round.
pub(crate) const HOTELS: u64 = 100;
/// Fleets that trips go round.
pub(crate) const FLEETS: u64 = 8;
/// Days over which stays and rentals are spread.
pub(crate) const SEASON_DAYS: u64 = 300;
/// Seats of a flight that are sold before trips go on to other flights.
pub(crate) const SEATS_SOLD: u64 = CABIN_SEATS_MAX as u64 - 50;
/// Nights that allotment changes go round.
const ALLOTMENT_NIGHTS: u64 = 365;
/// Values that allotment changes go round.
const ALLOTMENT_VALUES: u64 = 9_000;

fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

/// Some time after everything begins.
pub(crate) fn day(after: u64) -> DateTime<Utc> {
    beginning() + TimeDelta::days(10 + after.cast_signed())
}

/// A hotel that is large enough for everybody.
pub(crate) fn hotel(number: u64) -> HotelDetails {
    HotelDetails {
        supplier: SUPPLIER.into(),
        code: format!("H{number}"),
        name: format!("Grand Hotel {number}"),
        city: "London".into(),
        country: "GB".into(),
        time_zone: Tz::Europe__London,
        latitude: Some(51.5),
        longitude: Some(-0.12),
        room_types: vec![RoomTypeDetails {
            code: "DBL".into(),
            name: "Double".into(),
            rooms: ALLOTMENT_MAX,
            nightly_price: pounds(10_000),
        }],
    }
}

/// A flight with as many seats as there may be.
pub(crate) fn flight(number: u64) -> FlightDetails {
    let departure_at = day(number % SEASON_DAYS);
    FlightDetails {
        supplier: SUPPLIER.into(),
        code: format!("F{number}"),
        carrier: "TA".into(),
        origin: "LHR".into(),
        origin_zone: Tz::Europe__London,
        destination: "CDG".into(),
        destination_zone: Tz::Europe__Paris,
        departure_at,
        arrival_at: departure_at + TimeDelta::minutes(75),
        cabins: vec![CabinDetails { cabin: "ECONOMY".into(), seats: CABIN_SEATS_MAX, price: pounds(8_000) }],
    }
}

/// A fleet.
pub(crate) fn car(code: String) -> CarDetails {
    CarDetails {
        supplier: SUPPLIER.into(),
        code,
        name: "Small car".into(),
        car_class: "ECONOMY".into(),
        location: "CDG".into(),
        time_zone: Tz::Europe__Paris,
        vehicles: VEHICLES_MAX,
        daily_price: pounds(3_000),
    }
}

/// The night and the rooms of the change with this number: each differs from what was there.
pub(crate) fn allotment(number: u64) -> (chrono::NaiveDate, u32) {
    let night = day(number % ALLOTMENT_NIGHTS).date_naive();
    let rooms = 1 + (number / ALLOTMENT_NIGHTS) % ALLOTMENT_VALUES;
    (night, rooms as u32)
}

/// The same as our engine's command.
pub(crate) fn allotment_change(hotel: HotelId, number: u64) -> CallerCommand {
    let (from, rooms) = allotment(number);
    CallerCommand::ChangeAllotment {
        hotel,
        room_type: "DBL".into(),
        from,
        to: from + Days::new(1),
        rooms: Some(rooms),
        stop_sell: None,
    }
}

/// A request of a caller, with a key where one is due.
pub(crate) fn request(command: CallerCommand, key: Option<String>) -> Request {
    let idempotency = key.map(|key| {
        let mut input_hash = key.clone().into_bytes();
        input_hash.resize(32, 0);
        IdempotencyKey { key, input_hash }
    });
    Request { command, caller: CALLER.into(), idempotency, expected_version: None, traceparent: None, request_id: None }
}
