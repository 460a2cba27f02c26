//! Trips as they stood: at every moment the log tells what the live rows showed then.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::Config;
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_domain::trip::TripPlan;
use traveladvisor_infra::event_log::{Position, StoredEvent};
use traveladvisor_infra::testing::chaos;
use traveladvisor_projections::reads::{ReadError, Reads, TAIL_POSITIONS_MAX};
use traveladvisor_projections::runtime::Projectors;
use traveladvisor_projections::views::BookingView;

use crate::support::acts::{Act, TRIPS, act, carry_out, trip};
use crate::support::{House, PLENTY, Supply, card, instant};

/// More events than a test writes.
const ALL: usize = 100_000;
/// Random histories of a short run.
const HISTORIES: u32 = 4;

/// What live rows show of the trips after each event: the events are written once more, one by one, into a log of their own.
async fn shown_live(events: &[StoredEvent]) -> BTreeMap<Position, Vec<Option<BookingView>>> {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let mut shown = BTreeMap::new();
    for event in events {
        let occurred_at = event.occurred_at().expect("readable");
        house.now = occurred_at - TimeDelta::seconds(1);
        let position = house.append_raw(event.stream, &event.event_type, event.payload.to_string()).await;
        assert_eq!(position, event.position, "the same places");
        house.catch_up(&reads).await;
        shown.insert(position, all(|trip| reads.booking(trip)).await);
    }
    shown
}

/// The trips of a history as they are read.
async fn all<F: Future<Output = Result<Option<BookingView>, ReadError>>>(
    read: impl Fn(BookingId) -> F,
) -> Vec<Option<BookingView>> {
    let mut views = Vec::new();
    for number in 1..=TRIPS {
        views.push(read(trip(number)).await.expect("readable"));
    }
    views
}

/// At the moment at which each event was recorded the log tells what was shown after it.
async fn assert_told(
    reads: &Reads,
    events: &[StoredEvent],
    shown: &BTreeMap<Position, Vec<Option<BookingView>>>,
    when: &str,
) {
    for event in events {
        let told = all(|trip| reads.booking_as_of(trip, event.recorded_at)).await;
        let last = events.iter().rev().find(|other| other.recorded_at <= event.recorded_at).expect("itself");
        assert_eq!(told, shown[&last.position], "{when}, as of position {}", last.position);
    }
}

async fn hold(acts: &[Act]) {
    let mut house = House::new().await;
    let plan = house.offer(Supply { rooms: 2, seats: 2, vehicles: 1 }, card()).await;
    let (projectors, reads) = house.read().await;
    let (early, late) = acts.split_at(acts.len() / 2);
    for act in early {
        carry_out(&mut house, &plan, *act).await;
    }
    house.catch_up(&reads).await;
    projectors.stop().await;
    for act in late {
        carry_out(&mut house, &plan, *act).await;
    }
    let events = house.log.read_after(Position::START, ALL).await.expect("readable");
    let shown = shown_live(&events).await;
    assert_told(&reads, &events, &shown, "while the read model stands still half-way").await;

    let (_projectors, reads) = house.read().await;
    assert_told(&reads, &events, &shown, "while the read model is at the log's end").await;
    let end = all(|trip| reads.booking_as_of(trip, instant("9999-12-31T23:59:59Z"))).await;
    assert_eq!(end, all(|trip| reads.booking(trip)).await, "as of the head");
}

proptest! {
    #![proptest_config(Config { cases: HISTORIES * chaos(), failure_persistence: None, max_shrink_iters: 40, ..Config::default() })]

    #[test]
    fn at_every_moment_the_log_tells_what_the_live_rows_showed(acts in prop::collection::vec(act(), 8..28)) {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(hold(&acts));
    }
}

/// A trip of three parts that was booked and cancelled, read up to the end; the read model has let go.
async fn booked_and_cancelled() -> (House, BookingId, Projectors, Reads) {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    house.cancel(booking).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    (house, booking, projectors, reads)
}

async fn run(house: &House, statement: &str) {
    sqlx::raw_sql(statement).execute(&house.database.pool).await.expect("the statement runs");
}

async fn recorded_at(house: &House, position: Position) -> DateTime<Utc> {
    house.log.read_at(&[position]).await.expect("readable")[0].recorded_at
}

