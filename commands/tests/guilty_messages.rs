//! One of a full batch of messages is guilty. It becomes a dead letter, its trip goes on as after a fault, and nobody else notices (L10).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use secrecy::SecretString;
use traveladvisor_commands::engine::limits::BATCH_JOBS_MAX;
use traveladvisor_commands::engine::{Delivery, Faults};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::car::CarCommand;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::{Direction, GatewayCall};
use traveladvisor_domain::payment::{GatewayOutcome, PaymentCommand};
use traveladvisor_domain::trip::{CardToken, PaymentPlan, Step};
use traveladvisor_domain::trip_saga::TripSagaCommand;
use traveladvisor_infra::event_log::{EVENT_BYTES_MAX, StoredEvent};
use traveladvisor_infra::gateway::{CallError, PaymentGateway, TokeniseError, UnknownOutcome};

use crate::crowd::{AT_LAST, HeldBack, THIRTEEN, assert_in_order, in_each_batch, list_plenty, stories};
use crate::support::{World, book, card, metadata, request, trip};

/// More messages than one batch takes, so that one batch is full.
const TRIPS: usize = BATCH_JOBS_MAX + 64;
/// Which of them is guilty.
const PLACE: usize = 200;

/// Trips of which only the first `follow_ups` arrows are in the log. Nobody delivers what is left.
async fn trips_begun(follow_ups: usize, payment: impl Fn(usize) -> PaymentPlan) -> (World, Vec<BookingId>) {
    let world = World::begin_with(Delivery::Elsewhere, Faults::default().follow_ups_max(follow_ups)).await;
    list_plenty(&world, 400).await;
    let asked = (0..TRIPS).map(|n| world.engine.submit(request(book(trip(payment(n))), Some(&format!("k{n}")))));
    let asked: Vec<_> = asked.collect();
    let trips = join_all(asked).await.into_iter().map(|answer| BookingId(answer.expect("accepted").subject.uuid));
    let trips = trips.collect();
    (world, trips)
}

