//! Why a command to a dead letter is refused.

use crate::failure::Code;

/// Refusals of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeadLetterError {
    /// The stream is empty.
    #[error("there is no such dead letter: look for it in `traveladvisor dead-letters list`")]
    NotFound,
    /// It was given up.
    #[error("it was discarded: its message never comes again")]
    Discarded,
}

impl DeadLetterError {
    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Discarded => Code::NotResolvable,
        }
    }
}
