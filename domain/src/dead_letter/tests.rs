use uuid::Uuid;

use super::{DeadLetter, DeadLetterCommand, DeadLetterError, DeadLetterEvent, timer_letter};
use crate::failure::{Code, Failure};
use crate::id::{BookingId, StreamId, StreamKind};

fn letter() -> DeadLetterEvent {
    DeadLetterEvent::MessageDeadLettered {
        booking: Some(BookingId(Uuid::nil())),
        cause_stream: "booking_00000000000000000000000000".into(),
        cause_sequence: 1,
        place: 0,
        instruction: None,
        failure: Failure::new(Code::Internal, "The decision failed."),
    }
}

fn after(events: &[DeadLetterEvent]) -> DeadLetter {
    let mut state = DeadLetter::default();
    for event in events {
        state.apply(event);
    }
    state
}

fn retry() -> DeadLetterCommand {
    DeadLetterCommand::Retry { actor: "operator".into(), reason: "mended".into() }
}

fn discard() -> DeadLetterCommand {
    DeadLetterCommand::Discard { actor: "operator".into(), reason: "of no use".into() }
}

fn set_aside() -> DeadLetterCommand {
    DeadLetterCommand::SetAside { letter: letter() }
}

#[test]
fn a_message_is_set_aside_once() {
    assert_eq!(after(&[]).decide(set_aside()), Ok(vec![letter()]));
    assert_eq!(after(&[letter()]).decide(set_aside()), Ok(vec![]));
}

#[test]
fn a_letter_that_was_tried_again_can_be_set_aside_once_more() {
    let retried = after(&[letter()]).decide(retry()).expect("it can be tried again");
    let state = after(&[letter(), retried[0].clone()]);
    assert_eq!(state.decide(set_aside()), Ok(vec![letter()]));
    assert_eq!(state.decide(retry()).map(|events| events.len()), Ok(1), "and again");
}

#[test]
fn a_letter_that_was_given_up_stays_so() {
    let discarded = after(&[letter()]).decide(discard()).expect("it can be given up");
    let state = after(&[letter(), discarded[0].clone()]);
    assert_eq!(state.decide(discard()), Ok(vec![]));
    assert_eq!(state.decide(retry()), Err(DeadLetterError::Discarded));
    assert_eq!(state.decide(set_aside()), Ok(vec![]));
    assert_eq!(after(&[]).decide(discard()), Err(DeadLetterError::NotFound));
}

#[test]
fn what_an_operator_says_bears_the_trip_of_the_letter() {
    for command in [retry(), discard()] {
        let said = after(&[letter()]).decide(command).expect("it is taken");
        assert_eq!(said[0].booking(), letter().booking());
    }
}

#[test]
fn a_letter_of_a_timer_is_known_by_its_id_also_after_it_was_tried_again() {
    let saga = StreamId::new(StreamKind::TripSaga, Uuid::from_u128(7));
    let mut of_timer = letter();
    if let DeadLetterEvent::MessageDeadLettered { cause_stream, cause_sequence, .. } = &mut of_timer {
        (*cause_stream, *cause_sequence) = (saga.to_string(), 3);
    }
    let retried = after(&[of_timer.clone()]).decide(retry()).expect("it can be tried again");
    for state in [after(&[of_timer.clone()]), after(&[of_timer, retried[0].clone()])] {
        assert_eq!(state.timer(timer_letter(saga, 3)), Some(saga));
        assert_eq!(state.timer(timer_letter(saga, 4)), None, "a message stands behind it");
    }
}
