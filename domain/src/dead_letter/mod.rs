//! A message that could not be handled: set aside with its reason, and, if it was an instruction, answered as a fault.

mod command;
mod event;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

pub use command::DeadLetterCommand;
pub use event::{DeadLetterEvent, UnansweredInstruction};

use crate::aggregate::cqrs_aggregate;
use crate::id::StreamKind;

/// The states of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeadLetter {
    /// The message is in good standing.
    #[default]
    Absent,
    /// It was set aside.
    SetAside,
}

impl DeadLetter {
    /// Sets a message aside once.
    pub fn decide(&self, command: DeadLetterCommand) -> Vec<DeadLetterEvent> {
        let DeadLetterCommand::SetAside { letter } = command;
        match self {
            Self::Absent => vec![letter],
            Self::SetAside => Vec::new(),
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &DeadLetterEvent) {
        let DeadLetterEvent::MessageDeadLettered { .. } = event;
        *self = Self::SetAside;
    }
}

cqrs_aggregate!(
    DeadLetter,
    StreamKind::DeadLetter,
    DeadLetterCommand,
    DeadLetterEvent,
    Infallible,
    |state, command| Ok(state.decide(command))
);