#[tokio::test(flavor = "multi_thread")]
async fn before_it_was_asked_for_there_is_no_trip() {
    let (house, booking, _projectors, reads) = booked_and_cancelled().await;
    let first = house.log.read_stream(booking.stream(), 0).await.expect("readable")[0].recorded_at;
    assert_eq!(reads.booking_as_of(booking, first - TimeDelta::microseconds(1)).await, Ok(None));
    assert!(reads.booking_as_of(booking, first).await.expect("readable").is_some());
    for moment in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        assert_eq!(reads.booking_as_of(trip(9), instant(moment)).await, Ok(None), "nobody knows it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_clock_that_was_set_back_hides_nothing_that_was_shown() {
    let (house, booking, _projectors, reads) = booked_and_cancelled().await;
    let events = house.log.read_after(Position::START, ALL).await.expect("readable");
    let [ahead, behind] = ["SeatsReserved", "VehicleReserved"]
        .map(|name| events.iter().find(|event| event.event_type == name).expect("it happened"));
    let wrong = behind.recorded_at + TimeDelta::days(400);
    let update =
        format!("UPDATE events SET recorded_at = '{}' WHERE position = {}", wrong.to_rfc3339(), ahead.position);
    run(&house, "ALTER TABLE events DISABLE TRIGGER events_are_final").await;
    run(&house, &update).await;

    let then = reads.booking_as_of(booking, behind.recorded_at).await.expect("readable").expect("it was there");
    assert_eq!(then.position, behind.position);
    assert!(then.timeline.iter().any(|line| line.position == ahead.position), "what was shown before is shown");
    let now = events.last().expect("an event").recorded_at;
    assert_eq!(reads.booking_as_of(booking, now).await, reads.booking(booking).await, "and now is now");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_wait_in_the_read_model_are_found_in_the_log() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (_projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    run(&house, "ALTER TABLE booking_timeline ADD CHECK (event_type <> 'VehicleReleased')").await;
    house.cancel(booking).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;

    let events = house.log.read_after(Position::START, ALL).await.expect("readable");
    let shown = shown_live(&events).await;
    let end = recorded_at(&house, house.last).await;
    let told = reads.booking_as_of(booking, end).await.expect("readable");
    assert_eq!(told, shown[&house.last][0], "what is parked is folded as what is not");
    assert_ne!(told, reads.booking(booking).await.expect("readable"), "the row waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_event_is_told_when_it_is_the_trips_and_only_then() {
    let (mut house, booking, projectors, reads) = booked_and_cancelled().await;
    let told = reads.booking(booking).await;
    projectors.stop().await;
    let events = house.log.read_after(Position::START, ALL).await.expect("readable");
    let hotel = events.iter().find(|event| event.stream.kind == StreamKind::Hotel).expect("a hotel").stream;
    let others = house.append_raw(hotel, "RoomsReserved", format!(r#"{{"RoomsReserved": "{}"}}"#, trip(2))).await;
    let end = recorded_at(&house, others).await;
    assert_eq!(reads.booking_as_of(booking, end).await, told, "another trip's");
    let own = house.append_raw(hotel, "RoomsReserved", format!(r#"{{"RoomsReserved": "{booking}"}}"#)).await;
    assert_eq!(reads.booking_as_of(booking, end).await, told, "before it");
    let end = recorded_at(&house, own).await;
    let failure = reads.booking_as_of(booking, end).await.expect_err("rather no answer than a wrong one");
    assert!(matches!(&failure, ReadError::Damaged(reason) if reason.contains(&format!("event {own}"))), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_that_is_too_far_behind_gives_no_answer_rather_than_a_wrong_one() {
    let (mut house, booking, projectors, reads) = booked_and_cancelled().await;
    projectors.stop().await;
    let reached = house.last;
    let jump = |by: u64| format!("SELECT setval(pg_get_serial_sequence('events', 'position'), {})", reached.0 + by);
    run(&house, &jump(TAIL_POSITIONS_MAX - 1)).await;
    house.request(2, "ada", "ada@example.org", house_plan(&house).await).await;
    let far = recorded_at(&house, house.last).await;
    assert_eq!(reads.booking_as_of(booking, far).await, reads.booking(booking).await, "all of it is searched");
    run(&house, &jump(TAIL_POSITIONS_MAX)).await;
    house.cancel(trip(2)).await;
    let behind = reads.booking_as_of(booking, far).await;
    assert!(matches!(behind, Err(ReadError::Behind { wanted, .. }) if wanted == house.last), "{behind:?}");
    assert!(reads.booking_as_of(trip(2), far).await.expect("readable").is_some(), "a trip begun since needs less");
}

async fn house_plan(house: &House) -> TripPlan {
    use traveladvisor_domain::aggregate::Event;
    use traveladvisor_domain::booking::BookingEvent;
    let first = &house.log.read_stream(trip(1).stream(), 0).await.expect("readable")[0];
    match first.decode().expect("readable").into_parts().0 {
        Event::Booking(BookingEvent::BookingRequested { plan, .. }) => plan,
        other => panic!("{other:?}"),
    }
}
