//! Why a reward cannot be granted.

use crate::failure::Code;

/// Refusals of a reward. Requests of sagas are refused by an event instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RewardError {
    /// The cause was rewarded, for somebody else.
    #[error("this cause was rewarded already, for another member: give another cause")]
    AnotherMember,
}

impl RewardError {
    /// The stable code.
    pub const fn code(self) -> Code {
        Code::AlreadyExists
    }

    /// The input field at fault, as the API names it.
    pub const fn field(self) -> &'static str {
        "cause"
    }
}
