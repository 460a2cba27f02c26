//! Ten thousand sagas that wait cost nothing, and all that are due at once are handled at once, each exactly once (L12).

#![expect(clippy::print_stderr, reason = "tells what it has measured, with --nocapture")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use traveladvisor_commands::engine::{Delivery, Faults, Ports, RunningEngine};
use traveladvisor_commands::{CallerCommand, Engine};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::hotel::{HotelCommand, HotelDetails, RoomTypeDetails};
use traveladvisor_domain::id::{BookingId, HotelId, StreamId};
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::clock::{Clock, SandboxClock};
use traveladvisor_infra::event_log::{Append, EventLog, Metadata, NewEvent, RELAY, StoredEvent, Wakeup};
use traveladvisor_infra::testing::chaos;
use uuid::Uuid;

use crate::crowd::list_plenty;
use crate::support::{World, book, card, hotel, metadata, request, start, trip};

/// Sagas that wait.
const WAITING: usize = 10_000;
/// Hotels that they wait for.
const HOTELS: usize = 50;
/// Trips written by one append.
const TRIPS_OF_APPEND: usize = 1_000;
/// A generous limit for all of them to end.
const AT_LAST: Duration = Duration::from_mins(2);

/// A clock that a test sets forward.
pub(crate) struct SetForward {
    clock: SandboxClock,
    by_ms: AtomicI64,
}

impl SetForward {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { clock: SandboxClock::starting_at(start()), by_ms: AtomicI64::new(0) })
    }

    pub(crate) fn by(&self, time: TimeDelta) {
        self.by_ms.fetch_add(time.num_milliseconds(), Ordering::Relaxed);
    }
}

impl Clock for SetForward {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now() + TimeDelta::milliseconds(self.by_ms.load(Ordering::Relaxed))
    }
}

/// A trip that needs a hotel only.
fn stay_only() -> TripRequest {
    TripRequest { flight: None, car: None, ..trip(PaymentPlan::None) }
}

fn hotel_number(number: usize) -> HotelDetails {
    let room_types =
        hotel(0).room_types.into_iter().map(|kind| RoomTypeDetails { rooms: WAITING as u32, ..kind }).collect();
    HotelDetails { code: format!("W{number}"), room_types, ..hotel(0) }
}

/// What a trip writes until its first step is to be tried again.
async fn template(world: &mut World) -> Vec<StoredEvent> {
    let first_time = |command: &Command| matches!(command, Command::Hotel(HotelCommand::Reserve { attempt: 1, .. }));
    let faults = Faults::default().panic_when(move |_, command| first_time(command));
    let ports = world.next_ports();
    world.restart_with(ports, Delivery::Here, faults).await;
    let receipt = world.submit(book(stay_only()), Some("template")).await.expect("accepted");
    let booking = BookingId(receipt.subject.uuid);
    world.until(booking, &["SagaSucceeded"]).await;
    world.stop().await;
    let events = world.events().await;
    let own = events.into_iter().filter(|event| event.stream == booking.stream() || event.stream == booking.saga());
    let mut story: Vec<StoredEvent> = own.collect();
    let faulted = story.iter().position(|event| event.event_type == "StepFaulted").expect("it is tried again");
    story.truncate(faulted + 1);
    story
}

/// Writes so many trips like the template, whose first step is to be tried again at `due`.
async fn write_waiting(
    log: &EventLog,
    template: &[StoredEvent],
    (count, due): (usize, DateTime<Utc>),
) -> Vec<BookingId> {
    let numbers: Vec<usize> = (0..count).collect();
    let trips: Vec<BookingId> = numbers.iter().map(|number| trip_number(*number)).collect();
    for numbers in numbers.chunks(TRIPS_OF_APPEND) {
        let batch = Uuid::from_u128(numbers[0] as u128 + 1);
        let mut append = Append { batch, now: start(), ..Append::default() };
        for number in numbers {
            let booking = trip_number(*number);
            append.reads.extend([(booking.stream(), 0), (booking.saga(), 0)]);
            append.events.extend(template.iter().map(|event| copied(event, batch, *number, due)));
            append.wakeups.push(Wakeup { stream: booking.saga(), kind: "retry", due_at: Some(due) });
        }
        log.append(&append).await.expect("written");
    }
    trips
}

fn trip_number(number: usize) -> BookingId {
    BookingId(Uuid::from_u128(0x0193_7e4a_0000_7000_8000_0000_0000_0000 + number as u128))
}

