//! Why a process manager refuses.

use crate::failure::Code;

/// Refusals of a process manager: operators' verbs, and all of a saga whose definition this program lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TripSagaError {
    /// The stream is empty.
    #[error("no such saga: check the booking's id")]
    NotFound,
    /// Nothing about it waits for an operator.
    #[error("the saga does not need this: it is at work or has ended; look at it first")]
    NothingToResolve,
    /// The verb is about a reason for which it waited before.
    #[error("the saga waits for another reason by now: look at it again, then decide")]
    AnotherReason,
    /// A call about the money is under way, and an operator's evidence is older than it.
    #[error("the gateway is being asked this very moment: wait for what it says, then look again")]
    BeingAsked,
    /// The verb does not fit the step that waits.
    #[error("only a payment whose outcome is unknown can be marked as done: retry, mark it undone or give it up")]
    OnlyPaymentsAreMarkedDone,
    /// Points are counted here.
    #[error("the trip is paid with points, and their account tells what came of them: retry or give it up")]
    AccountTells,
    /// The booking's own last step.
    #[error("what is left is the booking itself, which nobody outside can have done or undone: retry")]
    OnlyRetry,
    /// It was started by another version of the program.
    #[error(
        "the saga follows definition {0}, which this program does not have: use the program that started it, or a later one"
    )]
    UnknownDefinition(u32),
}

impl TripSagaError {
    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::NothingToResolve
            | Self::AnotherReason
            | Self::BeingAsked
            | Self::OnlyPaymentsAreMarkedDone
            | Self::AccountTells
            | Self::OnlyRetry => Code::NotResolvable,
            Self::UnknownDefinition(_) => Code::Internal,
        }
    }

    /// The input field at fault, as the API names it.
    pub const fn field(self) -> &'static str {
        match self {
            Self::NotFound | Self::UnknownDefinition(_) => "bookingId",
            Self::AnotherReason => "fingerprint",
            Self::NothingToResolve
            | Self::BeingAsked
            | Self::OnlyPaymentsAreMarkedDone
            | Self::AccountTells
            | Self::OnlyRetry => "verb",
        }
    }
}
