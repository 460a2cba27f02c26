//! A small world: one hotel, one flight, one fleet, and an engine over a database of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use traveladvisor_commands::engine::{Delivery, Faults, Ports, RunningEngine};
use traveladvisor_commands::{CallerCommand, Engine, IdempotencyKey, Receipt, Rejection, Request};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::quote::{RoomsWanted, SeatsWanted, TripRequest, VehicleWanted};
use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::flight::{CabinDetails, FlightDetails};
use traveladvisor_domain::hotel::{HotelDetails, RoomTypeDetails};
use traveladvisor_domain::id::{BookingId, CarId, FlightId, HotelId, StreamKind};
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::{CardToken, PaymentPlan};
use traveladvisor_infra::clock::{Clock, SandboxClock, SeededIds};
use traveladvisor_infra::event_log::{Append, EventLog, Metadata, NewEvent, Position, StoredEvent};
use traveladvisor_infra::gateway::SandboxGateway;
use traveladvisor_infra::postgres::{PgConnectOptions, SCHEMA};
use traveladvisor_infra::testing::TestDatabase;
use uuid::Uuid;

/// A generous limit for anything that must happen at last.
pub(crate) const AT_LAST: Duration = Duration::from_mins(2);

pub(crate) struct World {
    pub(crate) log: EventLog,
    pub(crate) engine: Engine,
    running: Mutex<Option<RunningEngine>>,
    clock: Arc<dyn Clock>,
    ids: u64,
    database: TestDatabase,
}

pub(crate) fn start() -> DateTime<Utc> {
    "2024-12-01T00:00:00Z".parse().expect("an instant")
}

impl World {
    pub(crate) async fn begin(delivery: Delivery) -> Self {
        Self::begin_with(delivery, Faults::default()).await
    }

    pub(crate) async fn begin_with(delivery: Delivery, faults: Faults) -> Self {
        let database = TestDatabase::create(SCHEMA).await;
        let log = EventLog::new("public", database.pool.clone());
        let clock: Arc<dyn Clock> = Arc::new(SandboxClock::starting_at(start()));
        let (engine, running) = start_engine(&log, ports(&log, &clock, 1), delivery, faults).await;
        let world = Self { log, engine, running: Mutex::new(Some(running)), clock, ids: 1, database };
        for command in [
            CallerCommand::UpsertHotel(hotel(2)),
            CallerCommand::UpsertFlight(flight(3)),
            CallerCommand::UpsertCar(car(1)),
        ] {
            world.submit(command, None).await.expect("the supply is listed");
        }
        world
    }

    /// How another process comes to the log.
    pub(crate) const fn options(&self) -> &PgConnectOptions {
        &self.database.options
    }

    /// Another engine on the same log, as a second process would run it.
    pub(crate) async fn second_engine(&mut self, delivery: Delivery) -> (Engine, RunningEngine) {
        let ports = self.next_ports();
        start_engine(&self.log, ports, delivery, Faults::default()).await
    }

    /// The outside as the next engine on this log sees it, with ids of its own.
    pub(crate) fn next_ports(&mut self) -> Ports {
        self.ids += 1;
        ports(&self.log, &self.clock, self.ids)
    }

