//! The whole log, checked: a sound one is found sound, also while it is written, and every kind of damage is found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::audit::{Audit, Damage, audit};
use traveladvisor_commands::engine::{Delivery, Faults};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::id::StreamKind;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::RELAY;

use crate::crowd::list_plenty;
use crate::support::{World, card};

async fn check(world: &World) -> Audit {
    let mut told = Vec::new();
    let audit = audit(&world.log, |through, head| told.push((through, head))).await.expect("the log is read");
    assert!(told.last().is_none_or(|(through, head)| through == head), "it says when it has come to the end");
    audit
}

/// The kinds of damage that there are, with how many of each.
fn kinds(audit: &Audit) -> Vec<(Damage, u64)> {
    Damage::ALL.into_iter().zip(audit.counts).filter(|(_, count)| *count > 0).collect()
}

async fn run(world: &World, statement: &str) {
    sqlx::raw_sql("ALTER TABLE events DISABLE TRIGGER events_are_final").execute(world.log.pool()).await.expect("done");
    sqlx::raw_sql(statement).execute(world.log.pool()).await.expect("the statement runs");
}

/// Trips that went well, were cancelled, came through the relay, and one whose letters brought it on.
async fn eventful() -> World {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 50).await;
    let stands = world.book("stands", PaymentPlan::None).await.expect("booked");
    world.until(stands, &["SagaSucceeded"]).await;
    for (number, follow_ups) in [0, 1, 2, 5, 9].into_iter().enumerate() {
        let ports = world.next_ports();
        world.restart_with(ports, Delivery::Here, Faults::default().follow_ups_max(follow_ups)).await;
        let trip = world.book(&format!("k{number}"), card("approves")).await.expect("booked");
        world.until(trip, &["SagaSucceeded"]).await;
        let cancel = CallerCommand::CancelBooking { booking: trip, reason: None };
        world.submit(cancel, None).await.expect("cancelled");
        world.until(trip, &["SagaCompensated"]).await;
    }
    let ports = world.next_ports();
    let guilty = Faults::default().panic_when(|_, command| matches!(command, Command::Flight(_)));
    world.restart_with(ports, Delivery::Here, guilty).await;
    let set_aside = world.book("set aside", PaymentPlan::None).await.expect("booked");
    world.until(set_aside, &["StepFaulted", "StepRefused", "AttentionNeeded"]).await;
    world.stop().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_log_is_found_sound() {
    let world = eventful().await;
    let audit = check(&world).await;
    assert!(audit.is_clean(), "{:#?}", audit.findings);
    assert_eq!(audit.events, world.events().await.len() as u64);
    assert!(audit.messages > 100 && audit.set_aside > 0 && audit.wakeups > 0 && audit.streams > 15, "{audit:?}");
}

