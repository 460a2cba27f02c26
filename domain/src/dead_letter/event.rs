//! A message that could not be handled.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Known;
use crate::failure::Failure;
use crate::id::{BookingId, StreamId, StreamKind};
use crate::message::Direction;
use crate::shape::event_shapes;
use crate::trip::Step;

/// The instruction that a dead letter was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UnansweredInstruction {
    /// Which step.
    pub step: Step,
    /// Request or undo.
    pub direction: Direction,
    /// Which attempt.
    pub attempt: u32,
}

/// Events of the stream `dead_letter`; its UUID is the message's id. Ids and reasons only (L8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum DeadLetterEvent {
    /// A message was set aside. If it was a saga's instruction, this answers it as a fault.
    MessageDeadLettered {
        /// The trip it is about, if it is about one.
        booking: Option<BookingId>,
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
    /// A record of another log's topic could not be read or handled and was set aside. What is known of an instruction answers it as a fault.
    RecordDeadLettered {
        /// Its topic.
        topic: String,
        /// Its partition there.
        partition: i32,
        /// Its offset there: an operator finds it by these three.
        offset: u64,
        /// The trip it is about, if that can be read.
        booking: Option<BookingId>,
        /// What it was, if it was an instruction and that much can be read.
        instruction: Option<UnansweredInstruction>,
        /// Why it was set aside.
        failure: Failure,
    },
    /// An operator wants it tried again.
    LetterRetried {
        /// The trip it is about, if that is known.
        booking: Option<BookingId>,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// An operator has given it up: it never comes again.
    LetterDiscarded {
        /// The trip it is about, if that is known.
        booking: Option<BookingId>,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
}

impl DeadLetterEvent {
    /// Why it was set aside; absent in what operators say.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::MessageDeadLettered { failure, .. } | Self::RecordDeadLettered { failure, .. } => Some(failure),
            Self::LetterRetried { .. } | Self::LetterDiscarded { .. } => None,
        }
    }

    /// The trip it is about, if that is known.
    pub const fn booking(&self) -> Option<BookingId> {
        match self {
            Self::MessageDeadLettered { booking, .. }
            | Self::RecordDeadLettered { booking, .. }
            | Self::LetterRetried { booking, .. }
            | Self::LetterDiscarded { booking, .. } => *booking,
        }
    }

    /// The same message set aside once more, for another reason.
    #[must_use]
    pub fn because(mut self, reason: Failure) -> Self {
        if let Self::MessageDeadLettered { failure, .. } | Self::RecordDeadLettered { failure, .. } = &mut self {
            *failure = reason;
        }
        self
    }

    /// Where it came from in its own log; absent for what came over a broker.
    fn cause(&self) -> Option<(StreamKind, Uuid, u64)> {
        let Self::MessageDeadLettered { cause_stream, cause_sequence, .. } = self else { return None };
        let stream: StreamId = cause_stream.parse().ok()?;
        Some((stream.kind, stream.uuid, *cause_sequence))
    }

    pub(super) fn known(&self) -> Known {
        Known { booking: self.booking(), cause: self.cause() }
    }
}

event_shapes! {
    DeadLetterEvent {
        MessageDeadLettered: [],
        RecordDeadLettered: [],
        LetterRetried: [],
        LetterDiscarded: [],
    }
}
