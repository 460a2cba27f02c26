//! A person who has signed up: one for an identity, one for an e-mail address.

mod command;
mod error;
mod event;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use command::{CONTACT_NUMBER_CHARS_MAX, MemberCommand, NAME_CHARS_MAX, REASON_CHARS_MAX};
pub use error::MemberError;
pub use event::{Gender, MemberEvent, Profile, ProfileChanges};

use crate::aggregate::cqrs_aggregate;
use crate::id::{MemberId, StreamKind};
use crate::personal::Personal;

/// The states of a member.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Member {
    /// Nobody with this identity has signed up.
    #[default]
    Absent,
    /// A member.
    Active {
        /// Whose profile it is, and the profile.
        profile: Box<Personal<Profile>>,
    },
    /// Was a member.
    Closed,
}

impl Member {
    /// What the command makes happen. No events: it is so already.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub fn decide(&self, command: MemberCommand) -> Result<Vec<MemberEvent>, MemberError> {
        match (self, command) {
            (Self::Absent, MemberCommand::SignUp { identity, profile, referrer }) => {
                let subject = MemberId::of(&identity).to_string();
                let profile = Personal { subject, value: profile };
                Ok(vec![MemberEvent::MemberSignedUp { identity, profile, referrer }])
            }
            (Self::Active { .. }, MemberCommand::SignUp { .. }) => Err(MemberError::AlreadySignedUp),
            (Self::Closed, MemberCommand::SignUp { .. } | MemberCommand::ChangeProfile { .. }) => {
                Err(MemberError::Closed)
            }
            (Self::Absent, _) => Err(MemberError::NotFound),
            (Self::Active { profile }, MemberCommand::ChangeProfile { changes }) => {
                let value = changes.from(&profile.value);
                if value == ProfileChanges::default() {
                    return Ok(Vec::new());
                }
                let changes = Personal { subject: profile.subject.clone(), value };
                Ok(vec![MemberEvent::ProfileChanged { changes }])
            }
            (Self::Active { .. }, MemberCommand::Close { reason }) => Ok(vec![MemberEvent::MemberClosed { reason }]),
            (Self::Closed, MemberCommand::Close { .. }) => Ok(Vec::new()),
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &MemberEvent) {
        match (&mut *self, event) {
            (_, MemberEvent::MemberSignedUp { profile, .. }) => {
                *self = Self::Active { profile: Box::new(profile.clone()) };
            }
            (Self::Active { profile }, MemberEvent::ProfileChanged { changes }) => {
                profile.value = changes.value.of(&profile.value);
            }
            (Self::Absent | Self::Closed, MemberEvent::ProfileChanged { .. }) => {}
            (_, MemberEvent::MemberClosed { .. }) => *self = Self::Closed,
        }
    }

    /// Whether somebody with this identity is a member now.
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Active { .. })
    }

    /// The address that the member has now.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Active { profile } => Some(&profile.value.email),
            Self::Absent | Self::Closed => None,
        }
    }
}

cqrs_aggregate!(Member, StreamKind::Member, MemberCommand, MemberEvent, MemberError, |state, command| state
    .decide(command));