fn copied(event: &StoredEvent, batch: Uuid, number: usize, due: DateTime<Utc>) -> NewEvent {
    let booking = trip_number(number);
    let hotel = HotelId::of("own", &format!("W{}", number % HOTELS));
    let of_template = BookingId(event.stream.uuid).to_string();
    let renamed = |text: &str| {
        text.replace(&of_template, &booking.to_string())
            .replace(&crate::support::hotel_id().to_string(), &hotel.to_string())
            .replace(&crate::support::hotel_id().0.to_string(), &hotel.0.to_string())
    };
    let mut payload: serde_json::Value = serde_json::from_str(&renamed(&event.payload)).expect("JSON");
    if let Some(retry_at) = payload.pointer_mut("/StepFaulted/retry_at") {
        *retry_at = serde_json::to_value(due).expect("JSON");
    }
    let fused = (event.event_type != "StepFaulted").then(|| "0".to_owned());
    let metadata = Metadata { batch: batch.to_string(), fused, ..metadata(event) };
    NewEvent {
        stream: StreamId::new(event.stream.kind, booking.0),
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload: payload.to_string().into(),
        metadata: renamed(&serde_json::to_string(&metadata).expect("JSON")).into(),
        told: None,
    }
}

/// A world with sagas that wait, due in an hour, and nobody who delivers.
async fn waiting_world(count: usize) -> (World, Arc<SetForward>, Vec<BookingId>) {
    let mut world = World::begin(Delivery::Elsewhere).await;
    for number in 0..HOTELS {
        world.submit(CallerCommand::UpsertHotel(hotel_number(number)), None).await.expect("listed");
    }
    let template = template(&mut world).await;
    let trips = write_waiting(&world.log, &template, (count, start() + TimeDelta::hours(1))).await;
    let clock = SetForward::new();
    (world, clock, trips)
}

fn ports(world: &mut World, clock: &Arc<SetForward>) -> Ports {
    Ports { clock: clock.clone(), ..world.next_ports() }
}

/// Somebody who books one trip after the other.
struct Callers {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    booking: tokio::task::JoinHandle<()>,
}

impl Callers {
    fn begin(world: &World) -> Self {
        let (engine, stop) = (world.engine.clone(), Arc::new(AtomicBool::new(false)));
        let served = Arc::new(AtomicUsize::new(0));
        let (stopped, count) = (stop.clone(), served.clone());
        let booking = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                let key = format!("meanwhile-{}", count.load(Ordering::Relaxed));
                let booked = engine.submit(request(book(stay_only()), Some(&key)));
                tokio::time::timeout(AT_LAST, booked).await.expect("answered").expect("served");
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { stop, served, booking }
    }

    /// How many trips were booked so far.
    fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    /// How many trips were booked.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.booking.await.expect("all were accepted");
        self.served.load(Ordering::Relaxed)
    }
}

/// What the server has done for this database: transactions, rows of the wake-ups that were read, and events.
#[derive(Debug, Clone, Copy)]
struct Cost {
    transactions: i64,
    wakeups_read: i64,
    events: i64,
}

async fn cost(pool: &PgPool) -> Cost {
    let (transactions, wakeups_read, events) = sqlx::query_as(
        "SELECT d.xact_commit, t.seq_tup_read + coalesce(t.idx_tup_fetch, 0), (SELECT count(*) FROM events) \
           FROM pg_stat_database d, pg_stat_user_tables t WHERE d.datname = current_database() AND t.relname = 'wakeups'",
    )
    .fetch_one(pool)
    .await
    .expect("counted");
    Cost { transactions, wakeups_read, events }
}