/// Looks at a log that grows meanwhile.
const CHECKS: usize = 20;
/// Trips meanwhile, at most.
const TRIPS_MAX: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_being_written_is_found_sound_at_every_moment() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 200).await;
    let ports = world.next_ports();
    world.restart_with(ports, Delivery::Here, Faults::default().follow_ups_max(2)).await;
    let world = Arc::new(world);
    let is_over = Arc::new(AtomicBool::new(false));
    let (travelling, over) = (world.clone(), is_over.clone());
    let travellers = tokio::spawn(async move {
        for number in (0..TRIPS_MAX).take_while(|_| !over.load(Ordering::Relaxed)) {
            travelling.book(&number.to_string(), card("approves")).await.expect("booked");
        }
    });
    for _ in 0..CHECKS {
        let audit = check(&world).await;
        assert!(audit.is_clean(), "after {} events: {:#?}", audit.events, audit.findings);
    }
    is_over.store(true, Ordering::Relaxed);
    travellers.await.expect("all travelled");
    let audit = check(&world).await;
    assert!(audit.is_clean() && audit.events > 0, "after {} events: {:#?}", audit.events, audit.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_damage_to_events_is_found_at_its_place() {
    let world = eventful().await;
    let last = |name: &str| format!("(SELECT max(position) FROM events WHERE event_type = '{name}')");
    let middle = "(SELECT min(position) FROM events WHERE event_type = 'SagaStarted')";
    let damages = [
        (format!("DELETE FROM events WHERE position = {middle}"), vec![(Damage::Sequence, 1)]),
        (
            format!(
                "UPDATE events SET payload = '{{\"RoomsReleased\":{{\"who\":\"Ada\"}}}}' WHERE position = {}",
                last("RoomsReleased")
            ),
            vec![(Damage::Unreadable, 1)],
        ),
        (
            format!("UPDATE events SET event_version = '7' WHERE position = {}", last("SeatsReleased")),
            vec![(Damage::Unreadable, 2)],
        ),
        (
            format!(
                "UPDATE events SET metadata = '{{\"occurred_at\":\"Ada\"}}' WHERE position = {}",
                last("VehicleReleased")
            ),
            vec![(Damage::Unreadable, 3)],
        ),
    ];
    for (statement, expected) in damages {
        run(&world, &statement).await;
        let audit = check(&world).await;
        for kind in expected {
            assert!(kinds(&audit).contains(&kind), "{statement}: {:#?}", audit.findings);
        }
        assert!(audit.findings.iter().all(|finding| !finding.what.contains("Ada")), "no payload is told");
        assert!(audit.findings.iter().any(|finding| finding.position.is_some() && finding.stream.is_some()));
    }
    run(&world, "UPDATE events SET aggregate_id = 'nonsense' WHERE position = (SELECT max(position) FROM events)")
        .await;
    assert!(kinds(&check(&world).await).contains(&(Damage::Order, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn sequences_that_do_not_ascend_with_the_positions_are_found() {
    let world = eventful().await;
    let swapped = "UPDATE events SET sequence = 1000 - sequence WHERE aggregate_type = 'booking' AND sequence = 2 \
           AND aggregate_id = (SELECT max(aggregate_id) FROM events WHERE event_type = 'BookingCancelled')";
    run(&world, swapped).await;
    let audit = check(&world).await;
    assert!(kinds(&audit).iter().any(|(damage, _)| *damage == Damage::Sequence), "{:#?}", audit.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_relay_passed_and_nobody_handled_is_found_and_no_other() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    list_plenty(&world, 50).await;
    let sound = check(&world).await;
    assert!(sound.is_clean(), "{:#?}", sound.findings);
    // One trip each that stops after so many messages: all wait for the relay.
    for follow_ups in 0..9 {
        let ports = world.next_ports();
        world.restart_with(ports, Delivery::Elsewhere, Faults::default().follow_ups_max(follow_ups)).await;
        world.book(&format!("k{follow_ups}"), card("approves")).await.expect("booked");
    }
    world.stop().await;
    let waiting = check(&world).await;
    assert!(waiting.is_clean(), "what the relay has not come to is not lost: {:#?}", waiting.findings);
    let skipped = format!(
        "INSERT INTO consumed_offsets SELECT '{RELAY}', max(position) FROM events \
             ON CONFLICT (source) DO UPDATE SET \"offset\" = excluded.\"offset\""
    );
    run(&world, &skipped).await;
    let lost = check(&world).await;
    assert_eq!(kinds(&lost), [(Damage::Undelivered, 9)], "{:#?}", lost.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn wake_ups_that_are_missing_moved_or_asked_for_by_nobody_are_found() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    list_plenty(&world, 50).await;
    let ended = world.book("ended", PaymentPlan::None).await.expect("booked");
    let ports = world.next_ports();
    world.restart_with(ports, Delivery::Elsewhere, Faults::default().follow_ups_max(2)).await;
    let waits = world.book("waits", PaymentPlan::None).await.expect("booked");
    world.stop().await;
    let sound = check(&world).await;
    assert!(sound.is_clean() && sound.wakeups == 1, "{sound:#?}");
    let saga = waits.saga();
    assert_eq!(saga.kind, StreamKind::TripSaga);
    for (damage, mended, stream) in [
        (
            "UPDATE wakeups SET due_at = due_at + interval '1 day'",
            "UPDATE wakeups SET due_at = due_at - interval '1 day'",
            saga,
        ),
        (
            &*format!("INSERT INTO wakeups VALUES ('trip_saga', '{}', 'retry', now())", ended.saga()),
            &*format!("DELETE FROM wakeups WHERE aggregate_id = '{}'", ended.saga()),
            ended.saga(),
        ),
        ("DELETE FROM wakeups", "SELECT 1", saga),
    ] {
        run(&world, damage).await;
        let found = check(&world).await;
        assert_eq!(kinds(&found), [(Damage::Wakeup, 1)], "{damage}: {:#?}", found.findings);
        assert_eq!(found.findings[0].stream, Some(stream));
        run(&world, mended).await;
    }
}
