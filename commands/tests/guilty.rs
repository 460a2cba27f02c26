//! One job of a full batch is guilty: it panics, Postgres refuses its data, or its event is too large. Only that one fails (L10).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use traveladvisor_commands::engine::limits::BATCH_JOBS_MAX;
use traveladvisor_commands::engine::{Delivery, Faults};
use traveladvisor_commands::{CallerCommand, Receipt, Rejection, Request};
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::booking::BookingCommand;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, MemberId, StreamId, StreamKind};
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::{PaymentPlan, Step};
use traveladvisor_domain::trip_saga::TripSagaCommand;
use traveladvisor_infra::event_log::EVENT_BYTES_MAX;

use crate::crowd::{THIRTEEN, assert_in_order, in_each_batch, list_plenty, stories, submit_at_once};
use crate::support::{World, book, count, metadata, request, trip};

/// Where the guilty one stands in its batch.
const PLACE: usize = 100;
/// The name that the guilty trip's traveller goes by.
const GUILTY: &str = "G. Uilty";
/// What is left of a full batch when it is halved down to one.
const HALVES: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

fn book_as(name: &str, key: &str) -> Request {
    let mut command = book(trip(PaymentPlan::None));
    if let CallerCommand::BookTrip { traveller, .. } = &mut command {
        name.clone_into(&mut traveller.name);
    }
    request(command, Some(key))
}

/// As many callers at once as a batch takes, one of them by this name.
async fn full_batch_with(world: &World, name: &str) -> Vec<Result<Receipt, Rejection>> {
    list_plenty(world, 400).await;
    // Whether the caller is a member is in memory from then on: nobody waits for it.
    let asked = Together::CloseMember { member: MemberId::of("tests"), reason: None };
    world.submit(CallerCommand::Together(asked), None).await.expect_err("no member");
    let name_of = |place| if place == PLACE { name } else { "A. Traveller" };
    let requests = (0..BATCH_JOBS_MAX).map(|place| book_as(name_of(place), &format!("k{place}"))).collect();
    submit_at_once(world, requests).await
}

fn is_request_of_the_guilty(command: &Command) -> bool {
    matches!(command, Command::Booking(BookingCommand::Request { traveller, .. }) if traveller.value.name == GUILTY)
}

/// Only the guilty caller is told INTERNAL, it has left nothing, and the others' trips stand as `batches` of so many.
async fn assert_only_the_guilty_failed(world: &World, answers: &[Result<Receipt, Rejection>], batches: &[usize]) {
    let failed: Vec<(usize, Code)> =
        answers.iter().enumerate().filter_map(|(place, answer)| Some((place, answer.as_ref().err()?.code))).collect();
    assert_eq!(failed, [(PLACE, Code::Internal)]);
    let events = world.events().await;
    assert_in_order(&events);
    assert_eq!(in_each_batch(&events, "BookingRequested"), batches);
    let stories = stories(&events);
    assert_eq!(stories.len(), BATCH_JOBS_MAX - 1);
    assert!(stories.values().all(|story| *story == THIRTEEN), "every other trip is whole");
    let keys: Vec<String> = sqlx::query_scalar("SELECT key FROM idempotency_keys")
        .fetch_all(world.log.pool())
        .await
        .expect("the keys are read");
    assert_eq!(keys.len(), BATCH_JOBS_MAX - 1);
    assert!(!keys.contains(&format!("k{PLACE}")), "the guilty one's key is free");
    world.engine.submit(book_as("A. Traveller", &format!("k{PLACE}"))).await.expect("another command may use its key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_panics_in_a_full_batch_is_the_only_one_that_fails() {
    let faults = Faults::default().panic_when(|_, command| is_request_of_the_guilty(command));
    let world = World::begin_with(Delivery::Here, faults).await;
    let answers = full_batch_with(&world, GUILTY).await;
    // It is found out while the batch is being decided: those before it are one append, those after it the next.
    assert_only_the_guilty_failed(&world, &answers, &[BATCH_JOBS_MAX - PLACE - 1, PLACE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_payload_postgres_refuses_in_a_full_batch_is_the_only_one_that_fails() {
    let world = World::begin(Delivery::Here).await;
    sqlx::query("ALTER TABLE events ADD CONSTRAINT of_a_test CHECK (payload::text NOT LIKE '%G. Uilty%')")
        .execute(world.log.pool())
        .await
        .expect("altered");
    let answers = full_batch_with(&world, GUILTY).await;
    assert_only_the_guilty_failed(&world, &answers, &HALVES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_event_is_too_large_in_a_full_batch_is_the_only_one_that_fails() {
    let world = World::begin(Delivery::Here).await;
    let answers = full_batch_with(&world, &"G".repeat(EVENT_BYTES_MAX)).await;
    assert_only_the_guilty_failed(&world, &answers, &HALVES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_third_follow_up_leaves_that_message_to_the_relay_and_nothing_else() {
    let guilty = Arc::new(std::sync::Mutex::new(None));
    let panicked = Arc::new(AtomicBool::new(false));
    let (seen, once) = (guilty.clone(), panicked.clone());
    // The first follow-up starts the saga, the second asks the hotel, the third is the hotel's answer.
    let third = move |stream: StreamId, command: &Command| {
        let mut guilty = seen.lock().expect("no panic");
        if is_request_of_the_guilty(command) {
            *guilty = Some(stream.uuid);
        }
        let is_answer =
            matches!(command, Command::TripSaga(TripSagaCommand::Answer { answer, .. }) if answer.step == Step::Hotel);
        is_answer && *guilty == Some(stream.uuid) && !once.swap(true, Ordering::Relaxed)
    };
    let world = World::begin_with(Delivery::Here, Faults::default().panic_when(third)).await;
    let answers = full_batch_with(&world, GUILTY).await;
    assert!(answers.iter().all(Result::is_ok), "the guilty one's own decision was sound");
    assert!(panicked.load(Ordering::Relaxed));
    let guilty = BookingId(guilty.lock().expect("no panic").expect("it was booked"));
    world.until(guilty, &["SagaSucceeded"]).await;

    let events = world.events().await;
    assert_in_order(&events);
    assert_eq!(in_each_batch(&events, "BookingRequested"), [BATCH_JOBS_MAX], "one append for all");
    assert!(stories(&events).values().all(|story| *story == THIRTEEN));
    for event in events.iter().filter(|event| event.event_type == "RoomsReserved") {
        let metadata = metadata(event);
        assert_eq!(metadata.is_fused(0), metadata.correlation != guilty.to_string(), "only its cause is unmarked");
    }
    let second = in_each_batch(&events, "StepSucceeded");
    assert_eq!(second, [4 * (BATCH_JOBS_MAX - 1), 4], "the relay's delivery brings all the rest of that trip");
    assert_eq!(count(&events, StreamKind::DeadLetter, "MessageDeadLettered"), 0);
}
