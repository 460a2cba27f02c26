//! A message that could not be handled.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::BookingId;
use crate::message::Direction;
use crate::shape::event_shapes;
use crate::trip::Step;

/// The instruction that a dead letter was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnansweredInstruction {
    /// Which step.
    pub step: Step,
    /// Request or undo.
    pub direction: Direction,
    /// Which attempt.
    pub attempt: u32,
}

/// Events of the stream `dead_letter`; its UUID is the message's id. Ids and reasons only (L8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeadLetterEvent {
    /// A message was set aside. If it was a saga's instruction, this answers it as a fault.
    MessageDeadLettered {
        /// The trip it is about.
        booking: BookingId,
        /// The stream of the event that caused it.
        cause_stream: String,
        /// Its sequence there.
        cause_sequence: u64,
        /// The message's place in that event.
        place: u32,
        /// What it was, if it was an instruction.
        instruction: Option<UnansweredInstruction>,
        /// Why it could not be handled.
        failure: Failure,
    },
}

event_shapes! {
    DeadLetterEvent {
        MessageDeadLettered: [],
    }
}