    pub(crate) async fn stop(&self) {
        let running = self.running.lock().expect("the tasks").take();
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// Ends the engine without a word to anybody: nothing is let go.
    pub(crate) fn kill(&self) {
        drop(self.running.lock().expect("the tasks").take());
    }

    pub(crate) async fn restart(&mut self, delivery: Delivery) {
        let ports = self.next_ports();
        self.restart_with(ports, delivery, Faults::default()).await;
    }

    pub(crate) async fn restart_with(&mut self, ports: Ports, delivery: Delivery, faults: Faults) {
        self.stop().await;
        let (engine, running) = start_engine(&self.log, ports, delivery, faults).await;
        self.engine = engine;
        *self.running.lock().expect("the tasks") = Some(running);
    }

    pub(crate) async fn submit(&self, command: CallerCommand, key: Option<&str>) -> Result<Receipt, Rejection> {
        self.engine.submit(request(command, key)).await
    }

    pub(crate) async fn book(&self, key: &str, payment: PaymentPlan) -> Result<BookingId, Rejection> {
        let receipt = self.submit(book(trip(payment)), Some(key)).await?;
        Ok(BookingId(receipt.subject.uuid))
    }

    /// Writes the request of a trip like the first one in the log, and nothing that follows from it.
    pub(crate) async fn request_only(&self) -> BookingId {
        let events = self.events().await;
        let first = events.iter().find(|event| event.event_type == "BookingRequested").expect("a trip is there");
        let booking = BookingId(Uuid::from_u128(0x0193_7e4a_0000_7000_8000_0000_0000_0001));
        let batch = Uuid::from_u128(7);
        let renamed = |text: &str| text.replace(&first.stream.to_string(), &booking.to_string());
        let metadata = Metadata { batch: batch.to_string(), fused: None, ..metadata(first) };
        let append = Append {
            batch,
            reads: vec![(booking.stream(), 0)],
            events: vec![NewEvent {
                stream: booking.stream(),
                sequence: 1,
                event_type: first.event_type.clone(),
                event_version: first.event_version.clone(),
                payload: renamed(&first.payload).into(),
                metadata: renamed(&serde_json::to_string(&metadata).expect("JSON")).into(),
                told: None,
            }],
            ..Append::default()
        };
        self.log.append(&append).await.expect("appended");
        booking
    }

    pub(crate) async fn events(&self) -> Vec<StoredEvent> {
        // So that it is known how far others have gone on: a page of own events is else all there is.
        self.log.head().await.expect("the log is read");
        self.log.read_after(Position::START, 100_000).await.expect("the log is read")
    }

    /// Writes into the streams of a kind what no program can read.
    pub(crate) async fn spoil(&self, kind: &str) {
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
             SELECT aggregate_type, aggregate_id, max(sequence) + 1, 'Nonsense', '1', '{}', \
                    '{\"batch\":\"\",\"command\":\"\",\"correlation\":\"\",\"actor\":\"\",\"occurred_at\":\"\"}', now() \
               FROM events WHERE aggregate_type = $1 GROUP BY 1, 2",
        )
        .bind(kind)
        .execute(self.log.pool())
        .await
        .expect("written");
    }

    /// Names of the events of a trip in all streams, in the order of the log.
    pub(crate) async fn story(&self, booking: BookingId) -> Vec<String> {
        let events = self.events().await;
        events
            .iter()
            .filter(|event| metadata(event).correlation == booking.to_string())
            .map(|event| event.event_type.to_string())
            .collect()
    }

