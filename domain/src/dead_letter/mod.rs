//! A message that could not be handled: set aside with its reason, and, if it was an instruction, answered as a fault.

mod command;
mod error;
mod event;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use command::DeadLetterCommand;
pub use error::DeadLetterError;
pub use event::{DeadLetterEvent, UnansweredInstruction};

use crate::aggregate::cqrs_aggregate;
use crate::id::{BookingId, StreamId, StreamKind};

/// The states of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeadLetter {
    /// The message is in good standing.
    #[default]
    Absent,
    /// It was set aside.
    SetAside(Known),
    /// An operator has it tried again; nothing is known of how that went, unless it is set aside once more.
    Retried(Known),
    /// An operator has given it up.
    Discarded,
}

/// What operators' verbs need to know of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    booking: Option<BookingId>,
    cause: Option<(StreamKind, Uuid, u64)>,
}

impl DeadLetter {
    /// What the command makes happen. No events: it is so already.
    ///
    /// # Errors
    ///
    /// See [`DeadLetterError`].
    pub fn decide(&self, command: DeadLetterCommand) -> Result<Vec<DeadLetterEvent>, DeadLetterError> {
        match (self, command) {
            (Self::Absent | Self::Retried(_), DeadLetterCommand::SetAside { letter }) => Ok(vec![letter]),
            (Self::SetAside(_) | Self::Discarded, DeadLetterCommand::SetAside { .. })
            | (Self::Discarded, DeadLetterCommand::Discard { .. }) => Ok(Vec::new()),
            (Self::Absent, _) => Err(DeadLetterError::NotFound),
            (Self::Discarded, DeadLetterCommand::Retry { .. }) => Err(DeadLetterError::Discarded),
            (Self::SetAside(known) | Self::Retried(known), DeadLetterCommand::Retry { actor, reason }) => {
                Ok(vec![DeadLetterEvent::LetterRetried { booking: known.booking, actor, reason }])
            }
            (Self::SetAside(known) | Self::Retried(known), DeadLetterCommand::Discard { actor, reason }) => {
                Ok(vec![DeadLetterEvent::LetterDiscarded { booking: known.booking, actor, reason }])
            }
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &DeadLetterEvent) {
        *self = match (event, *self) {
            (DeadLetterEvent::MessageDeadLettered { .. } | DeadLetterEvent::RecordDeadLettered { .. }, _) => {
                Self::SetAside(event.known())
            }
            (DeadLetterEvent::LetterRetried { .. }, Self::SetAside(known) | Self::Retried(known)) => {
                Self::Retried(known)
            }
            (DeadLetterEvent::LetterRetried { .. }, _) => Self::Retried(event.known()),
            (DeadLetterEvent::LetterDiscarded { .. }, _) => Self::Discarded,
        };
    }

    /// Whether an operator has given it up: its message never comes again.
    pub const fn is_discarded(&self) -> bool {
        matches!(self, Self::Discarded)
    }

    /// The saga whose timer it stands for, if no message stands behind it.
    pub fn timer(&self, letter: Uuid) -> Option<StreamId> {
        let (Self::SetAside(known) | Self::Retried(known)) = self else { return None };
        let (kind, uuid, sequence) = known.cause?;
        let saga = StreamId::new(kind, uuid);
        (timer_letter(saga, sequence) == letter).then_some(saga)
    }
}

/// What stands for the message of a timer that could not be handled after this event of its saga.
pub fn timer_letter(saga: StreamId, sequence: u64) -> Uuid {
    Uuid::new_v5(&saga.uuid, format!("timer {sequence}").as_bytes())
}

cqrs_aggregate!(
    DeadLetter,
    StreamKind::DeadLetter,
    DeadLetterCommand,
    DeadLetterEvent,
    DeadLetterError,
    |state, command| state.decide(command)
);
