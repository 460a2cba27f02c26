//! What callers and operators would miss if the engine were wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::limits::{DEAD_LETTER_PAUSE, STOP_DEADLINE};
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_infra::clock::Clock;

use crate::crowd::THIRTEEN;
use crate::support::{AT_LAST, World, book, card, count, decoded, hotel, metadata, request, trip};
use crate::timers::SetForward;

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_paid_at_the_counter_is_thirteen_events_in_one_commit() {
    let world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", PaymentPlan::None).await.expect("booked");
    assert_eq!(world.story(booking).await, THIRTEEN);
    let events = world.events().await;
    let trip: Vec<_> = events.iter().filter(|event| metadata(event).correlation == booking.to_string()).collect();
    let batches: BTreeSet<_> = trip.iter().map(|event| metadata(event).batch).collect();
    assert_eq!(batches.len(), 1, "one append");
    // Every event that causes a message is marked, so that the relay delivers none of them again.
    for event in &trip[..trip.len() - 1] {
        let causes = !traveladvisor_domain::message::messages(event.stream, &decoded(event)).is_empty();
        assert_eq!(metadata(event).is_fused(0), causes, "{}", event.event_type);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_charged_once_the_request_is_durable_and_its_answer_makes_the_second_commit() {
    let world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", card("approves")).await.expect("booked");
    assert_eq!(world.until(booking, &["SagaSucceeded"]).await, THIRTEEN);
    let events = world.events().await;
    let batches: Vec<String> = events
        .iter()
        .map(metadata)
        .filter(|metadata| metadata.correlation == booking.to_string())
        .map(|metadata| metadata.batch)
        .collect();
    assert!(batches[..9].iter().all(|batch| *batch == batches[0]), "events 1 to 9 are the first commit");
    assert!(batches[9..].iter().all(|batch| *batch == batches[9]), "events 10 to 13 are the second");
    assert_ne!(batches[0], batches[9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_gives_everything_back_in_reverse() {
    let world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", card("declines")).await.expect("accepted");
    let story = world.until(booking, &["SagaCompensated"]).await;
    assert_eq!(
        story[9..],
        [
            "PaymentFailed",
            "StepRefused",
            "VehicleReleased",
            "UndoSucceeded",
            "SeatsReleased",
            "UndoSucceeded",
            "RoomsReleased",
            "UndoSucceeded",
            "BookingCancelled",
            "SagaCompensated"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_car_is_the_story_of_the_design() {
    let world = World::begin(Delivery::Here).await;
    world.book("k1", PaymentPlan::None).await.expect("the only vehicle");
    let booking = world.book("k2", PaymentPlan::None).await.expect("accepted");
    let story = world.story(booking).await;
    assert_eq!(
        story[6..],
        [
            "VehicleRefused",
            "StepRefused",
            "SeatsReleased",
            "UndoSucceeded",
            "RoomsReleased",
            "UndoSucceeded",
            "BookingCancelled",
            "SagaCompensated"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_tried_three_times_in_all_by_wake_ups() {
    let world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", card("processing_error")).await.expect("accepted");
    let story = world.until(booking, &["SagaCompensated"]).await;
    let times = |name: &str| story.iter().filter(|event| *event == name).count();
    assert_eq!((times("PaymentRequested"), times("PaymentFaulted")), (3, 3));
    assert_eq!((times("StepFaulted"), times("StepRetried"), times("StepRefused")), (2, 2, 1));
    assert_eq!(world.log.next_wakeup().await.expect("read"), None, "no timer is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_trip_is_cancelled_forward_only() {
    let world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", card("approves")).await.expect("booked");
    world.until(booking, &["SagaSucceeded"]).await;
    let cancel = CallerCommand::CancelBooking { booking, reason: Some("changed my mind".into()) };
    let first = world.submit(cancel.clone(), None).await.expect("cancelled");
    let story = world.until(booking, &["SagaCompensated"]).await;
    assert_eq!(
        story[13..],
        [
            "CancellationRequested",
            "CancellationNoted",
            "VehicleReleased",
            "UndoSucceeded",
            "SeatsReleased",
            "UndoSucceeded",
            "RoomsReleased",
            "UndoSucceeded",
            "RefundRequested",
            "PaymentCancelled",
            "UndoSucceeded",
            "BookingCancelled",
            "SagaCompensated"
        ]
    );
    let again = world.submit(cancel, None).await.expect("so already");
    assert!(first.changed && !again.changed);
    assert_eq!(world.story(booking).await.len(), story.len(), "nothing was written again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_makes_one_booking_however_often_and_from_wherever() {
    let mut world = World::begin(Delivery::Here).await;
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let command = || request(book(trip(PaymentPlan::None)), Some("same"));
    let asked = (0..20).map(|n| if n % 2 == 0 { world.engine.clone() } else { second.clone() });
    let answers = futures::future::join_all(asked.map(async |engine| engine.submit(command()).await)).await;
    let subjects: BTreeSet<_> =
        answers.iter().map(|answer| answer.as_ref().expect("an answer").subject.to_string()).collect();
    assert_eq!(subjects.len(), 1);
    assert_eq!(count(&world.events().await, StreamKind::Booking, "BookingRequested"), 1);

    let other = world.submit(book(trip(PaymentPlan::Points)), Some("same")).await;
    assert_eq!(other.expect_err("another input").code, Code::IdempotencyKeyReused);
    // Sold out by now, yet the same key answers as before.
    assert_eq!(
        world.submit(book(trip(PaymentPlan::None)), Some("same")).await.expect("known").subject.to_string(),
        *subjects.first().expect("one")
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_never_oversell_and_never_refuse_falsely() {
    let mut world = World::begin(Delivery::Here).await;
    for command in [
        CallerCommand::UpsertHotel(hotel(25)),
        CallerCommand::UpsertFlight(crate::support::flight(40)),
        CallerCommand::UpsertCar(crate::support::car(40)),
    ] {
        world.submit(command, None).await.expect("listed");
    }
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let bookings = (0..40).map(|n| {
        let engine = if n % 2 == 0 { world.engine.clone() } else { second.clone() };
        async move { engine.submit(request(book(trip(PaymentPlan::None)), Some(&format!("k{n}")))).await }
    });
    for answer in futures::future::join_all(bookings).await {
        answer.expect("accepted");
    }
    let settled = async {
        loop {
            let events = world.events().await;
            let ended = count(&events, StreamKind::TripSaga, "SagaSucceeded")
                + count(&events, StreamKind::TripSaga, "SagaCompensated");
            if ended == 40 {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let events = tokio::time::timeout(Duration::from_mins(1), settled).await.expect("all sagas end");
    assert_eq!(count(&events, StreamKind::TripSaga, "SagaSucceeded"), 25, "every room is sold, none twice");
    assert_eq!(count(&events, StreamKind::Hotel, "RoomsRefused"), 15);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_the_field_and_leave_nothing() {
    let world = World::begin(Delivery::Here).await;
    let before = world.events().await.len();
    let refused = async |change: fn(&mut traveladvisor_domain::booking::quote::TripRequest)| {
        let mut wanted = trip(PaymentPlan::None);
        change(&mut wanted);
        let rejection = world.submit(book(wanted), Some("refused")).await.expect_err("refused");
        (rejection.code, rejection.path.join("."))
    };
    let unknown = refused(|wanted| wanted.hotel.as_mut().expect("there").hotel.0 = uuid::Uuid::nil()).await;
    assert_eq!(unknown, (Code::NotFound, "hotel.hotelId".to_owned()));
    let cabin = refused(|wanted| wanted.flight.as_mut().expect("there").cabin = "ATTIC".into()).await;
    assert_eq!(cabin, (Code::UnknownCabin, "flight.cabin".to_owned()));
    let room_type = refused(|wanted| wanted.hotel.as_mut().expect("there").room_type = "X".into()).await;
    assert_eq!(room_type, (Code::UnknownRoomType, "hotel.roomType".to_owned()));
    let total = refused(|wanted| wanted.expected_total = Some(Money::new(1, Currency::GBP))).await;
    assert_eq!(total, (Code::PriceChanged, "expectedTotal".to_owned()));
    assert_eq!(world.events().await.len(), before);
    // A refused key is free: the corrected command may use it.
    world.book("refused", PaymentPlan::None).await.expect("accepted now");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_version_that_has_passed_is_refused_unless_it_is_so_already() {
    let world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", PaymentPlan::None).await.expect("booked");
    let cancel = |version| {
        let mut asked = request(CallerCommand::CancelBooking { booking, reason: None }, None);
        asked.expected_version = Some(version);
        world.engine.submit(asked)
    };
    assert_eq!(cancel(1).await.expect_err("it is 2 by now").code, Code::VersionConflict);
    cancel(2).await.expect("cancelled");
    assert!(!cancel(2).await.expect("so already").changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_verb_that_nothing_waits_for_is_refused_and_leaves_nothing() {
    let world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", PaymentPlan::None).await.expect("booked");
    let before = world.events().await.len();
    let resolve = |booking| {
        let (resolution, reason) = (Resolution::Retry, "it hangs".to_owned());
        world.submit(CallerCommand::ResolveSaga { booking, resolution, fingerprint: None, reason }, None)
    };
    let settled = resolve(booking).await.expect_err("it has ended");
    assert_eq!((settled.code, settled.path.join(".")), (Code::NotResolvable, "verb".to_owned()));
    let nobody = resolve(BookingId(uuid::Uuid::from_u128(9))).await.expect_err("there is none");
    assert_eq!((nobody.code, nobody.path.join(".")), (Code::NotFound, "bookingId".to_owned()));
    assert_eq!(world.events().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_and_sequences_have_no_holes_in_streams() {
    let world = World::begin(Delivery::Here).await;
    let bookings = (0..30).map(|n| world.engine.submit(request(book(trip(PaymentPlan::None)), Some(&format!("k{n}")))));
    let bookings: Vec<_> = bookings.collect();
    for answer in futures::future::join_all(bookings).await {
        answer.expect("accepted");
    }
    let mut sequences: BTreeMap<String, u64> = BTreeMap::new();
    for event in world.events().await {
        let last = sequences.entry(event.stream.to_string()).or_default();
        assert_eq!(event.sequence, *last + 1, "{}", event.stream);
        *last = event.sequence;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_postgres_refuses_fails_its_own_job_only() {
    let world = World::begin(Delivery::Here).await;
    world.submit(CallerCommand::UpsertHotel(hotel(50)), None).await.expect("listed");
    let mut bookings = Vec::new();
    for n in 0..40 {
        // A NUL cannot stand in a Postgres text, wherever the edge may have let it through.
        let key = if n == 17 { "guilty\u{0}".to_owned() } else { format!("k{n}") };
        bookings.push(world.engine.submit(request(book(trip(PaymentPlan::None)), Some(&key))));
    }
    for (n, answer) in futures::future::join_all(bookings).await.into_iter().enumerate() {
        match answer {
            Ok(_) => assert_ne!(n, 17),
            Err(rejection) => assert_eq!((n, rejection.code), (17, Code::Internal)),
        }
    }
    assert_eq!(count(&world.events().await, StreamKind::Booking, "BookingRequested"), 39);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_handled_becomes_a_dead_letter_and_its_saga_goes_on() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    let lost = world.book("k1", card("declines")).await.expect("accepted");
    // Somebody has written into the flight's stream what no program can read.
    world.spoil("flight").await;
    world.restart(Delivery::Here).await;
    let story = world.until(lost, &["UndoFaulted"]).await;
    assert!(story.contains(&"VehicleReleased".to_owned()), "what comes before the flight is given back: {story:?}");
    assert!(!story.contains(&"RoomsReleased".to_owned()), "an undo that is stuck holds back the earlier ones");
    let events = world.events().await;
    assert!(count(&events, StreamKind::DeadLetter, "MessageDeadLettered") >= 1);
    assert!(world.log.next_wakeup().await.expect("read").is_some(), "it is tried again");

    // Whoever needs that flight is told so at once; everybody else goes on.
    let refused = world.book("k2", PaymentPlan::None).await.expect_err("the flight cannot be read");
    assert_eq!(refused.code, Code::Internal);
    let mut wanted = trip(PaymentPlan::None);
    wanted.flight = None;
    wanted.car = None;
    world.submit(book(wanted), Some("k3")).await.expect("booked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_cannot_be_handled_is_set_aside_once_and_fires_on_until_it_can_be() {
    let mut world = World::begin(Delivery::Here).await;
    let booking = world.book("k1", card("processing_error")).await.expect("accepted");
    world.until(booking, &["StepFaulted"]).await;
    world.restart(Delivery::Elsewhere).await;
    world.spoil("trip_saga").await;
    let clock = SetForward::new();
    let ports = Ports { clock: clock.clone(), ..world.next_ports() };
    world.restart_with(ports, Delivery::Here, Faults::default()).await;
    let next = async || world.log.next_wakeup().await.expect("read").expect("it is not forgotten");
    let pause = TimeDelta::from_std(DEAD_LETTER_PAUSE).expect("short");
    for _ in 0..3 {
        let moved = async {
            while next().await < clock.now() + pause / 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(AT_LAST, moved).await.expect("it fires, and its next time is set");
        assert_eq!(count(&world.events().await, StreamKind::DeadLetter, "MessageDeadLettered"), 1);
        clock.by(pause);
    }
    // Another version of the program can read what this one could not.
    for sql in
        ["ALTER TABLE events DISABLE TRIGGER events_are_final", "DELETE FROM events WHERE event_type = 'Nonsense'"]
    {
        sqlx::query(sql).execute(world.log.pool()).await.expect("done");
    }
    clock.by(pause);
    world.until(booking, &["SagaCompensated"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_at_once_whatever_the_engine_is_doing() {
    for round in 0..20 {
        let world = World::begin(Delivery::Here).await;
        let asked =
            (0..round).map(|n| world.engine.submit(request(book(trip(PaymentPlan::None)), Some(&format!("k{n}")))));
        let asked: Vec<_> = asked.collect();
        let answers = futures::future::join_all(asked);
        // Before the deadline after which tasks are cut off.
        tokio::time::timeout(STOP_DEADLINE.mul_f64(0.9), async { tokio::join!(answers, world.stop()) })
            .await
            .expect("it stops by itself");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_its_command_also_when_that_was_so_already() {
    let world = World::begin(Delivery::Here).await;
    let cancel = |booking| CallerCommand::CancelBooking { booking, reason: None };
    let first = world.book("k1", PaymentPlan::None).await.expect("booked");
    let second = world.book("k2", PaymentPlan::None).await.expect("accepted");
    world.submit(cancel(first), Some("c1")).await.expect("cancelled");
    let already = world.submit(cancel(first), Some("c2")).await.expect("so already");
    assert!(!already.changed);
    let other = world.submit(cancel(second), Some("c2")).await.expect_err("the key stands for the first");
    assert_eq!(other.code, Code::IdempotencyKeyReused);
    assert_eq!(world.submit(cancel(first), Some("c2")).await.expect("known").position, already.position);
}