    /// Waits until the saga of a trip has written an event of one of these names.
    pub(crate) async fn until(&self, booking: BookingId, names: &[&str]) -> Vec<String> {
        let arrived = async {
            loop {
                let story = self.story(booking).await;
                if story.iter().any(|name| names.contains(&name.as_str())) {
                    return story;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let arrived = tokio::time::timeout(AT_LAST, arrived).await;
        if let Ok(story) = arrived {
            return story;
        }
        panic!("never came to {names:?}: {:?}", self.story(booking).await)
    }
}

fn ports(log: &EventLog, clock: &Arc<dyn Clock>, seed: u64) -> Ports {
    Ports {
        terms: Arc::default(),
        clock: clock.clone(),
        ids: Arc::new(SeededIds::new(seed)),
        gateway: Arc::new(SandboxGateway::new(log.pool().clone())),
    }
}

async fn start_engine(log: &EventLog, ports: Ports, delivery: Delivery, faults: Faults) -> (Engine, RunningEngine) {
    Engine::start_with_faults(log.clone(), ports, delivery, faults).await.expect("the engine starts")
}

pub(crate) fn metadata(event: &StoredEvent) -> Metadata {
    event.decode_metadata().expect("metadata is readable")
}

pub(crate) fn decoded(event: &StoredEvent) -> Event {
    event.decode().expect("the event is readable").into_parts().0
}

pub(crate) fn request(command: CallerCommand, key: Option<&str>) -> Request {
    let idempotency =
        key.map(|key| IdempotencyKey { key: key.to_owned(), input_hash: format!("{command:?}").into_bytes() });
    Request {
        command,
        caller: "tests".into(),
        idempotency,
        expected_version: None,
        traceparent: None,
        request_id: None,
    }
}

pub(crate) fn book(wanted: TripRequest) -> CallerCommand {
    let traveller = Traveller {
        email: "traveller@example.com".into(),
        name: "A. Traveller".into(),
        phone: Some("+44 20 7946 0000".into()),
    };
    CallerCommand::BookTrip { traveller, wanted }
}

pub(crate) fn card(token: &str) -> PaymentPlan {
    PaymentPlan::Card(CardToken {
        token: format!("tok_sandbox_{token}"),
        brand: "visa".into(),
        last_four: "4242".into(),
    })
}

pub(crate) fn trip(payment: PaymentPlan) -> TripRequest {
    let date = |text: &str| text.parse().expect("a date");
    let instant = |text: &str| text.parse().expect("an instant");
    TripRequest {
        hotel: Some(RoomsWanted {
            hotel: hotel_id(),
            room_type: "DBL".into(),
            stay: Stay::new(date("2025-01-10"), date("2025-01-12")).expect("a stay"),
            rooms: 1,
        }),
        flight: Some(SeatsWanted { flight: FlightId::of("own", "F1"), cabin: "ECONOMY".into(), seats: 1 }),
        car: Some(VehicleWanted {
            car: CarId::of("own", "C1"),
            rental: Rental::new(instant("2025-01-10T10:00:00Z"), instant("2025-01-12T10:00:00Z")).expect("a rental"),
        }),
        payment,
        expected_total: None,
        voucher: None,
    }
}

pub(crate) fn hotel_id() -> HotelId {
    HotelId::of("own", "H1")
}

fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

pub(crate) fn hotel(rooms: u32) -> HotelDetails {
    HotelDetails {
        supplier: "own".into(),
        code: "H1".into(),
        name: "Hotel One".into(),
        city: "London".into(),
        country: "GB".into(),
        time_zone: Tz::Europe__London,
        latitude: None,
        longitude: None,
        room_types: vec![RoomTypeDetails {
            code: "DBL".into(),
            name: "Double".into(),
            rooms,
            nightly_price: pounds(10_000),
        }],
    }
}

pub(crate) fn flight(seats: u32) -> FlightDetails {
    FlightDetails {
        supplier: "own".into(),
        code: "F1".into(),
        carrier: "TA".into(),
        origin: "LHR".into(),
        origin_zone: Tz::Europe__London,
        destination: "CDG".into(),
        destination_zone: Tz::Europe__Paris,
        departure_at: "2025-01-10T08:00:00Z".parse().expect("an instant"),
        arrival_at: "2025-01-10T09:15:00Z".parse().expect("an instant"),
        cabins: vec![CabinDetails { cabin: "ECONOMY".into(), seats, price: pounds(8_000) }],
    }
}

pub(crate) fn car(vehicles: u32) -> CarDetails {
    CarDetails {
        supplier: "own".into(),
        code: "C1".into(),
        name: "Small car".into(),
        car_class: "ECONOMY".into(),
        location: "CDG".into(),
        time_zone: Tz::Europe__Paris,
        vehicles,
        daily_price: pounds(3_000),
    }
}

/// Sets the rooms on sale for the nights of the trip; each other number is another event.
pub(crate) fn allot(rooms: u32) -> CallerCommand {
    let date = |text: &str| text.parse().expect("a date");
    CallerCommand::ChangeAllotment {
        hotel: hotel_id(),
        room_type: "DBL".into(),
        from: date("2025-01-10"),
        to: date("2025-01-12"),
        rooms: Some(rooms),
        stop_sell: None,
    }
}

/// Events of one kind of stream that concern bookings, by name.
pub(crate) fn count(events: &[StoredEvent], kind: StreamKind, name: &str) -> usize {
    events.iter().filter(|event| event.stream.kind == kind && event.event_type == name).count()
}
