//! Snapshots: written by a rule, used instead of old events, and never trusted blindly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use traveladvisor_commands::engine::limits::SNAPSHOT_EVENTS_MIN;
use traveladvisor_commands::engine::{Delivery, Faults};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::hotel::HotelCommand;
use traveladvisor_domain::id::StreamKind;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::{StoredSnapshot, decode_state};

use crate::crowd::HeldBack;
use crate::support::{AT_LAST, World, allot, decoded, hotel_id, request};

/// Lets the hotel have so many events more, the last of which puts so many rooms on sale.
async fn busy(world: &World, events: u64, rooms: u32) {
    for n in 0..events {
        let rooms = if n + 1 == events { rooms } else { u32::try_from(10 + n % 2).expect("small") };
        world.submit(allot(rooms), None).await.expect("changed");
    }
}

async fn snapshot(world: &World) -> Option<StoredSnapshot> {
    world.log.read_from_snapshot(hotel_id().stream(), 0).await.expect("read").snapshot
}

/// Makes what the hotel's first event says unreadable, as no program could: only what goes on from a snapshot can still be read.
async fn spoil_first_event(world: &World) {
    let mut connection = world.log.pool().acquire().await.expect("a connection");
    for sql in [
        "ALTER TABLE events DISABLE TRIGGER events_are_final",
        "UPDATE events SET payload = '{}' WHERE aggregate_type = 'hotel' AND sequence = 1",
        "ALTER TABLE events ENABLE TRIGGER events_are_final",
    ] {
        sqlx::query(sql).execute(&mut *connection).await.expect("spoiled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_hotel_is_kept_by_the_rule_and_an_idle_one_is_not() {
    let world = World::begin(Delivery::Here).await;
    // Its listing is the first event.
    busy(&world, SNAPSHOT_EVENTS_MIN - 2, 9).await;
    assert_eq!(snapshot(&world).await, None, "too few events to be worth it");
    busy(&world, 1, 12).await;
    let first = snapshot(&world).await.expect("now it is worth it");
    assert_eq!(first.sequence, SNAPSHOT_EVENTS_MIN);
    busy(&world, 2 * SNAPSHOT_EVENTS_MIN, 13).await;
    let rows: (i64, i64) = sqlx::query_as("SELECT current_snapshot, count(*) OVER () FROM snapshots")
        .fetch_one(world.log.pool())
        .await
        .expect("read");
    assert_eq!(rows, (3, 1), "the hotel's third, and nobody else's");
    // It is what its events say.
    let kept = snapshot(&world).await.expect("kept");
    let mut replayed = traveladvisor_domain::aggregate::Aggregate::empty(StreamKind::Hotel);
    for stored in world.log.read_stream(hotel_id().stream(), 0).await.expect("read") {
        if stored.sequence <= kept.sequence {
            assert!(replayed.apply(&decoded(&stored)));
        }
    }
    assert_eq!(decode_state(StreamKind::Hotel, &kept.payload), Some(replayed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_written_once_though_the_next_batch_was_decided_before_it_stood() {
    let decided = Arc::new(AtomicUsize::new(0));
    let counted = decided.clone();
    let faults = Faults::default().panic_when(move |_, command| {
        let is_one = matches!(command, Command::Hotel(HotelCommand::ChangeAllotment { .. }));
        counted.fetch_add(usize::from(is_one), Ordering::Relaxed);
        false
    });
    let world = World::begin_with(Delivery::Elsewhere, faults).await;
    busy(&world, SNAPSHOT_EVENTS_MIN - 2, 9).await;
    let mut held_back = HeldBack::hold(&world.log).await;
    let before = decided.load(Ordering::Relaxed);
    let ask = |rooms| {
        let engine = world.engine.clone();
        tokio::spawn(async move { engine.submit(request(allot(rooms), None)).await })
    };
    let first = ask(5);
    held_back.until_an_append_waits().await;
    let second = ask(6);
    let both_decided = async {
        while decided.load(Ordering::Relaxed) < before + 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(AT_LAST, both_decided).await.expect("decided while the first is on its way");
    held_back.let_go().await;
    for answer in [first, second] {
        answer.await.expect("answered").expect("changed");
    }
    let rows: (i64, i64) = sqlx::query_as("SELECT current_snapshot, last_sequence FROM snapshots")
        .fetch_one(world.log.pool())
        .await
        .expect("read");
    assert_eq!(rows, (1, i64::try_from(SNAPSHOT_EVENTS_MIN).expect("small")), "the first, and not once more");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_snapshot_and_the_rest_are_read_and_nothing_before() {
    let mut world = World::begin(Delivery::Here).await;
    busy(&world, SNAPSHOT_EVENTS_MIN, 1).await;
    assert!(snapshot(&world).await.is_some());
    spoil_first_event(&world).await;
    world.restart(Delivery::Here).await;
    // One room is on sale for these nights: the first trip gets it, the second is refused when all was read rightly.
    let first = world.book("k1", PaymentPlan::None).await.expect("booked");
    assert!(world.story(first).await.contains(&"RoomsReserved".to_owned()));
    let second = world.book("k2", PaymentPlan::None).await.expect("accepted");
    assert!(world.until(second, &["SagaCompensated"]).await.contains(&"RoomsRefused".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_an_unknown_shape_is_ignored_and_replaced() {
    let mut world = World::begin(Delivery::Here).await;
    busy(&world, SNAPSHOT_EVENTS_MIN, 1).await;
    let kept = snapshot(&world).await.expect("kept").sequence;
    for payload in [r#"{"Listed":{"version":999}}"#, r#"{"of":"a program that is not there yet"}"#, "null"] {
        sqlx::query("UPDATE snapshots SET payload = $1::json")
            .bind(payload)
            .execute(world.log.pool())
            .await
            .expect("written");
        world.restart(Delivery::Here).await;
        world.submit(allot(7), None).await.expect("the whole stream tells");
        let replaced = snapshot(&world).await.expect("kept");
        assert!(replaced.sequence > kept && replaced.payload != payload, "the next event brings a readable one");
        world.submit(allot(8), None).await.expect("changed");
    }
    spoil_first_event(&world).await;
    sqlx::query("UPDATE snapshots SET payload = 'null'").execute(world.log.pool()).await.expect("written");
    world.restart(Delivery::Here).await;
    let refused = world.submit(allot(9), None).await.expect_err("neither snapshot nor stream can be read");
    assert_eq!(refused.code, Code::Internal);
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_hold_nothing_of_who_travels() {
    let world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", PaymentPlan::None).await.expect("booked");
    busy(&world, SNAPSHOT_EVENTS_MIN, 5).await;
    let payload = snapshot(&world).await.expect("kept").payload;
    assert!(payload.contains(&booking.to_string()), "the trip is in it: {payload}");
    for personal in ["traveller@example.com", "A. Traveller", "7946"] {
        assert!(!payload.contains(personal), "{payload}");
    }
}
