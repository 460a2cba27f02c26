//! Commands whose answer was lost on its way (L5): each is answered right, and its effect is there once.

mod killed;
mod others;
mod trips;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use traveladvisor_commands::engine::{Delivery, Ports, RunningEngine};
use traveladvisor_commands::{CallerCommand, Engine, Receipt, Rejection, Request};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, CarId, FlightId, StreamId, StreamKind};
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::clock::{SandboxClock, SeededIds};
use traveladvisor_infra::event_log::{EventLog, LogError, Position, StoredEvent};
use traveladvisor_infra::gateway::SandboxGateway;
use traveladvisor_infra::postgres::{SCHEMA, pool};
use traveladvisor_infra::testing::TestDatabase;
use traveladvisor_infra::testing::proxy::{APPENDS, Fate, Fault, FaultProxy, Step};

use crate::support::{book, car, count, flight, hotel, hotel_id, metadata, request, start, trip};

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_mins(2);
/// Pause between two looks at what must happen at last.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Rooms, seats and vehicles, more than all tests together book.
const PLENTY: u32 = 200;

/// An engine behind a proxy, another process on the same log without one, and the log.
struct Lab {
    proxy: FaultProxy,
    engine: Engine,
    others: Engine,
    log: EventLog,
    _running: [RunningEngine; 2],
}

impl Lab {
    async fn before(options: &PgConnectOptions) -> Self {
        let proxy = FaultProxy::start(options, APPENDS);
        let log = EventLog::new("public", pool(options.clone()));
        let (others, theirs) = engine(&log, &log, 2, Delivery::Elsewhere).await;
        let cut = EventLog::new("public", pool(proxy.options()));
        for command in [
            CallerCommand::UpsertHotel(hotel(PLENTY)),
            CallerCommand::UpsertFlight(flight(PLENTY)),
            CallerCommand::UpsertCar(car(PLENTY)),
        ] {
            others.submit(request(command, None)).await.expect("the supply is listed");
        }
        let (engine, ours) = engine(&cut, &log, 1, Delivery::Here).await;
        Self { proxy, engine, others, log, _running: [ours, theirs] }
    }

    /// Asks the engine while the append of what it decides meets a fault.
    async fn ask_cut(&self, step: Step, asked: Request) -> Result<Receipt, Rejection> {
        let mut struck = self.proxy.arm(Fault::new(step, Fate::Closed));
        let answer = self.engine.submit(asked).await;
        assert!(struck.has_struck(), "{step:?}");
        answer
    }

    /// The same, and the other process is at work between the fault and the next copy.
    async fn ask_cut_while(&self, step: Step, asked: Request, meanwhile: impl Future) -> Result<Receipt, Rejection> {
        let struck = self.proxy.arm(Fault::new(step, Fate::Closed).shutting());
        let before = self.log.head().await.expect("read");
        let engine = self.engine.clone();
        let answer = tokio::spawn(async move { engine.submit(asked).await });
        struck.wait().await;
        if step.reaches_the_server() {
            self.until(async || self.log.head().await.expect("read") > before).await;
        }
        meanwhile.await;
        self.proxy.open();
        answer.await.expect("not broken off")
    }

    /// Lets the engine come upon what others have written, so that the next thing it appends is no mere conflict.
    async fn catch_up(&self, key: &str) {
        self.engine.submit(trip_under(key)).await.expect("booked");
    }

