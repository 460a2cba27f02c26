//! Technical failures: tried again for a while going forward, until done going back.

use chrono::TimeDelta;

use super::{World, asked, assert_ended, card, plan, undone};
use crate::aggregate::Event;
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, Outcome};
use crate::payment::GatewayOutcome;
use crate::testing::samples::NOW;
use crate::testing::{at, given};
use crate::trip::Step;
use crate::trip_saga::pauses::{BACKOFF_FIRST_MS, BACKOFF_MAX_MS, backoff};
use crate::trip_saga::steps::{ANSWER_WITHIN, TRIES_MAX};
use crate::trip_saga::{TripSaga, TripSagaCommand, TripSagaEvent};

fn count(world: &World, name: &str) -> usize {
    world.names().iter().filter(|known| *known == name).count()
}

#[test]
fn a_step_is_tried_three_times_in_all() {
    for step in [Step::Hotel, Step::Flight, Step::Car, Step::Payment] {
        let mut world = asked([true; 3], card());
        world.faults.insert((step, Direction::Request), TRIES_MAX - 1);
        world.run();
        assert!(matches!(world.saga(), TripSaga::Succeeded { .. }), "the last try counts");
        assert_eq!(count(&world, "StepRetried"), 2);
        assert_ended(&world, [true; 3], &card());
    }
}

#[test]
fn what_may_have_happened_is_taken_back_when_its_tries_are_used_up() {
    let parts = [Step::Hotel, Step::Flight, Step::Car];
    for (place, step) in parts.into_iter().enumerate() {
        let mut world = asked([true; 3], card());
        // Nobody can say of a message that was set aside whether an earlier delivery of it was handled.
        world.faults.insert((step, Direction::Request), TRIES_MAX);
        world.run();
        let refused = world.log.iter().find_map(|(_, event)| match event {
            Event::TripSaga(TripSagaEvent::StepRefused { step, attempt, failure, .. }) => {
                Some((*step, *attempt, failure.code))
            }
            _ => None,
        });
        assert_eq!(refused, Some((step, TRIES_MAX, Code::Unavailable)));
        let in_reverse: Vec<Step> = parts[..=place].iter().rev().copied().collect();
        assert_eq!(undone(&world), in_reverse);
        assert_ended(&world, [true; 3], &card());
    }
}

