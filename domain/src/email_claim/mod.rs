//! An e-mail address belongs to one member at most. It stands in a stream of its own, named by the address, so that the log refuses the
//! second of two who claim it at once, in whichever processes.

mod command;
mod error;
mod event;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use command::EmailClaimCommand;
pub use error::EmailClaimError;
pub use event::EmailClaimEvent;

use crate::aggregate::cqrs_aggregate;
use crate::id::{MemberId, StreamKind};

/// The states of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EmailClaim {
    /// Nobody's.
    #[default]
    Free,
    /// A member's; that of a member that has left stays taken.
    Held {
        /// Whose.
        by: MemberId,
    },
}

impl EmailClaim {
    /// What the command makes happen. No events: it is so already.
    ///
    /// # Errors
    ///
    /// See [`EmailClaimError`].
    pub fn decide(self, command: EmailClaimCommand) -> Result<Vec<EmailClaimEvent>, EmailClaimError> {
        match (self, command) {
            (Self::Free, EmailClaimCommand::Claim { member }) => Ok(vec![EmailClaimEvent::EmailClaimed { member }]),
            (Self::Held { by }, EmailClaimCommand::Claim { member }) if by != member => Err(EmailClaimError::Taken),
            (Self::Held { by }, EmailClaimCommand::Release { member }) if by == member => {
                Ok(vec![EmailClaimEvent::EmailReleased { member }])
            }
            (Self::Held { .. } | Self::Free, _) => Ok(Vec::new()),
        }
    }

    /// Takes an event into the state.
    pub const fn apply(&mut self, event: &EmailClaimEvent) {
        *self = match event {
            EmailClaimEvent::EmailClaimed { member } => Self::Held { by: *member },
            EmailClaimEvent::EmailReleased { .. } => Self::Free,
        };
    }
}

cqrs_aggregate!(
    EmailClaim,
    StreamKind::EmailClaim,
    EmailClaimCommand,
    EmailClaimEvent,
    EmailClaimError,
    |state, command| state.decide(command)
);
