//! What does not end by itself waits for an operator, and every verb leads to an end (L18).

use super::{World, asked, assert_ended, card, held, undone};
use crate::aggregate::{Aggregate, Event};
use crate::booking::Booking;
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, Outcome};
use crate::payment::GatewayOutcome;
use crate::testing::at;
use crate::testing::samples::{NOW, points};
use crate::trip::Step;
use crate::trip_saga::attention::{OperatorDecision, Resolution, Verb, fingerprint};
use crate::trip_saga::steps::{TRIES_BEFORE_ATTENTION, TRIES_MAX};
use crate::trip_saga::{TripSaga, TripSagaCommand, TripSagaError, TripSagaEvent};

fn mark_done() -> Resolution {
    Resolution::MarkDone { reference: "ch_by_hand".into() }
}

/// Runs until an operator is called.
fn run_to_attention(world: &mut World) {
    while world.saga().attention().is_none() {
        assert!(world.deliver(0) || world.wake(), "it ended by itself: {:?}", world.saga());
    }
    while world.deliver(0) {}
}

/// The gateway has charged the card but tells nobody.
fn payment_in_doubt() -> World {
    let mut world = asked([true; 3], card());
    world.gateway.silent = TRIES_MAX;
    run_to_attention(&mut world);
    world
}

/// The car could not be had, and the flight cannot be given back.
fn undo_stuck() -> World {
    let mut world = World::new([true, true, false]);
    world.request(super::plan([true; 3], card()));
    world.faults.insert((Step::Flight, Direction::Undo), TRIES_BEFORE_ATTENTION);
    run_to_attention(&mut world);
    world
}

fn count(world: &World, name: &str) -> usize {
    world.names().iter().filter(|known| *known == name).count()
}

#[test]
fn a_payment_that_stays_unknown_needs_an_operator_and_is_not_taken_back() {
    let world = payment_in_doubt();
    assert_eq!(undone(&world), []);
    assert_eq!(count(&world, "AttentionNeeded"), 1);
    assert!(world.saga().wake_up_at().is_some(), "it is asked for meanwhile");
    // The same call is looked up by its key: nothing is charged twice.
    assert_eq!(count(&world, "PaymentRequested"), 1);
    assert_eq!(count(&world, "OutcomeAsked"), 2);
}

#[test]
fn evidence_about_points_is_refused_because_their_account_tells() {
    let mut world = asked([true; 3], points());
    world.run();
    world.cancel();
    world.faults.insert((Step::Payment, Direction::Undo), TRIES_BEFORE_ATTENTION);
    run_to_attention(&mut world);
    assert_eq!(world.resolve(Resolution::MarkUndone), Err(TripSagaError::AccountTells));
    assert_eq!(world.resolve(mark_done()), Err(TripSagaError::OnlyPaymentsAreMarkedDone));
    world.resolve(Resolution::Retry).expect("accepted");
    world.run();
    assert_ended(&world, [true; 3], &points());
    let mut world = asked([true; 3], points());
    world.faults.insert((Step::Payment, Direction::Request), TRIES_MAX);
    run_to_attention(&mut world);
    assert_eq!(world.resolve(mark_done()), Err(TripSagaError::AccountTells));
    assert_eq!(world.resolve(Resolution::MarkUndone), Err(TripSagaError::AccountTells));
    world.run();
    assert_ended(&world, [true; 3], &points());
}