#[test]
fn a_payment_that_may_have_happened_is_asked_for_until_it_is_known() {
    let mut world = asked([true; 3], card());
    world.faults.insert((Step::Payment, Direction::Request), 5 * TRIES_MAX);
    world.run();
    assert!(matches!(world.saga(), TripSaga::Succeeded { .. }), "never compensated on a doubt alone");
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn a_fault_of_the_call_in_flight_is_heard_although_a_later_attempt_was_asked_for() {
    let mut world = asked([true; 3], card());
    let fault = || GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway is away."));
    world.gateway.script.extend([fault(), fault(), fault(), fault()]);
    while count(&world, "PaymentRequested") == 0 {
        world.deliver(0);
    }
    // The request was handled, its call is in flight, and yet the same message is set aside when it comes again.
    world.set_aside_again(Step::Payment, 1);
    world.deliver(1);
    assert!(world.wake(), "it is asked for again");
    world.deliver(1);
    world.run();
    assert!(world.gateway.kept == 0 && matches!(world.saga(), TripSaga::Compensated { .. }), "no one waits for ever");
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn a_gateway_that_faults_is_asked_again_with_a_new_key() {
    let fault = || GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway is away."));
    let mut world = asked([true; 3], card());
    world.gateway.script.extend([fault(), fault()]);
    world.run();
    assert!(matches!(world.saga(), TripSaga::Succeeded { .. }));
    assert_ended(&world, [true; 3], &card());
    let mut world = asked([true; 3], card());
    world.gateway.script.extend([fault(), fault(), fault()]);
    world.run();
    assert_eq!(undone(&world), [Step::Car, Step::Flight, Step::Hotel]);
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn what_follows_the_pivot_is_retried_until_done() {
    let mut world = asked([true; 3], card());
    world.faults.insert((Step::Approve, Direction::Request), 5 * TRIES_MAX);
    world.run();
    assert!(matches!(world.saga(), TripSaga::Succeeded { .. }));
}

#[test]
fn an_undo_is_retried_without_end_and_holds_back_the_earlier_ones() {
    for step in [Step::Flight, Step::Hotel, Step::Approve] {
        let mut world = World::new([true, true, false]);
        world.request(plan([true; 3], card()));
        world.faults.insert((step, Direction::Undo), 10 * TRIES_MAX);
        world.run();
        assert_eq!(undone(&world), [Step::Flight, Step::Hotel]);
        assert_eq!(count(&world, "UndoFaulted") + count(&world, "AttentionNeeded"), 30);
        assert_eq!(count(&world, "AttentionNeeded"), 1, "an operator is called once for one reason");
        assert_ended(&world, [true; 3], &card());
    }
}

#[test]
fn a_refund_is_retried_without_end() {
    let mut world = asked([true; 3], card());
    world.run();
    let fault = GatewayOutcome::Refused(Failure::new(Code::PaymentDeclined, "Not now."));
    world.gateway.script.extend(vec![fault; 7]);
    world.cancel();
    world.run();
    assert_eq!(count(&world, "RefundFaulted"), 7);
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn pauses_grow_to_a_bound_and_are_jittered() {
    let ms = TimeDelta::num_milliseconds;
    let first = BACKOFF_FIRST_MS.cast_signed();
    assert_eq!((ms(&backoff(1, 0)), ms(&backoff(2, 0)), ms(&backoff(3, 0))), (first / 2, first, 2 * first));
    for attempt in [1, 2, 7, 8, 100, u32::MAX] {
        for entropy in [0, 1, 12_345, u64::MAX] {
            let pause = ms(&backoff(attempt, entropy));
            assert!((first / 2..=BACKOFF_MAX_MS.cast_signed()).contains(&pause), "{attempt} {entropy}: {pause}");
        }
    }
    assert_ne!(backoff(1, 1), backoff(1, 2));
}

fn start() -> TripSagaCommand {
    TripSagaCommand::Start { plan: plan([true; 3], card()), occasion: at(NOW) }
}

fn answer(step: Step, direction: Direction, attempt: u32, outcome: Outcome) -> TripSagaCommand {
    TripSagaCommand::Answer { answer: Answer { step, direction, attempt, outcome }, occasion: at(NOW) }
}

fn fault() -> Outcome {
    Outcome::Faulted(Failure::new(Code::Internal, "The decision failed."))
}

#[test]
fn stale_answers_and_early_timers_write_nothing() {
    let saga = given::<TripSaga>(&[]).when(start());
    let saga = saga
        .when(answer(Step::Hotel, Direction::Request, 1, fault()))
        .when(answer(Step::Hotel, Direction::Request, 1, fault()))
        .then(&[])
        .when(TripSagaCommand::Wake { occasion: at(NOW) })
        .then(&[]);
    let due = saga.state.wake_up_at().expect("waits for a retry");
    let saga = saga.when(TripSagaCommand::Wake { occasion: at(&due.to_rfc3339()) });
    assert!(matches!(saga.events(), [TripSagaEvent::StepRetried { attempt: 2, .. }]));
    let saga = saga
        .when(answer(Step::Hotel, Direction::Request, 1, fault()))
        .then(&[])
        .when(answer(Step::Hotel, Direction::Undo, 1, Outcome::Done))
        .then(&[])
        .when(answer(Step::Car, Direction::Request, 1, Outcome::Done))
        .then(&[])
        .when(TripSagaCommand::Wake { occasion: at(&due.to_rfc3339()) })
        .then(&[]);
    // A success counts whichever attempt brought it.
    let saga = saga.when(answer(Step::Hotel, Direction::Request, 1, Outcome::Done));
    assert!(matches!(saga.events(), [TripSagaEvent::StepSucceeded { step: Step::Hotel, .. }]));
    saga.when(answer(Step::Hotel, Direction::Request, 2, Outcome::Done)).then(&[]).when(start()).then(&[]);
}

#[test]
fn an_undo_that_succeeds_while_its_retry_is_awaited_goes_on_with_the_next_at_once() {
    let mut world = asked([true, true, false], card());
    world.gateway.script.push_back(super::declined());
    while !world.names().contains(&"StepRefused".to_owned()) {
        assert!(world.deliver(0));
    }
    let events: Vec<TripSagaEvent> = world
        .log
        .iter()
        .filter_map(|(_, event)| if let Event::TripSaga(event) = event { Some(event.clone()) } else { None })
        .collect();
    let saga = given::<TripSaga>(&events).when(answer(Step::Flight, Direction::Undo, 1, fault())).when(answer(
        Step::Flight,
        Direction::Undo,
        1,
        Outcome::Done,
    ));
    assert!(matches!(saga.events(), [TripSagaEvent::UndoSucceeded { step: Step::Flight, .. }]));
    assert_eq!(saga.state.wake_up_at(), Some(at(NOW).at + ANSWER_WITHIN), "no retry is awaited any more");
    // So a fault of the next undo is retried, not lost.
    let saga = saga.when(answer(Step::Hotel, Direction::Undo, 1, fault()));
    assert!(matches!(saga.events(), [TripSagaEvent::UndoFaulted { step: Step::Hotel, .. }]));
}
