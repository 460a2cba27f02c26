//! What is not answered in time may have happened (L15): a part is taken back, a payment is asked for until it is known (L16).

use super::{World, asked, assert_ended, card, held, parts_of, released, undone};
use crate::aggregate::Event;
use crate::failure::Code;
use crate::message::{Direction, Message};
use crate::trip::Step;
use crate::trip_saga::{TripSaga, TripSagaEvent};

const PARTS: [Step; 3] = [Step::Hotel, Step::Flight, Step::Car];

fn count(world: &World, name: &str) -> usize {
    world.names().iter().filter(|known| *known == name).count()
}

fn gives_up_waiting_for(step: Step, direction: Direction) -> (World, Message) {
    let mut world = asked([true; 3], card());
    let message = world.hold(step, direction);
    assert!(world.outbox.is_empty() && world.wake(), "it waits no longer than its deadline");
    (world, message)
}

#[test]
fn a_part_whose_request_was_lost_is_taken_back_and_its_late_request_refused() {
    for (place, step) in PARTS.into_iter().enumerate() {
        let (mut world, late) = gives_up_waiting_for(step, Direction::Request);
        world.run();
        let in_reverse: Vec<Step> = PARTS[..=place].iter().rev().copied().collect();
        assert_eq!(undone(&world), in_reverse, "the one in doubt first");
        assert_eq!(count(&world, "ReservationBarred"), 1, "its undo came first and bars the request");
        assert_ended(&world, [true; 3], &card());
        world.outbox.push_back(late);
        world.run();
        assert_ended(&world, [true; 3], &card());
    }
}

#[test]
fn a_late_success_is_recorded_and_undone_once() {
    for step in PARTS {
        let mut world = asked([true; 3], card());
        let request = world.hold(step, Direction::Request);
        world.outbox.push_back(request);
        assert!(world.deliver(0), "the participant has it");
        let answer = world.outbox.pop_front().expect("and answers");
        assert!(world.wake());
        world.outbox.push_back(answer);
        world.run();
        assert_eq!(count(&world, "LateAnswerNoted"), 1);
        assert_eq!(count(&world, released(step)), 1);
        assert_ended(&world, [true; 3], &card());
    }
}

#[test]
fn the_traveller_is_told_that_a_part_did_not_answer() {
    let (world, _) = gives_up_waiting_for(Step::Flight, Direction::Request);
    let told = world.log.iter().find_map(|(_, event)| match event {
        Event::TripSaga(TripSagaEvent::StepTimedOut { step, failure, .. }) => Some((*step, failure.code)),
        _ => None,
    });
    assert_eq!(told, Some((Step::Flight, Code::DeadlineExceeded)));
}

#[test]
fn a_payment_is_never_taken_back_because_it_did_not_answer_in_time() {
    let (mut world, request) = gives_up_waiting_for(Step::Payment, Direction::Request);
    assert_eq!(undone(&world), []);
    world.outbox.push_back(request);
    world.run();
    assert!(matches!(world.saga(), TripSaga::Succeeded { .. }));
    assert_eq!(held(&world), parts_of([true; 3]).into_iter().collect());
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn an_undo_or_an_approval_that_is_not_answered_in_time_is_asked_for_again() {
    let mut world = asked([true; 3], card());
    world.hold(Step::Approve, Direction::Request);
    world.run();
    assert!(matches!(world.saga(), TripSaga::Succeeded { .. }));
    for step in [Step::Car, Step::Flight, Step::Hotel, Step::Payment, Step::Approve] {
        let mut world = asked([true; 3], card());
        world.run();
        world.cancel();
        world.hold(step, Direction::Undo);
        world.run();
        assert_eq!(count(&world, "UndoRetried"), 1);
        assert_ended(&world, [true; 3], &card());
    }
}
