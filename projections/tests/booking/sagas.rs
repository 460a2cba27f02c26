//! Sagas as operators see them: what waits for whom, since when and until when, and what became of their verbs.

use chrono::TimeDelta;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::trip::Step;
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_domain::trip_saga::steps::{ANSWER_WITHIN, TRIES_BEFORE_ATTENTION, TRIES_MAX};
use traveladvisor_infra::event_log::Position;
use traveladvisor_projections::reads::{CursorEnd, Page, ReadError, Reads, SagaFilter};
use traveladvisor_projections::runtime::Projectors;
use traveladvisor_projections::views::{PartStatus, SagaStatus, SagaView, StepState};

use crate::support::{House, PLENTY, Supply, card};

/// The gateway has charged the card of this trip but tells nobody.
async fn payment_in_doubt() -> (House, BookingId, Projectors, Reads) {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    house.silent = TRIES_MAX;
    house.run_to_attention(booking).await;
    (house, booking, projectors, reads)
}

/// The car is sold out, and the flight cannot be given back.
async fn undo_stuck() -> (House, BookingId, Projectors, Reads) {
    let mut house = House::new().await;
    let plan = house.offer(Supply { vehicles: 0, ..PLENTY }, card()).await;
    let (projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    house.faults.insert((Step::Flight, Direction::Undo), TRIES_BEFORE_ATTENTION);
    house.run_to_attention(booking).await;
    (house, booking, projectors, reads)
}

async fn saga(house: &House, reads: &Reads, booking: BookingId) -> SagaView {
    house.catch_up(reads).await;
    reads.saga(booking).await.expect("readable").expect("known")
}

/// Booking, saga and payment, as people read them.
async fn states(house: &House, reads: &Reads, booking: BookingId) -> [&'static str; 3] {
    house.catch_up(reads).await;
    let view = reads.booking(booking).await.expect("readable").expect("known");
    [view.status.as_str(), view.saga_status.as_str(), view.payment.status.as_str()]
}

fn step_states(saga: &SagaView) -> Vec<(Step, StepState)> {
    saga.steps.iter().map(|step| (step.step, step.state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_stays_unknown_is_a_work_item_with_all_that_an_operator_asks() {
    let (house, booking, _projectors, reads) = payment_in_doubt().await;
    assert_eq!(states(&house, &reads, booking).await, ["CAR_BOOKED", "PROCESSING", "PENDING"]);
    let saga = saga(&house, &reads, booking).await;
    let attention = saga.attention.clone().expect("an operator is needed");
    assert_eq!((attention.step, attention.direction), (Step::Payment, Direction::Request));
    assert!(attention.fingerprint.starts_with("request-payment-UNAVAILABLE-"), "{}", attention.fingerprint);
    assert_eq!(attention.since, house.now, "since it was asked for");
    let waiting = saga.waiting.expect("it waits");
    assert_eq!((waiting.attempt, waiting.for_answer), (TRIES_MAX, false));
    assert!(waiting.since < attention.since, "the first try began before");
    assert_eq!(saga.reason.as_deref(), Some("UNAVAILABLE: The gateway does not answer."));
    assert!(saga.next_wake_up.is_some_and(|due| due > house.now), "it is tried on by itself");
    let told = saga.history.last().expect("a history").for_operators();
    for part in
        ["An operator is needed", "3 times", "The gateway does not answer.", "may have happened", "mark it as done"]
    {
        assert!(told.contains(part), "{part} in: {told}");
    }
    let failure_code = reads.booking(booking).await.unwrap().unwrap().payment.failure_code;
    assert_eq!(failure_code, None, "nobody knows yet, so nothing has failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_item_goes_with_its_reason_and_stays_while_it_is_tried_on() {
    let (mut house, booking, _projectors, reads) = undo_stuck().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLING", "COMPENSATING", "PENDING"]);
    let before = saga(&house, &reads, booking).await;
    let since = before.attention.as_ref().expect("an operator is needed").since;
    assert_eq!(before.steps[1].state, StepState::UndoRetrying);
    assert!(before.reason.is_some());
    house.faults.insert((Step::Flight, Direction::Undo), 1);
    house.wake(booking).await;
    house.deliver_all().await;
    let tried = saga(&house, &reads, booking).await;
    assert_eq!(tried.attention.map(|attention| attention.since), Some(since), "since the first call");
    assert_eq!(tried.waiting.expect("it waits").attempt, TRIES_BEFORE_ATTENTION + 1);
    house.wake(booking).await;
    house.deliver_all().await;
    let ended = saga(&house, &reads, booking).await;
    assert_eq!((ended.attention, ended.waiting, ended.reason, ended.next_wake_up), (None, None, None, None));
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "CANCELLED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_that_awaits_an_answer_says_until_when() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (_projectors, reads) = house.read().await;
    let booking = house.request(1, "ada", "ada@example.org", plan).await;
    house.deliver_until("SagaStarted").await;
    let first = saga(&house, &reads, booking).await;
    let waiting = first.waiting.expect("it waits");
    assert_eq!((waiting.step, waiting.direction, waiting.for_answer), (Step::Hotel, Direction::Request, true));
    let due = first.next_wake_up.expect("a deadline");
    assert!(due > house.now && due <= house.now + ANSWER_WITHIN);
    house.cancel(booking).await;
    house.deliver_until("CancellationNoted").await;
    let noted = saga(&house, &reads, booking).await;
    assert_eq!(noted.next_wake_up, Some(due), "a cancellation does not end the wait");
    house.wake(booking).await;
    let late = saga(&house, &reads, booking).await;
    assert_eq!(late.history.last().map(|entry| entry.event_type.as_str()), Some("StepTimedOut"));
    assert!(late.steps[0].last_error.as_deref().is_some_and(|error| error.starts_with("DEADLINE_EXCEEDED: ")));
    house.deliver_all().await;
    let ended = saga(&house, &reads, booking).await;
    let last = ended.history.iter().map(|entry| entry.event_type.as_str()).collect::<Vec<_>>();
    assert!(last.contains(&"LateAnswerNoted") && ended.status == SagaStatus::Compensated, "{last:?}");
    assert!(ended.history.iter().all(|entry| entry.summary.ends_with(['.', ')'])));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_stays_as_it_was_and_only_then_has_the_saga_failed() {
    let (mut house, booking, _projectors, reads) = undo_stuck().await;
    house.resolve(booking, Resolution::GiveUp).await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLING", "COMPENSATING", "PENDING"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "FAILED", "CANCELLED"]);
    let saga = saga(&house, &reads, booking).await;
    assert_eq!(
        step_states(&saga)[..3],
        [(Step::Hotel, StepState::Undone), (Step::Flight, StepState::GivenUp), (Step::Car, StepState::Refused)]
    );
    let view = reads.booking(booking).await.unwrap().unwrap();
    assert_eq!(view.flight.expect("a flight").status, PartStatus::Booked, "the seats are still held");
    assert_eq!(view.hotel.expect("a hotel").status, PartStatus::Cancelled);
    assert!(view.timeline.iter().all(|entry| !entry.summary.contains("records")), "own words are for operators");
    let resolved = saga.history.iter().find(|entry| entry.event_type == "Resolved").expect("the verb");
    let told = resolved.for_operators();
    assert!(told.contains("cli:ada") && told.contains("seen in the gateway's own records"), "{told}");
    let why = saga.steps[1].given_up.as_deref().expect("a reason");
    assert!(why.contains("cli:ada") && why.contains("seen in the gateway's own records"), "{why}");
    assert_eq!(saga.steps.iter().filter(|step| step.given_up.is_some()).count(), 1, "the flight alone");
    let last = &saga.history.last().expect("an end").summary;
    assert!(last.contains("the flight was given up"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn travellers_read_neither_the_gateways_keys_nor_what_operators_can_do() {
    for (house, booking, _projectors, reads) in [payment_in_doubt().await, undo_stuck().await] {
        let saga = saga(&house, &reads, booking).await;
        let attention = saga.history.iter().find(|entry| entry.event_type == "AttentionNeeded").expect("a call");
        assert!(attention.for_operators().contains("an operator can retry"), "{}", attention.for_operators());
        let story = reads.story(booking).await.expect("readable");
        let mut keys: Vec<String> = Vec::new();
        for event in house.log.read_after(Position::START, 1_000).await.expect("the log answers") {
            let payload: serde_json::Value = serde_json::from_str(&event.payload).expect("JSON");
            keys.extend(payload.pointer("/OutcomeAsked/call/key").map(|key| key.as_str().expect("a key").to_owned()));
        }
        assert!(keys.iter().all(|key| story.entries().any(|entry| entry.for_operators().contains(key))), "{keys:?}");
        for entry in reads.booking(booking).await.expect("readable").expect("known").timeline {
            assert!(!entry.summary.contains("operator can"), "{}", entry.summary);
            assert!(keys.iter().all(|key| !entry.summary.contains(key)), "{}", entry.summary);
        }
        assert_eq!(keys.is_empty(), attention.summary.contains("taking back the flight"), "only a payment asks");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_given_up_keeps_its_state_and_one_marked_is_settled() {
    let (mut house, booking, _projectors, reads) = payment_in_doubt().await;
    house.resolve(booking, Resolution::GiveUp).await;
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "FAILED", "PENDING"]);
    assert_eq!(saga(&house, &reads, booking).await.steps[3].state, StepState::GivenUp);

    let (mut house, booking, _projectors, reads) = payment_in_doubt().await;
    house.resolve(booking, Resolution::MarkDone { reference: "ch_by_hand".into() }).await;
    assert_eq!(saga(&house, &reads, booking).await.attention, None, "decided");
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["APPROVED", "SUCCEEDED", "COMPLETED"]);

    let (mut house, booking, _projectors, reads) = payment_in_doubt().await;
    house.resolve(booking, Resolution::MarkUndone).await;
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "FAILED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_marked_as_undone_is_and_one_retried_is_tried() {
    let (mut house, booking, _projectors, reads) = undo_stuck().await;
    house.resolve(booking, Resolution::MarkUndone).await;
    let marked = saga(&house, &reads, booking).await;
    assert_eq!((marked.steps[1].state, marked.attention), (StepState::Undone, None));
    assert_eq!(states(&house, &reads, booking).await, ["FLIGHT_CANCELLED", "COMPENSATING", "PENDING"]);
    house.deliver_all().await;
    assert_eq!(states(&house, &reads, booking).await, ["CANCELLED", "COMPENSATED", "CANCELLED"]);

    let (mut house, booking, _projectors, reads) = undo_stuck().await;
    house.resolve(booking, Resolution::Retry).await;
    let retried = saga(&house, &reads, booking).await;
    let waiting = retried.waiting.expect("it waits");
    assert_eq!((waiting.attempt, waiting.for_answer), (TRIES_BEFORE_ATTENTION + 1, true));
    assert_eq!((retried.attention, retried.steps[1].state), (None, StepState::Undoing));
}

/// Five trips: approved, under way, called for an operator twice for one reason and once for another.
async fn five() -> (House, Projectors, Reads) {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (projectors, reads) = house.read().await;
    house.request(1, "ada", "a@b.c", plan.clone()).await;
    house.deliver_all().await;
    for number in 2..=3 {
        let booking = house.request(number, "ada", "a@b.c", plan.clone()).await;
        house.silent = TRIES_MAX;
        house.run_to_attention(booking).await;
    }
    let booking = house.request(4, "ada", "a@b.c", plan.clone()).await;
    house.deliver_all().await;
    house.cancel(booking).await;
    house.faults.insert((Step::Car, Direction::Undo), TRIES_BEFORE_ATTENTION);
    house.run_to_attention(booking).await;
    house.request(5, "ada", "a@b.c", plan).await;
    house.deliver_until("SagaStarted").await;
    house.catch_up(&reads).await;
    (house, projectors, reads)
}

async fn ids(reads: &Reads, filter: SagaFilter) -> Vec<u128> {
    let page = Page::first(100);
    let slice = reads.sagas(&filter, &page).await.expect("readable");
    slice.items.into_iter().map(|(_, saga)| saga.booking.0.as_u128()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_of_sagas_holds_and_who_waits_longest_comes_first() {
    let (house, _projectors, reads) = five().await;
    let all = SagaFilter::default;
    assert_eq!(ids(&reads, all()).await, [5, 4, 3, 2, 1]);
    let status = |status| SagaFilter { status, ..all() };
    assert_eq!(ids(&reads, status(vec![SagaStatus::Succeeded])).await, [1]);
    assert_eq!(ids(&reads, status(vec![SagaStatus::Processing, SagaStatus::Compensating])).await, [4, 3, 2]);
    assert_eq!(ids(&reads, status(vec![SagaStatus::Started, SagaStatus::Succeeded])).await, [5, 1]);
    let needing = |needed| SagaFilter { needs_attention: Some(needed), ..all() };
    assert_eq!(ids(&reads, needing(true)).await, [2, 3, 4], "who waits longest comes first");
    assert_eq!(ids(&reads, needing(false)).await, [5, 1]);
    let compensating = SagaFilter { needs_attention: Some(true), ..status(vec![SagaStatus::Compensating]) };
    assert_eq!(ids(&reads, compensating).await, [4]);
    let fingerprint = reads.saga(BookingId(uuid::Uuid::from_u128(2))).await.unwrap().unwrap();
    let fingerprint = fingerprint.attention.expect("needed").fingerprint;
    let same = SagaFilter { fingerprint: Some(fingerprint.clone()), ..all() };
    assert_eq!(ids(&reads, same.clone()).await, [2, 3]);
    assert_eq!(ids(&reads, SagaFilter { needs_attention: Some(false), ..same }).await, [0_u128; 0]);
    assert_eq!(reads.sagas_waiting_for(&fingerprint).await, Ok(2));
    assert_eq!(ids(&reads, SagaFilter { fingerprint: Some("\0".into()), ..all() }).await, [0_u128; 0]);
    let before = |instant| SagaFilter { wakes_before: Some(instant), ..all() };
    assert_eq!(ids(&reads, before(house.now + TimeDelta::days(1))).await, [5, 4, 3, 2]);
    assert_eq!(ids(&reads, before(house.now)).await, [3, 2], "what is overdue: their pauses were over long ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_sagas_neither_skip_nor_repeat_and_keep_their_order() {
    let (mut house, _projectors, reads) = five().await;
    let mut seen = Vec::new();
    let filter = SagaFilter { needs_attention: Some(true), ..SagaFilter::default() };
    let mut page = Page::first(1);
    loop {
        let slice = reads.sagas(&filter, &page).await.expect("readable");
        assert!(!slice.has_previous, "whoever stood before has left the list");
        seen.extend(slice.items.iter().map(|(_, saga)| saga.booking.0.as_u128()));
        let Some((cursor, saga)) = slice.items.into_iter().next().filter(|_| slice.has_next) else { break };
        // The one that was read is resolved before the next page is.
        house.resolve(saga.booking, Resolution::Retry).await;
        house.catch_up(&reads).await;
        page.after = Some(cursor);
    }
    assert_eq!(seen, [2, 3, 4]);
    let newest = reads.sagas(&SagaFilter::default(), &page).await;
    assert_eq!(newest, Err(ReadError::BadCursor(CursorEnd::After)), "a cursor serves the order that gave it");
    let first = reads.sagas(&SagaFilter::default(), &Page::first(2)).await.expect("readable");
    let rest = Page::first(9).after(first.items[1].0.clone());
    let rest = reads.sagas(&SagaFilter::default(), &rest).await.expect("readable");
    assert_eq!(rest.items.iter().map(|(_, saga)| saga.booking.0.as_u128()).collect::<Vec<_>>(), [3, 2, 1]);
}

/// Many trips that have ended, a few that have not.
const MANY: &str = "INSERT INTO bookings (id, owner, email_key, status, saga_status, created_at, state, open_since, \
        attention_since, fingerprint) \
    SELECT gen_random_uuid(), 'ada', 'a@b.c', 'APPROVED', CASE WHEN n % 100 = 0 THEN 'PROCESSING' ELSE 'SUCCEEDED' END, at, '{}', \
           CASE WHEN n % 100 = 0 THEN at END, CASE WHEN n % 500 = 0 THEN at END, CASE WHEN n % 500 = 0 THEN 'f' || n % 1000 END \
      FROM generate_series(1, 20000) n, LATERAL (SELECT now() - n * interval '1 minute' AS at) t";

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_sagas_are_served_by_their_indexes() {
    let house = House::new().await;
    let mut connection = house.database.pool.acquire().await.expect("a connection");
    for statement in [MANY, "ANALYZE bookings"] {
        sqlx::query(statement).execute(&mut *connection).await.expect("done");
    }
    for (condition, order, index) in [
        ("attention_since IS NOT NULL", "attention_since, id", "bookings_waiting"),
        ("attention_since IS NOT NULL", "attention_since DESC, id DESC", "bookings_waiting"),
        ("created_at IS NOT NULL AND saga_status = ANY('{SUCCEEDED}')", "created_at, id", "bookings_newest"),
        ("attention_since IS NOT NULL AND fingerprint = 'f0'", "attention_since, id", "bookings_by_fingerprint"),
        ("open_since IS NOT NULL AND saga_status = ANY('{PROCESSING}')", "open_since DESC, id DESC", "bookings_open"),
        ("created_at IS NOT NULL AND saga_status = ANY('{SUCCEEDED}')", "created_at DESC, id DESC", "bookings_newest"),
    ] {
        let sql = format!("EXPLAIN SELECT id, state FROM bookings WHERE {condition} ORDER BY {order} LIMIT 21");
        let plan: Vec<String> = sqlx::query_scalar(&sql).fetch_all(&mut *connection).await.expect("a plan");
        let plan = plan.join("\n");
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{plan}");
    }
}