#[test]
fn what_comes_back_by_itself_needs_nobody_any_more() {
    let mut world = payment_in_doubt();
    world.run();
    assert_eq!(world.saga().attention(), None);
    assert_ended(&world, [true; 3], &card());
    let mut world = undo_stuck();
    world.run();
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn a_payment_marked_as_done_is_one_and_can_be_refunded() {
    let mut world = payment_in_doubt();
    world.resolve(mark_done()).expect("accepted");
    while world.deliver(0) {}
    assert!(matches!(world.saga(), TripSaga::Succeeded { .. }));
    assert_ended(&world, [true; 3], &card());
    world.cancel();
    world.run();
    assert_ended(&world, [true; 3], &card());
    assert_eq!(world.gateway.kept, 0, "the refund was asked for with the operator's reference");
}

#[test]
fn a_payment_whose_request_never_came_through_can_be_marked_as_done() {
    let mut world = asked([true; 3], card());
    world.faults.insert((Step::Payment, Direction::Request), TRIES_MAX);
    run_to_attention(&mut world);
    world.resolve(mark_done()).expect("accepted");
    while world.deliver(0) {}
    world.cancel();
    world.run();
    let refunded = world.log.iter().any(|(_, event)| event.event_type() == "RefundRequested");
    assert!(refunded && matches!(world.saga(), TripSaga::Compensated { .. }));
}

#[test]
fn a_payment_marked_as_undone_takes_the_trip_back() {
    let mut world = payment_in_doubt();
    // The operator has given the money back by hand.
    world.gateway.kept = 0;
    world.resolve(Resolution::MarkUndone).expect("accepted");
    while world.deliver(0) {}
    assert_eq!(undone(&world), [Step::Car, Step::Flight, Step::Hotel]);
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn a_payment_given_up_is_left_as_it_is_and_all_else_taken_back() {
    let mut world = payment_in_doubt();
    world.resolve(Resolution::GiveUp).expect("accepted");
    world.run();
    assert_eq!(undone(&world), [Step::Car, Step::Flight, Step::Hotel]);
    assert_eq!(world.saga(), TripSaga::Failed { resolved: Some(Verb::GiveUp) });
    assert!(held(&world).is_empty() && count(&world, "RefundRequested") == 0);
}

#[test]
fn an_undo_that_is_stuck_is_retried_marked_or_given_up() {
    for resolution in [Resolution::Retry, Resolution::MarkUndone, Resolution::GiveUp] {
        let mut world = undo_stuck();
        let gives_up = resolution == Resolution::GiveUp;
        world.resolve(resolution.clone()).expect("accepted");
        world.run();
        let Aggregate::Booking(booking) = world.aggregate(super::trip().stream()) else { panic!("no booking") };
        assert!(matches!(booking, Booking::Cancelled { .. }));
        assert_eq!(matches!(world.saga(), TripSaga::Failed { .. }), gives_up, "failed only after giving up");
        assert!(!held(&world).contains(&Step::Hotel), "the earlier ones are taken back in any case");
        let told: Vec<&str> = world.log.iter().filter_map(|(_, event)| signed(event)).collect();
        assert_eq!(told, [resolution.verb().as_str()], "with actor and reason");
    }
}

fn signed(event: &Event) -> Option<&'static str> {
    match event {
        Event::TripSaga(TripSagaEvent::Resolved { verb, actor, reason, .. })
            if actor == "operator" && !reason.is_empty() =>
        {
            Some(verb.as_str())
        }
        _ => None,
    }
}

#[test]
fn a_refund_marked_as_given_back_is_told_to_the_payment() {
    let mut world = asked([true; 3], card());
    world.run();
    let fault = GatewayOutcome::Refused(Failure::new(Code::PaymentDeclined, "Not now."));
    world.gateway.script.extend(vec![fault; TRIES_BEFORE_ATTENTION as usize]);
    world.cancel();
    run_to_attention(&mut world);
    world.gateway.kept = 0;
    world.resolve(Resolution::MarkUndone).expect("accepted");
    world.run();
    assert_eq!(count(&world, "PaymentCancelled"), 1);
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn the_same_verb_again_writes_nothing() {
    for resolution in [Resolution::Retry, Resolution::MarkUndone, Resolution::GiveUp] {
        let mut world = undo_stuck();
        for _ in 0..3 {
            world.resolve(resolution.clone()).expect("so already");
        }
        assert_eq!(count(&world, "Resolved"), 1);
        world.run();
        world.resolve(resolution.clone()).expect("also once it has ended");
        assert_eq!(count(&world, "Resolved"), 1);
    }
}

#[test]
fn what_was_said_of_one_reason_does_not_touch_the_next() {
    let mut world = World::new([true, true, false]);
    world.request(super::plan([true; 3], card()));
    for step in [Step::Flight, Step::Hotel] {
        world.faults.insert((step, Direction::Undo), TRIES_BEFORE_ATTENTION);
    }
    run_to_attention(&mut world);
    let first = world.saga().attention().expect("the flight").to_owned();
    world.resolve_reason(Resolution::MarkUndone, Some(&first)).expect("accepted");
    world.resolve_reason(Resolution::MarkUndone, Some(&first)).expect("so already");
    run_to_attention(&mut world);
    let again = world.resolve_reason(Resolution::MarkUndone, Some(&first));
    assert_eq!(again, Err(TripSagaError::AnotherReason), "the hotel was never looked at");
    let second = world.saga().attention().expect("the hotel").to_owned();
    world.resolve_reason(Resolution::GiveUp, Some(&second)).expect("accepted");
    assert_eq!(count(&world, "Resolved"), 2);
    let mut world = asked([true; 3], card());
    world.faults.insert((Step::Hotel, Direction::Request), 1);
    while !world.names().contains(&"StepFaulted".to_owned()) {
        assert!(world.deliver(0));
    }
    let other = world.resolve_reason(Resolution::Retry, Some(&first));
    assert_eq!(other, Err(TripSagaError::NothingToResolve), "it waits for no operator");
}

#[test]
fn evidence_about_money_waits_for_what_the_gateway_says() {
    let mut world = payment_in_doubt();
    world.gateway.silent = 1;
    assert!(world.wake(), "it is asked for again by itself");
    for resolution in [mark_done(), Resolution::MarkUndone, Resolution::GiveUp] {
        assert_eq!(world.resolve(resolution), Err(TripSagaError::BeingAsked));
    }
    while world.deliver(0) {}
    world.resolve(mark_done()).expect("nobody could tell once more");
    world.run();
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn a_verb_that_does_not_fit_is_refused_with_a_reason() {
    let nothing = Err(TripSagaError::NothingToResolve);
    assert_eq!(World::new([true; 3]).resolve(Resolution::Retry), Err(TripSagaError::NotFound));
    let mut world = asked([true; 3], card());
    world.hold(Step::Car, Direction::Request);
    for resolution in [Resolution::Retry, mark_done(), Resolution::MarkUndone, Resolution::GiveUp] {
        assert_eq!(world.resolve(resolution), nothing, "it is at work");
    }
    let mut world = asked([true; 3], card());
    world.run();
    assert_eq!(world.resolve(Resolution::GiveUp), nothing, "everything stands");
    assert_eq!(undo_stuck().resolve(mark_done()), Err(TripSagaError::OnlyPaymentsAreMarkedDone));
    let mut world = World::new([true, true, false]);
    world.request(super::plan([true; 3], card()));
    world.faults.insert((Step::Approve, Direction::Undo), TRIES_BEFORE_ATTENTION);
    run_to_attention(&mut world);
    assert_eq!(world.resolve(Resolution::GiveUp), Err(TripSagaError::OnlyRetry), "the booking itself is ours");
    world.resolve(Resolution::Retry).expect("this helps");
}

#[test]
fn what_is_offered_to_an_operator_is_taken_and_nothing_else() {
    let mut asked_again = payment_in_doubt();
    asked_again.gateway.silent = 1;
    assert!(asked_again.wake(), "it is asked for again by itself");
    let mut tried_again = undo_stuck();
    assert!(tried_again.wake(), "it is tried again by itself");
    let mut only_ours = World::new([true, true, false]);
    only_ours.request(super::plan([true; 3], card()));
    only_ours.faults.insert((Step::Approve, Direction::Undo), TRIES_BEFORE_ATTENTION);
    run_to_attention(&mut only_ours);
    let mut at_work = asked([true; 3], card());
    at_work.hold(Step::Car, Direction::Request);
    let (retry, done, undone, give_up) = (Verb::Retry, Verb::MarkDone, Verb::MarkUndone, Verb::GiveUp);
    for (world, offered) in [
        (payment_in_doubt(), vec![retry, done, undone, give_up]),
        (asked_again, vec![]),
        (undo_stuck(), vec![retry, undone, give_up]),
        (tried_again, vec![undone, give_up]),
        (only_ours, vec![retry]),
        (at_work, vec![]),
    ] {
        let saga = world.saga();
        let waiting = match &saga {
            TripSaga::Forward(forward) => forward.waiting(),
            TripSaga::Backward(backward) => backward.waiting(),
            other => panic!("nothing waits: {other:?}"),
        };
        assert_eq!(waiting.verbs().collect::<Vec<_>>(), offered, "{waiting:?}");
        for resolution in [Resolution::Retry, mark_done(), Resolution::MarkUndone, Resolution::GiveUp] {
            let verb = resolution.verb();
            let (actor, reason) = ("operator".to_owned(), "seen".to_owned());
            let decision = OperatorDecision { resolution, fingerprint: None, actor, reason };
            let decided = saga.decide(TripSagaCommand::Resolve { decision, occasion: at(NOW) });
            assert_eq!(
                decided.is_ok_and(|events| !events.is_empty()),
                offered.contains(&verb),
                "{verb:?} of {waiting:?}"
            );
        }
    }
}

#[test]
fn a_traveller_who_cancels_a_payment_in_doubt_waits_for_its_outcome() {
    let mut world = payment_in_doubt();
    world.cancel();
    while world.deliver(0) {}
    assert_eq!(undone(&world), []);
    world.run();
    assert_eq!(world.gateway.kept, 0);
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn the_fingerprint_is_that_of_the_reason_not_of_the_trip() {
    let print = |message: &str| fingerprint(Direction::Undo, Step::Car, &Failure::new(Code::Unavailable, message));
    let first = print("The fleet car_01h455vb4pex5vsknk084sn02q did not answer within 60 s.");
    assert_eq!(first, print("The fleet car_01h455vb4pex5vsknk084sn0aa did not answer within 61 s."));
    assert!(first.starts_with("undo-car-UNAVAILABLE-"), "{first}");
    assert_ne!(first, print("The fleet is closed."));
}

#[test]
fn what_may_have_been_heard_before_a_payment_was_given_up_is_not_noted_as_late() {
    let mut world = payment_in_doubt();
    world.resolve(Resolution::GiveUp).expect("accepted");
    let heard = |outcome| {
        let answer = Answer { step: Step::Payment, direction: Direction::Request, attempt: 1, outcome };
        world.saga().decide(TripSagaCommand::Answer { answer, occasion: at(NOW) }).expect("answers are never refused")
    };
    let away = || Failure::new(Code::Unavailable, "The gateway is away.");
    assert_eq!(heard(Outcome::Faulted(away())), []);
    assert_eq!(heard(Outcome::Unknown(away())), []);
    assert!(matches!(heard(Outcome::Done)[..], [TripSagaEvent::LateAnswerNoted { .. }]), "this is news");
}