/// Starts the relay and holds its appends back until it has brought a message for each trip. `brought` tells which decisions these are.
async fn deliver_at_once(
    world: &mut World,
    gateway: Option<Arc<dyn PaymentGateway>>,
    brought: fn(&Command) -> bool,
    guilty: impl Fn(&Command) -> bool + Send + Sync + 'static,
) {
    let decided = Arc::new(AtomicUsize::new(0));
    let seen = decided.clone();
    let faults = Faults::default().panic_when(move |_, command| {
        seen.fetch_add(usize::from(brought(command)), Ordering::Relaxed);
        guilty(command)
    });
    let mut ports = world.next_ports();
    ports.gateway = gateway.unwrap_or(ports.gateway);
    let held_back = HeldBack::hold_events(&world.log).await;
    world.restart_with(ports, Delivery::Here, faults).await;
    // A batch that takes no more leaves some waiting; the first append has a few.
    let full = async {
        while decided.load(Ordering::Relaxed) < BATCH_JOBS_MAX {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(AT_LAST, full).await.expect("the messages come");
    held_back.let_go().await;
}

/// Waits until all trips have come to their end but for `open` of them.
async fn until_ended(world: &World, open: usize) -> Vec<StoredEvent> {
    let ended = async {
        loop {
            let events = world.events().await;
            let ended = stories(&events).into_values().filter(|story| has_ended(story)).count();
            if ended == TRIPS - open {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(AT_LAST, ended).await.expect("the trips come to their ends")
}

fn has_ended(story: &[&str]) -> bool {
    matches!(story.last(), Some(&("SagaSucceeded" | "SagaCompensated")))
}

/// The others' trips are whole, and many of them were handled in one append.
fn assert_the_others_stand(events: &[StoredEvent], guilty: BookingId, step: &str) {
    assert_in_order(events);
    let guilty = guilty.to_string();
    assert!(stories(events).iter().all(|(trip, story)| *trip == guilty || *story == THIRTEEN));
    assert!(in_each_batch(events, step)[0] >= BATCH_JOBS_MAX / 3, "{:?}", in_each_batch(events, step));
}

/// What was set aside: the stream that caused it, and the instruction if it was one.
type Letter = (String, Option<(Step, Direction, u32)>);

fn letters(events: &[StoredEvent]) -> Vec<Letter> {
    let letters = events.iter().filter(|event| event.event_type == "MessageDeadLettered");
    letters
        .map(|event| {
            let DeadLetterEvent::MessageDeadLettered { cause_stream, instruction, .. } =
                serde_json::from_str(&event.payload).expect("a letter")
            else {
                panic!("{}", event.payload)
            };
            (cause_stream, instruction.map(|asked| (asked.step, asked.direction, asked.attempt)))
        })
        .collect()
}

fn is_hotels_answer(command: &Command) -> bool {
    matches!(command, Command::TripSaga(TripSagaCommand::Answer { answer, .. }) if answer.step == Step::Hotel)
}

/// The car was asked for three times, each time in vain; nobody knows whether in vain, so that it is given back as well.
fn assert_given_back(events: &[StoredEvent], guilty: BookingId) {
    let asked = |attempt| (guilty.saga().to_string(), Some((Step::Car, Direction::Request, attempt)));
    assert_eq!(letters(events), [asked(1), asked(2), asked(3)]);
    let story = &stories(events)[&guilty.to_string()];
    let lasts =
        ["ReservationBarred", "UndoSucceeded", "SeatsReleased", "UndoSucceeded", "RoomsReleased", "UndoSucceeded"];
    assert_eq!(story[story.len() - 8..], [lasts.as_slice(), &["BookingCancelled", "SagaCompensated"]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_follow_up_that_panics_whenever_it_is_delivered_is_set_aside_and_its_trip_given_back() {
    let (mut world, trips) = trips_begun(2, |_| PaymentPlan::None).await;
    let guilty = trips[PLACE];
    // The hotel's answer is delivered; asking the flight is its first follow-up, the flight's answer the second, asking for the car the third.
    let third = move |command: &Command| matches!(command, Command::Car(CarCommand::Reserve { booking, .. }) if *booking == guilty);
    deliver_at_once(&mut world, None, is_hotels_answer, third).await;
    let events = until_ended(&world, 0).await;
    assert_the_others_stand(&events, guilty, "SeatsReserved");
    assert_given_back(&events, guilty);
    let own = events.iter().filter(|event| metadata(event).correlation == guilty.to_string());
    let steps: Vec<_> = own.filter(|event| event.event_type == "StepSucceeded").collect();
    assert_eq!(metadata(steps[0]).batch, metadata(steps[1]).batch, "the job itself was committed as it was");
    assert!(
        metadata(steps[0]).is_fused(0) && !metadata(steps[1]).is_fused(0),
        "and the cause of the third is unmarked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_payload_postgres_refuses_is_set_aside_and_its_trip_given_back() {
    let (mut world, trips) = trips_begun(2, |_| PaymentPlan::None).await;
    let guilty = trips[PLACE];
    let refuse = "ALTER TABLE events ADD CONSTRAINT of_a_test CHECK (event_type <> 'VehicleReserved' OR payload::text NOT LIKE '%";
    sqlx::query(&format!("{refuse}{guilty}%')")).execute(world.log.pool()).await.expect("altered");
    deliver_at_once(&mut world, None, is_hotels_answer, |_| false).await;
    let events = until_ended(&world, 0).await;
    assert_the_others_stand(&events, guilty, "SeatsReserved");
    assert_given_back(&events, guilty);
    let own = events.iter().filter(|event| metadata(event).correlation == guilty.to_string());
    let alone: Vec<_> = own.filter(|event| ["StepSucceeded", "SeatsReserved"].contains(&&*event.event_type)).collect();
    assert!(alone.iter().all(|event| !metadata(event).is_fused(0)), "its follow-ups came back one by one");
}

/// Says yes to every charge; the reference for one card is longer than any event may be.
struct Garrulous;

impl Garrulous {
    fn answer(key: &str, token: &str) -> GatewayOutcome {
        let reference = if token.ends_with("garrulous") { "ch_".repeat(EVENT_BYTES_MAX) } else { key.to_owned() };
        GatewayOutcome::Done { reference }
    }
}

impl PaymentGateway for Garrulous {
    fn tokenise<'a>(&'a self, _: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        async { Err(TokeniseError::Unavailable) }.boxed()
    }

    fn call<'a>(&'a self, call: &'a GatewayCall, _: DateTime<Utc>) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        async { Ok(Self::answer(&call.key, &call.token)) }.boxed()
    }

    fn look_up<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        async { Ok(None) }.boxed()
    }

    fn request_lifetime(&self) -> Duration {
        Duration::from_secs(15)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateways_answer_too_large_for_any_event_is_set_aside_and_the_others_are_paid() {
    let cards = |n| if n == PLACE { card("garrulous") } else { card("approves") };
    let (mut world, trips) = trips_begun(usize::MAX, cards).await;
    let guilty = trips[PLACE];
    let is_settled = |command: &Command| matches!(command, Command::Payment(PaymentCommand::Settle { .. }));
    deliver_at_once(&mut world, Some(Arc::new(Garrulous)), is_settled, |_| false).await;
    let events = until_ended(&world, 1).await;
    assert_the_others_stand(&events, guilty, "PaymentCompleted");
    let settled = |events: &[StoredEvent]| letters(events) == [(guilty.payment().to_string(), None)];
    let set_aside = async {
        while !settled(&world.events().await) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, set_aside).await.expect("it is set aside, once");
    assert_eq!(stories(&world.events().await)[&guilty.to_string()][8], "PaymentRequested", "the money may be taken");
}
