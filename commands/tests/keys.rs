//! What an idempotency key promises, over time and over processes, and what an event tells of the request that caused it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use traveladvisor_commands::engine::limits::{KEYS_FORGOTTEN_AT_ONCE_MAX, KEYS_KEPT};
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_commands::{CallerCommand, Request};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::CAUSED_BY_REQUEST;

use crate::support::{AT_LAST, World, book, metadata, request, trip};
use crate::timers::SetForward;

/// What is promised to callers.
const PROMISED: TimeDelta = TimeDelta::hours(24);

fn flight_only() -> CallerCommand {
    book(TripRequest { hotel: None, car: None, ..trip(PaymentPlan::None) })
}

async fn keys(world: &World) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM idempotency_keys");
    count.fetch_one(world.log.pool()).await.expect("counted")
}

/// Waits until no more keys than these are left.
async fn forgotten_to(world: &World, left: i64) {
    let forgotten = async {
        while keys(world).await > left {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, forgotten).await.expect("old keys go, all of them");
}

/// The same world whose delivering engine has just begun, on this clock.
async fn begin_again(world: &mut World, clock: &std::sync::Arc<SetForward>) {
    let ports = Ports { clock: clock.clone(), ..world.next_ports() };
    world.restart_with(ports, Delivery::Here, Faults::default()).await;
}

#[tokio::test]
async fn a_key_stands_longer_than_a_day_and_is_forgotten_at_last_with_all_that_are_as_old() {
    let mut world = World::begin(Delivery::Here).await;
    let clock = SetForward::new();
    begin_again(&mut world, &clock).await;
    let first = world.submit(flight_only(), Some("key")).await.expect("booked");
    let many = i64::try_from(2 * KEYS_FORGOTTEN_AT_ONCE_MAX + 1).expect("a number");
    sqlx::query(
        "INSERT INTO idempotency_keys SELECT 'tests', 'book_trip', 'old' || n, '', subject, position, created_at \
           FROM idempotency_keys, generate_series(1, $1) n",
    )
    .bind(many)
    .execute(world.log.pool())
    .await
    .expect("more keys");
    clock.by(KEYS_KEPT - TimeDelta::hours(1));
    assert!(KEYS_KEPT - TimeDelta::hours(1) > PROMISED);
    // One that is over tells by going that the others were looked at.
    sqlx::query(
        "INSERT INTO idempotency_keys SELECT 'tests', 'book_trip', 'ancient', '', subject, position, created_at - interval '1 day' \
           FROM idempotency_keys WHERE key = 'key'",
    )
    .execute(world.log.pool())
    .await
    .expect("an ancient key");
    begin_again(&mut world, &clock).await;
    world.submit(flight_only(), Some("another")).await.expect("booked");
    forgotten_to(&world, many + 2).await;
    assert_eq!(keys(&world).await, many + 2, "nothing is forgotten before its time");
    let again = world.submit(flight_only(), Some("key")).await.expect("known");
    assert_eq!((again.subject, again.changed), (first.subject, false));

    clock.by(TimeDelta::hours(2));
    begin_again(&mut world, &clock).await;
    forgotten_to(&world, 1).await;
    assert_eq!(keys(&world).await, 1, "that of an hour ago stays");
    let new = world.submit(flight_only(), Some("key")).await.expect("booked anew");
    assert!(new.changed && new.subject != first.subject);
}

#[tokio::test]
async fn a_key_sent_twenty_times_to_two_processes_makes_one_booking() {
    let mut world = World::begin(Delivery::Here).await;
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let engines = [world.engine.clone(), second];
    let asked = (0..20).map(|number| engines[number % 2].submit(request(flight_only(), Some("twenty"))));
    let receipts: Vec<_> =
        futures::future::join_all(asked).await.into_iter().map(|answer| answer.expect("accepted")).collect();
    let bookings: BTreeSet<String> = receipts.iter().map(|receipt| receipt.subject.to_string()).collect();
    assert_eq!(bookings.len(), 1, "{receipts:?}");
    assert_eq!(receipts.iter().filter(|receipt| receipt.changed).count(), 1, "one of them did it");
    let positions: BTreeSet<u64> = receipts.iter().map(|receipt| receipt.position.0).collect();
    assert_eq!(positions.len(), 1, "and all hear the same place");
    let events = world.events().await;
    assert_eq!(events.iter().filter(|event| event.event_type == "BookingRequested").count(), 1);
    running.stop().await;
}

#[tokio::test]
async fn who_expected_another_version_hears_where_the_present_one_can_be_read() {
    let world = World::begin(Delivery::Here).await;
    let booking = BookingId(world.submit(flight_only(), Some("key")).await.expect("booked").subject.uuid);
    world.until(booking, &["SagaSucceeded"]).await;
    let cancel = CallerCommand::CancelBooking { booking, reason: None };
    let asked = Request { expected_version: Some(1), ..request(cancel, None) };
    let refused = world.engine.submit(asked).await.expect_err("another version");
    assert_eq!(refused.code, Code::VersionConflict);
    let of_booking: Vec<_> =
        world.events().await.into_iter().filter(|event| event.stream == booking.stream()).collect();
    let last = of_booking.last().expect("events");
    assert!(refused.message.contains(&last.sequence.to_string()), "{}", refused.message);
    assert_eq!(refused.seen_at, Some(last.position));
}

#[tokio::test]
async fn what_a_caller_has_caused_bears_the_request_and_what_follows_its_messages() {
    let world = World::begin(Delivery::Here).await;
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let asked = Request { request_id: Some(id.to_owned()), ..request(flight_only(), Some("key")) };
    let booking = BookingId(world.engine.submit(asked).await.expect("booked").subject.uuid);
    world.until(booking, &["SagaSucceeded"]).await;
    let trip = booking.to_string();
    let causes: Vec<_> = world
        .events()
        .await
        .iter()
        .map(|event| (event.event_type.to_string(), metadata(event)))
        .filter(|(_, metadata)| metadata.correlation == trip)
        .map(|(name, metadata)| (name, metadata.causation.unwrap_or_default()))
        .collect();
    let request = format!("{CAUSED_BY_REQUEST}{id}");
    for (name, cause) in &causes {
        assert_eq!(*cause == request, name == "BookingRequested", "{causes:?}");
        assert!(!cause.is_empty(), "everything has a cause: {causes:?}");
    }
}