/// Waits until at most so many wake-ups are left.
async fn until_left(pool: &PgPool, left: i64) {
    let all = async {
        while wakeups(pool).await > left {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(AT_LAST, all).await.is_ok();
    assert!(in_time, "{} sagas still wait", wakeups(pool).await);
}

async fn wakeups(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM wakeups").fetch_one(pool).await.expect("counted")
}

/// Each trip was tried again once, and has ended once.
async fn assert_each_once(world: &World, trips: &[BookingId]) {
    let sql = "SELECT aggregate_id, array_agg(event_type ORDER BY position) FROM events \
                WHERE aggregate_type = 'trip_saga' GROUP BY aggregate_id";
    let stories: HashMap<String, Vec<String>> =
        sqlx::query_as(sql).fetch_all(world.log.pool()).await.expect("read").into_iter().collect();
    let whole = ["SagaStarted", "StepFaulted", "StepRetried", "StepSucceeded", "StepSucceeded", "SagaSucceeded"];
    for booking in trips {
        assert_eq!(stories[&booking.saga().to_string()], whole, "{booking}");
    }
    assert_eq!(wakeups(world.log.pool()).await, 0, "no timer is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_sagas_that_wait_cost_nothing_and_due_at_once_all_are_handled_and_callers_served_meanwhile() {
    let (mut world, clock, trips) = waiting_world(WAITING).await;
    let ports = ports(&mut world, &clock);
    world.restart_with(ports, Delivery::Here, Faults::default()).await;
    // What the beginning of a turn costs is not counted. The server tells what it has done about once in a second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = cost(world.log.pool()).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let after = cost(world.log.pool()).await;
    eprintln!("{WAITING} wait for 4 s: {before:?} {after:?}");
    assert_eq!(after.events, before.events, "nothing is decided");
    assert!(after.transactions - before.transactions < 300, "{before:?} {after:?}");
    assert!(after.wakeups_read - before.wakeups_read < 300, "who waits is not looked at: {before:?} {after:?}");

    clock.by(TimeDelta::hours(2));
    let begun = Instant::now();
    let callers = Callers::begin(&world);
    until_left(world.log.pool(), WAITING as i64 / 2).await;
    assert!(callers.served() > 0, "callers wait for all the timers");
    until_left(world.log.pool(), 0).await;
    let took = begun.elapsed();
    let served = callers.end().await;
    let each_second = WAITING as u128 * 1_000 / took.as_millis().max(1);
    eprintln!("{WAITING} due at once: handled in {took:?}, {each_second} jobs each second");
    eprintln!("callers meanwhile: {served} trips booked one after the other");
    assert_each_once(&world, &trips).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_whose_saga_has_moved_on_writes_nothing_and_its_row_goes_or_moves() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    let done = world.book("done", PaymentPlan::None).await.expect("booked");
    let waits = world.book("waits", card("processing_error")).await.expect("accepted");
    world.until(waits, &["StepFaulted"]).await;
    world.stop().await;
    // Rows as an append of a former state has left them.
    let set = "INSERT INTO wakeups (aggregate_type, aggregate_id, kind, due_at) VALUES ('trip_saga', $1, 'retry', $2) \
               ON CONFLICT (aggregate_type, aggregate_id, kind) DO UPDATE SET due_at = excluded.due_at RETURNING due_at";
    let due: DateTime<Utc> =
        sqlx::query_scalar("SELECT max(due_at) FROM wakeups").fetch_one(world.log.pool()).await.expect("read");
    for booking in [done, waits] {
        sqlx::query(set)
            .bind(booking.saga().to_string())
            .bind(start() - TimeDelta::days(1))
            .execute(world.log.pool())
            .await
            .expect("set");
    }
    let before = world.events().await.len();
    // Its clock stands before the time of the one that waits.
    let clock = SetForward::new();
    clock.by(due - start() - TimeDelta::minutes(5));
    let ports = ports(&mut world, &clock);
    world.restart_with(ports, Delivery::Here, Faults::default()).await;
    let moved = async {
        while world.log.next_wakeup().await.expect("read") != Some(due) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, moved).await.expect("one row is gone, the other stands where its saga says");
    assert_eq!(wakeups(world.log.pool()).await, 1);
    assert_eq!(world.events().await.len(), before);
    clock.by(TimeDelta::minutes(10));
    world.until(waits, &["StepRetried"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_fires_when_it_is_due() {
    let world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    let mut trips = Vec::new();
    for number in 0..20 {
        trips.push(world.book(&format!("k{number}"), card("processing_error")).await.expect("accepted"));
    }
    for booking in trips {
        world.until(booking, &["SagaCompensated"]).await;
    }
    let mut due: HashMap<StreamId, DateTime<Utc>> = HashMap::new();
    let mut late = Vec::new();
    for event in world.events().await {
        let payload: serde_json::Value = serde_json::from_str(&event.payload).expect("JSON");
        if let Some(retry_at) = payload.pointer("/StepFaulted/retry_at") {
            due.insert(event.stream, serde_json::from_value(retry_at.clone()).expect("an instant"));
        } else if event.event_type == "StepRetried" {
            let fired: DateTime<Utc> = metadata(&event).occurred_at.parse().expect("an instant");
            late.push(fired - due[&event.stream]);
        }
    }
    let latest = late.iter().max().expect("some have fired");
    eprintln!("{} timers fired, the latest {latest} after its time", late.len());
    // A time-out as generous as all others here; what it is without others on the machine is printed.
    assert!(late.len() == 40 && *latest < TimeDelta::seconds(10), "{late:?}");
}

/// Another process's engine on the same log, with connections of its own.
async fn another(world: &mut World, clock: &Arc<SetForward>) -> (Engine, RunningEngine) {
    let log = EventLog::new("public", PgPool::connect_lazy_with(world.options().clone()));
    Engine::start(log, ports(world, clock), Delivery::Here).await.expect("it starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_of_an_owner_that_is_killed_half_way_fire_with_the_next_and_each_once() {
    let count = 2_000 * chaos() as usize;
    let (mut world, clock, trips) = waiting_world(count).await;
    clock.by(TimeDelta::hours(2));
    // What was due while nothing ran fires after the start.
    let ports = ports(&mut world, &clock);
    world.restart_with(ports, Delivery::Here, Faults::default()).await;
    let (_other, running) = another(&mut world, &clock).await;
    // Early, so that a slow look leaves some.
    until_left(world.log.pool(), count as i64 * 9 / 10).await;
    world.kill();
    assert!(wakeups(world.log.pool()).await > 0, "it died half-way");
    until_left(world.log.pool(), 0).await;
    assert_each_once(&world, &trips).await;
    let owners = world.log.owners().await.expect("read");
    assert!(owners.iter().any(|owner| owner.name == RELAY && owner.epoch >= 2), "another turn: {owners:?}");
    running.stop().await;
}
