use uuid::Uuid;

use super::{DeadLetter, DeadLetterCommand, DeadLetterEvent};
use crate::failure::{Code, Failure};
use crate::id::BookingId;

#[test]
fn a_message_is_set_aside_once() {
    let letter = DeadLetterEvent::MessageDeadLettered {
        booking: BookingId(Uuid::nil()),
        cause_stream: "booking_00000000000000000000000000".into(),
        cause_sequence: 1,
        place: 0,
        instruction: None,
        failure: Failure::new(Code::Internal, "The decision failed."),
    };
    let mut state = DeadLetter::default();
    let events = state.decide(DeadLetterCommand::SetAside { letter: letter.clone() });
    assert_eq!(events, vec![letter.clone()]);
    state.apply(&events[0]);
    assert_eq!(state.decide(DeadLetterCommand::SetAside { letter }), vec![]);
}
