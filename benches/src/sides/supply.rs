//! Hotels, flights and cars that do not sell out.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use traveladvisor_commands::{CallerCommand, Engine, IdempotencyKey, Request};
use traveladvisor_domain::booking::quote::{RoomsWanted, SeatsWanted, TripRequest, VehicleWanted};
use traveladvisor_domain::car::{CarDetails, VEHICLES_MAX};
use traveladvisor_domain::flight::{CABIN_SEATS_MAX, CabinDetails, FlightDetails};
use traveladvisor_domain::hotel::{ALLOTMENT_MAX, HotelDetails, RoomTypeDetails};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::PaymentPlan;

use crate::Outcome;
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
const SEASON_DAYS: u64 = 300;
/// Seats of a flight that are sold before trips go on to other flights.
const SEATS_SOLD: u64 = CABIN_SEATS_MAX as u64 - 50;
/// Nights that allotment changes go round.
const ALLOTMENT_NIGHTS: u64 = 365;
/// Values that allotment changes go round.
const ALLOTMENT_VALUES: u64 = 9_000;

fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

fn day(after: u64) -> DateTime<Utc> {
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
fn flight(number: u64) -> FlightDetails {
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
    Request { command, caller: CALLER.into(), idempotency, expected_version: None, traceparent: None }
}

/// Trips that go round hotels, flights and fleets, and list new flights before the last ones are full.
pub(crate) struct Trips {
    engine: Engine,
    flights: u64,
    next: AtomicU64,
}

impl Trips {
    /// Lists the supply: trips use so many flights at a time.
    pub(crate) async fn open(engine: Engine, flights: u64) -> Outcome<Self> {
        let trips = Self { engine, flights, next: AtomicU64::new(0) };
        let hotels = (0..HOTELS).map(|number| CallerCommand::UpsertHotel(hotel(number)));
        let fleets = (0..FLEETS).map(|number| CallerCommand::UpsertCar(car(format!("C{number}"))));
        trips.list(hotels.chain(fleets).collect()).await?;
        trips.list_flights(0).await?;
        trips.list_flights(1).await?;
        Ok(trips)
    }

    /// The next trip's request. Nothing of it is sold out.
    pub(crate) async fn next(&self) -> Outcome<Request> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let generation_size = self.flights * SEATS_SOLD;
        if number > 0 && number.is_multiple_of(generation_size) {
            self.list_flights(number / generation_size + 1).await?;
        }
        Ok(request(
            CallerCommand::BookTrip { traveller: traveller(number), wanted: self.wanted(number)? },
            Some(format!("trip-{number}")),
        ))
    }

    fn wanted(&self, number: u64) -> Outcome<TripRequest> {
        let flight = number % self.flights + self.flights * (number / (self.flights * SEATS_SOLD));
        // Odd factors, so that hotel, fleet, day and length do not go round together.
        let arrival = day((number * 7) % SEASON_DAYS);
        let nights = 1 + number % 3;
        let check_in = arrival.date_naive();
        let pick_up = arrival + TimeDelta::hours(10);
        Ok(TripRequest {
            hotel: Some(RoomsWanted {
                hotel: HotelId::of(SUPPLIER, &format!("H{}", number % HOTELS)),
                room_type: "DBL".into(),
                stay: Stay::new(check_in, check_in + Days::new(nights)).map_err(|failure| failure.message)?,
                rooms: 1,
            }),
            flight: Some(SeatsWanted {
                flight: FlightId::of(SUPPLIER, &format!("F{flight}")),
                cabin: "ECONOMY".into(),
                seats: 1,
            }),
            car: Some(VehicleWanted {
                car: CarId::of(SUPPLIER, &format!("C{}", number % FLEETS)),
                rental: Rental::new(pick_up, pick_up + TimeDelta::days(nights.cast_signed()))
                    .map_err(|failure| failure.message)?,
            }),
            payment: PaymentPlan::None,
            expected_total: None,
        })
    }

    async fn list_flights(&self, generation: u64) -> Outcome<()> {
        let first = generation * self.flights;
        self.list((first..first + self.flights).map(|number| CallerCommand::UpsertFlight(flight(number))).collect())
            .await
    }

    async fn list(&self, commands: Vec<CallerCommand>) -> Outcome<()> {
        let listed = commands.into_iter().map(|command| self.engine.submit(request(command, None)));
        futures::future::try_join_all(listed).await?;
        Ok(())
    }
}

fn traveller(number: u64) -> Traveller {
    Traveller {
        email: format!("traveller-{number}@example.com"),
        name: "A. Traveller".into(),
        phone: Some("+44 20 7946 0000".into()),
    }
}