    async fn until(&self, is_so: impl AsyncFn() -> bool) {
        let looking = async {
            while !is_so().await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(AT_LAST, looking).await.expect("it is so at last");
    }

    async fn stream(&self, stream: StreamId) -> Vec<StoredEvent> {
        at_last(|| self.log.read_stream(stream, 0)).await
    }

    async fn version(&self, stream: StreamId) -> u64 {
        self.stream(stream).await.len() as u64
    }

    /// Names of the events of a trip in all streams.
    async fn story(&self, booking: BookingId) -> Vec<String> {
        let events = self.all().await.into_iter();
        let of_trip = events.filter(|event| metadata(event).correlation == booking.to_string());
        of_trip.map(|event| event.event_type.into_owned()).collect()
    }

    async fn all(&self) -> Vec<StoredEvent> {
        // A fresh handle has no memory of its own appends: it reads the table.
        let table = EventLog::new("public", self.log.pool().clone());
        at_last(|| table.read_after(Position::START, 100_000)).await
    }
}

/// What the log says, once it can be read.
async fn at_last<T>(read: impl AsyncFn() -> Result<T, LogError>) -> T {
    let reading = async {
        loop {
            match read().await {
                Ok(read) => return read,
                Err(LogError::Unavailable(_)) => tokio::time::sleep(LOOK_AGAIN).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(AT_LAST, reading).await.expect("the log can be read at last")
}

async fn engine(log: &EventLog, gateway: &EventLog, seed: u64, delivery: Delivery) -> (Engine, RunningEngine) {
    let ports = Ports {
        terms: Arc::default(),
        clock: Arc::new(SandboxClock::starting_at(start())),
        ids: Arc::new(SeededIds::new(seed)),
        gateway: Arc::new(SandboxGateway::new(gateway.pool().clone())),
    };
    Engine::start(log.clone(), ports, delivery).await.expect("the engine starts")
}

fn rooms(rooms: u32, expected_version: Option<u64>) -> Request {
    let date = |text: &str| text.parse().expect("a date");
    let command = CallerCommand::ChangeAllotment {
        hotel: hotel_id(),
        room_type: "DBL".into(),
        from: date("2025-03-01"),
        to: date("2025-03-02"),
        rooms: Some(rooms),
        stop_sell: None,
    };
    Request { expected_version, ..request(command, None) }
}

fn cancel(booking: BookingId, expected_version: u64) -> Request {
    let command = CallerCommand::CancelBooking { booking, reason: None };
    Request { expected_version: Some(expected_version), ..request(command, None) }
}

fn trip_under(key: &str) -> Request {
    request(book(trip(PaymentPlan::None)), Some(key))
}

fn booking_of(receipt: Receipt) -> BookingId {
    BookingId(receipt.subject.uuid)
}

/// Steps with a number of their own.
fn steps() -> impl Iterator<Item = (u32, Step)> {
    (1..).zip(Step::ALL)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_whose_append_is_cut_at_any_step_is_booked_once_under_its_key() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    for (n, step) in steps() {
        let key = format!("k{n}");
        let first = lab.ask_cut(step, trip_under(&key)).await.expect("booked");
        assert!(first.changed, "{step:?}");
        let story = lab.story(booking_of(first)).await;
        assert_eq!(story.len(), 13, "{step:?}: {story:?}");
        let stored = lab.log.read_after(Position(first.position.0 - 1), 1).await.expect("read");
        assert_eq!(metadata(&stored[0]).correlation, first.subject.to_string(), "{step:?}: its own position");
        // Asked again, and cut again: the answer rests on a key that is taken.
        let again = lab.ask_cut(step, trip_under(&key)).await.expect("known");
        assert_eq!(again, Receipt { changed: false, ..first }, "{step:?}");
        assert_eq!(count(&lab.all().await, StreamKind::Booking, "BookingRequested"), n as usize, "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_with_an_expected_version_is_not_refused_because_its_own_first_copy_made_it() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    let hotel = hotel_id().stream();
    for (n, step) in steps() {
        let version = lab.version(hotel).await;
        let done = lab.ask_cut(step, rooms(n, Some(version))).await.expect("changed");
        let story = lab.stream(hotel).await;
        assert_eq!(story.len() as u64, version + 1, "{step:?}: once");
        assert_eq!((done.changed, Some(done.position)), (true, story.last().map(|event| event.position)), "{step:?}");
        // A refusal is checked against the log before it is told, and its check may be cut as well.
        let refused = lab.ask_cut(step, rooms(1_000 + n, Some(version))).await.expect_err("it has passed");
        assert_eq!(refused.code, Code::VersionConflict, "{step:?}");
        let same = lab.ask_cut(step, rooms(n, Some(version))).await.expect("so already");
        assert_eq!(same, Receipt { changed: false, ..done }, "{step:?}");
        assert_eq!(lab.version(hotel).await, version + 1, "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_cut_at_any_step_happens_once() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    for (n, step) in steps() {
        let booking = booking_of(lab.engine.submit(trip_under(&format!("k{n}"))).await.expect("booked"));
        let version = lab.version(booking.stream()).await;
        let done = lab.ask_cut(step, cancel(booking, version)).await.expect("cancelled");
        assert!(done.changed, "{step:?}");
        lab.until(async || lab.story(booking).await.contains(&"SagaCompensated".to_owned())).await;
        let story = lab.story(booking).await;
        for name in ["CancellationRequested", "RoomsReleased", "SeatsReleased", "VehicleReleased", "BookingCancelled"] {
            assert_eq!(story.iter().filter(|event| *event == name).count(), 1, "{step:?}: {name}");
        }
        let again = lab.ask_cut(step, cancel(booking, version)).await.expect("so already");
        assert!(!again.changed, "{step:?}");
        assert_eq!(lab.story(booking).await.len(), story.len(), "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_cut_at_any_step_are_changed_once() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    for (n, step) in steps() {
        let listings = [
            (CallerCommand::UpsertHotel(hotel(PLENTY + n)), hotel_id().stream()),
            (CallerCommand::UpsertFlight(flight(PLENTY + n)), FlightId::of("own", "F1").stream()),
            (CallerCommand::UpsertCar(car(PLENTY + n)), CarId::of("own", "C1").stream()),
        ];
        for (command, stream) in listings {
            let version = lab.version(stream).await;
            let done = lab.ask_cut(step, request(command, None)).await.expect("listed");
            let story = lab.stream(stream).await;
            assert_eq!(story.len() as u64, version + 1, "{step:?}: {stream}");
            assert_eq!(
                (done.changed, Some(done.position)),
                (true, story.last().map(|event| event.position)),
                "{step:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_lost_again_and_again_change_nothing() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    let hotel = hotel_id().stream();
    let version = lab.version(hotel).await;
    let lost = [Step::RequestHalf, Step::AnswerUnsent, Step::AnswerHalf, Step::RequestWhole, Step::AnswerUnfinished];
    let mut struck = lost.map(|step| lab.proxy.arm(Fault::new(step, Fate::Closed)));
    let done = lab.engine.submit(rooms(7, Some(version))).await.expect("changed");
    assert!(struck.iter_mut().all(traveladvisor_infra::testing::proxy::Struck::has_struck));
    let story = lab.stream(hotel).await;
    assert!(done.changed);
    assert_eq!((story.len() as u64, Some(done.position)), (version + 1, story.last().map(|event| event.position)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: just chaos"]
async fn a_caller_whose_deadline_passes_asks_again_with_the_same_key_and_has_booked_once() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    lab.proxy.arm(Fault::new(Step::AnswerUnsent, Fate::Closed).shutting());
    let late = lab.engine.submit(trip_under("k")).await.expect_err("nobody answers");
    assert_eq!(late.code, Code::Unavailable);
    lab.proxy.open();
    let known = lab.engine.submit(trip_under("k")).await.expect("known");
    assert!(!known.changed);
    assert_eq!(lab.story(booking_of(known)).await.len(), 13);
    assert_eq!(count(&lab.all().await, StreamKind::Booking, "BookingRequested"), 1);
}
