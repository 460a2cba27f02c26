//! Trips and those who book them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{Days, TimeDelta};
use futures::future::ready;
use futures::{StreamExt, TryStreamExt};
use traveladvisor_commands::{CallerCommand, Engine, Request};
use traveladvisor_domain::booking::quote::{RoomsWanted, SeatsWanted, TripRequest, VehicleWanted};
use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::id::{BookingId, CarId, FlightId, HotelId};
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::EventLog;

use super::course::{Cards, Course, Ending};
use super::ends::Ends;
use super::members;
use super::supply::{self, FLEETS, HOTELS, SEASON_DAYS, SEATS_SOLD, SUPPLIER, day};
use crate::load::Client;
use crate::{Outcome, database};

/// Requests at once while everything is made ready: fewer than may wait.
const ASKED_AT_ONCE: usize = 256;

/// A trip to book.
pub(crate) struct Trip {
    pub(crate) request: Request,
    /// How it must end.
    pub(crate) ending: Ending,
}

/// Trips that go round hotels, flights and fleets, and list new flights before the last ones are full.
pub(crate) struct Trips {
    engine: Engine,
    course: Course,
    cards: Cards,
    flights: u64,
    next: AtomicU64,
}

impl Trips {
    /// Lists the supply: trips use so many flights at a time.
    pub(crate) async fn open(log: &EventLog, engine: Engine, course: Course, flights: u64) -> Outcome<Self> {
        let cards = database::cards(log).await?;
        let trips = Self { engine, course, cards, flights, next: AtomicU64::new(0) };
        let hotels = (0..HOTELS).map(|number| CallerCommand::UpsertHotel(supply::hotel(number)));
        let fleets = (0..FLEETS).map(|number| CallerCommand::UpsertCar(fleet(course, number)));
        trips.list(hotels.chain(fleets).collect()).await?;
        trips.list_flights(0).await?;
        trips.list_flights(1).await?;
        if course == Course::Points {
            trips.ask_for_all(members::signed_up()).await?;
            trips.ask_for_all(members::rich()).await?;
        }
        Ok(trips)
    }

    /// The next trip. Only that of it is sold out which its course says.
    pub(crate) async fn next(&self) -> Outcome<Trip> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let generation_size = self.flights * SEATS_SOLD;
        if number > 0 && number.is_multiple_of(generation_size) {
            self.list_flights(number / generation_size + 1).await?;
        }
        let wanted = wanted(number, self.flights, self.course.payment(number, &self.cards))?;
        let command = CallerCommand::BookTrip { traveller: traveller(number), wanted };
        let request = supply::request(command, Some(format!("{}-{number}", self.course.name())));
        let request = if self.course == Course::Points { members::asks(number, request) } else { request };
        Ok(Trip { request, ending: self.course.ending(number) })
    }

    async fn list_flights(&self, generation: u64) -> Outcome<()> {
        let first = generation * self.flights;
        let flights = first..first + self.flights;
        self.list(flights.map(|number| CallerCommand::UpsertFlight(supply::flight(number))).collect()).await
    }

    async fn list(&self, commands: Vec<CallerCommand>) -> Outcome<()> {
        self.ask_for_all(commands.into_iter().map(|command| supply::request(command, None))).await
    }

    async fn ask_for_all(&self, requests: impl Iterator<Item = Request>) -> Outcome<()> {
        let asked = futures::stream::iter(requests).map(|request| self.engine.submit(request));
        asked.buffer_unordered(ASKED_AT_ONCE).try_for_each(|_| ready(Ok(()))).await?;
        Ok(())
    }
}

/// What the trip with a number is, over so many flights at a time.
pub(crate) fn wanted(number: u64, flights: u64, payment: PaymentPlan) -> Outcome<TripRequest> {
    let flight = number % flights + flights * (number / (flights * SEATS_SOLD));
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
        payment,
        expected_total: None,
        voucher: None,
    })
}

fn fleet(course: Course, number: u64) -> CarDetails {
    let car = supply::car(format!("C{number}"));
    if course == Course::SoldOut {
        return CarDetails { vehicles: 0, ..car };
    }
    car
}

pub(crate) fn traveller(number: u64) -> Traveller {
    Traveller {
        email: format!("traveller-{number}@example.com"),
        name: "A. Traveller".into(),
        phone: Some("+44 20 7946 0000".into()),
    }
}

/// Flights that travellers' trips use at a time.
pub(crate) const FLIGHTS: u64 = 50;

/// Books one trip after the other, each to its end.
pub(crate) struct Booker {
    engine: Engine,
    trips: Arc<Trips>,
    /// Absent where the first commit holds the end.
    ends: Option<Arc<Ends>>,
}

/// So many who book trips of a course, over so many flights at a time, and the supply that they need.
pub(crate) async fn bookers(
    log: &EventLog,
    engine: &Engine,
    course: Course,
    clients: u32,
    flights: u64,
) -> Outcome<Vec<Booker>> {
    let trips = Arc::new(Trips::open(log, engine.clone(), course, flights).await?);
    let ends = match course {
        Course::Unpaid | Course::Points => None,
        Course::SoldOut | Course::Card { .. } => Some(Arc::new(Ends::after(log.head().await?, log))),
    };
    Ok((0..clients).map(|_| Booker { engine: engine.clone(), trips: trips.clone(), ends: ends.clone() }).collect())
}

impl Client for Booker {
    async fn once(&mut self) -> Outcome<u64> {
        let Trip { request, ending } = self.trips.next().await?;
        let receipt = self.engine.submit(request).await?;
        let Some(ends) = &self.ends else { return Ok(1) };
        let ended = ends.of(BookingId(receipt.subject.uuid)).await?;
        if ended != ending {
            return Err(format!("{} has ended as {ended:?}, not as {ending:?}", receipt.subject).into());
        }
        Ok(1)
    }
}
