//! What is in memory is bounded, follows the log, and never decides wrongly.

use std::time::Duration;

use traveladvisor_commands::engine::limits::SNAPSHOT_EVENTS_MIN;
use traveladvisor_commands::engine::{Delivery, Faults, RunningEngine};
use traveladvisor_commands::{CallerCommand, Engine};
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_domain::id::{HotelId, StreamKind};
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::{EventLog, decode_state};

use crate::support::{AT_LAST, World, allot, book, card, count, decoded, hotel, request, trip};

/// Hotels of the tests that need many.
const HOTELS: usize = 60;

fn numbered(n: usize) -> CallerCommand {
    CallerCommand::UpsertHotel(HotelDetails { code: format!("N{n}"), ..hotel(1) })
}

/// A trip to that hotel only, which has one room.
fn trip_to(n: usize) -> CallerCommand {
    let mut wanted = trip(PaymentPlan::None);
    (wanted.flight, wanted.car) = (None, None);
    if let Some(rooms) = &mut wanted.hotel {
        rooms.hotel = HotelId::of("own", &format!("N{n}"));
    }
    book(wanted)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(AT_LAST, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_and_what_had_to_go_is_decided_rightly_when_it_comes_back() {
    let bytes_max = 64 << 10;
    let world = World::begin_with(Delivery::Here, Faults::default().cache_bytes_max(bytes_max)).await;
    for n in 0..HOTELS {
        world.submit(numbered(n), None).await.expect("listed");
    }
    // Each hotel is asked for in turn, so each was forgotten since it was listed: its one room is sold once.
    for round in 0..2 {
        for n in 0..HOTELS {
            let key = format!("{round}-{n}");
            world.submit(trip_to(n), Some(&key)).await.expect("accepted");
            // What was touched by the last commit is never dropped: a trip and its hotel.
            assert!(world.engine.gauges().cached_bytes() <= bytes_max + (16 << 10), "{:?}", world.engine.gauges());
        }
    }
    let gauges = world.engine.gauges();
    assert!(gauges.evicted() > HOTELS as u64, "{gauges:?}");
    assert_eq!(gauges.conflicts(), 0, "what was loaded again was loaded as it stands");
    let events = world.events().await;
    assert_eq!(count(&events, StreamKind::Hotel, "RoomsReserved"), HOTELS);
    assert_eq!(count(&events, StreamKind::Hotel, "RoomsRefused"), HOTELS);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_hardly_any_memory_every_trip_still_comes_to_its_end() {
    let world = World::begin_with(Delivery::Here, Faults::default().cache_bytes_max(1)).await;
    let callers = (0..24).map(|n| {
        let engine = world.engine.clone();
        tokio::spawn(async move {
            let payment = if n % 2 == 0 { card("approves") } else { PaymentPlan::None };
            engine.submit(request(book(trip(payment)), Some(&format!("k{n}")))).await.expect("accepted").subject
        })
    });
    for caller in futures::future::join_all(callers).await {
        let booking = traveladvisor_domain::id::BookingId(caller.expect("answered").uuid);
        world.until(booking, &["SagaSucceeded", "SagaCompensated"]).await;
    }
    let events = world.events().await;
    assert_eq!(count(&events, StreamKind::Car, "VehicleReserved"), 1, "the only vehicle is sold once");
    assert_eq!(count(&events, StreamKind::TripSaga, "SagaSucceeded"), 1);
    assert!(world.engine.gauges().evicted() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_trips_make_room_before_any_hotel_has_to_go() {
    let bytes_max = 256 << 10;
    let world = World::begin_with(Delivery::Here, Faults::default().cache_bytes_max(bytes_max)).await;
    for n in 0..10 {
        world.submit(numbered(n), None).await.expect("listed");
    }
    // Far more trips than there is room for, all to one hotel; the others are touched no more.
    for n in 0..200 {
        world.submit(trip_to(0), Some(&n.to_string())).await.expect("accepted");
    }
    assert!(world.engine.gauges().evicted() > 100, "{:?}", world.engine.gauges());
    // From now on a hotel can only be had from memory.
    spoil_hotels(&world).await;
    for n in 1..10 {
        world.submit(trip_to(n), Some(&format!("last-{n}"))).await.expect("the hotel is in memory");
    }
}

/// No hotel can be loaded any more; those in memory are as before.
async fn spoil_hotels(world: &World) {
    let mut connection = world.log.pool().acquire().await.expect("a connection");
    for sql in [
        "ALTER TABLE events DISABLE TRIGGER events_are_final",
        "UPDATE events SET payload = '{}' WHERE aggregate_type = 'hotel'",
        "ALTER TABLE events ENABLE TRIGGER events_are_final",
    ] {
        sqlx::query(sql).execute(&mut *connection).await.expect("spoiled");
    }
}

/// An engine with a log of its own, as another process has it: it hears of appends through the server only.
async fn other_process(world: &mut World, faults: Faults) -> (Engine, RunningEngine) {
    let log = EventLog::new("public", world.log.pool().clone());
    // Listens as long as the test lasts.
    log.listen();
    Engine::start_with_faults(log, world.next_ports(), Delivery::Elsewhere, faults).await.expect("the engine starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_did_is_known_here_without_a_conflict() {
    let mut world = World::begin(Delivery::Here).await;
    let (other, running) = other_process(&mut world, Faults::default()).await;
    // Both have the hotel in memory from now on.
    other.submit(request(allot(1), None)).await.expect("changed");
    let done = world.submit(allot(2), None).await.expect("changed");
    until("the other process knows of it", || other.gauges().known_to() >= done.position).await;
    let before = (world.engine.gauges().conflicts(), other.gauges().conflicts());
    for round in 0..10u32 {
        let done = other.submit(request(allot(30 + round), None)).await.expect("changed there");
        // This process does not listen; its relay looks at intervals.
        until("this process knows of it", || world.engine.gauges().known_to() >= done.position).await;
        let done = world.submit(allot(10 + round), None).await.expect("changed here");
        until("the other process knows of it", || other.gauges().known_to() >= done.position).await;
    }
    assert_eq!((world.engine.gauges().conflicts(), other.gauges().conflicts()), before, "nobody was surprised");
    assert_eq!(count(&world.events().await, StreamKind::Hotel, "AllotmentChanged"), 22);
    // And what is decided on it is right: the last room of both is one.
    world.submit(allot(1), None).await.expect("changed");
    for (n, engine) in [&world.engine, &other, &world.engine, &other].into_iter().enumerate() {
        let wanted = trip(PaymentPlan::None);
        engine.submit(request(book(wanted), Some(&format!("k{n}")))).await.expect("accepted");
    }
    assert_eq!(count(&world.events().await, StreamKind::Hotel, "RoomsReserved"), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_alone_reads_none_of_its_own_events_back() {
    let world = World::begin(Delivery::Here).await;
    for n in 0..30 {
        world.submit(allot(10 + n), None).await.expect("changed");
    }
    assert_eq!((world.engine.gauges().followed(), world.engine.gauges().conflicts()), (0, 0));
}

/// The clients of two processes that share a hotel, and what each asks for.
const CLIENTS: usize = 8;
const COMMANDS_EACH: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_with_hardly_any_memory_sell_each_room_once_and_keep_true_snapshots() {
    let small = || Faults::default().cache_bytes_max(32 << 10);
    let mut world = World::begin_with(Delivery::Here, small()).await;
    world.submit(numbered(0), None).await.expect("listed");
    let (other, running) = other_process(&mut world, small()).await;
    let clients = (0..CLIENTS).map(|client| {
        let engine = if client % 2 == 0 { world.engine.clone() } else { other.clone() };
        tokio::spawn(async move {
            for n in 0..COMMANDS_EACH {
                let key = format!("{client}-{n}");
                let command = if n % 10 == 9 { trip_to(0) } else { other_nights(client, n) };
                let key = matches!(command, CallerCommand::BookTrip { .. }).then_some(key.as_str());
                // A client that meets others too often asks again.
                while let Err(refused) = engine.submit(request(command.clone(), key)).await {
                    assert_eq!(refused.code, Code::Conflict, "{refused:?}");
                }
            }
        })
    });
    for client in futures::future::join_all(clients).await {
        client.expect("all was answered");
    }
    running.stop().await;
    world.stop().await;
    let events = world.events().await;
    assert_eq!(count(&events, StreamKind::Hotel, "RoomsReserved"), 1, "the hotel has one room");
    let stream = HotelId::of("own", "N0").stream();
    let kept = world.log.read_from_snapshot(stream, 0).await.expect("read").snapshot.expect("it was busy");
    assert!(kept.sequence >= SNAPSHOT_EVENTS_MIN);
    let mut replayed = Aggregate::empty(StreamKind::Hotel);
    for stored in world.log.read_stream(stream, 0).await.expect("read") {
        if stored.sequence <= kept.sequence {
            assert!(replayed.apply(&decoded(&stored)));
        }
    }
    assert_eq!(decode_state(StreamKind::Hotel, &kept.payload), Some(replayed), "the snapshot is what its events say");
}

/// Rooms on sale for nights that no trip wants; no two such commands are the same.
fn other_nights(client: usize, n: usize) -> CallerCommand {
    let date = |text: &str| text.parse().expect("a date");
    CallerCommand::ChangeAllotment {
        hotel: HotelId::of("own", "N0"),
        room_type: "DBL".into(),
        from: date("2025-03-01"),
        to: date("2025-03-08"),
        rooms: Some(u32::try_from(client * COMMANDS_EACH + n + 1).expect("small")),
        stop_sell: None,
    }
}
