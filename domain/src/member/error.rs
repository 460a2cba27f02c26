//! Why a command to a member is refused.

use crate::failure::Code;

/// Refusals of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// This identity is a member.
    #[error("you are a member already: change the profile with updateProfile")]
    AlreadySignedUp,
    /// This identity was a member.
    #[error("this member was closed and stays closed: ask the operators")]
    Closed,
    /// The stream is empty.
    #[error("no such member: sign up first")]
    NotFound,
    /// Nobody refers to somebody who is not there.
    #[error("the referrer is no member: check the id or leave it out")]
    NoReferrer,
}

impl MemberError {
    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::AlreadySignedUp => Code::AlreadyExists,
            Self::Closed => Code::MemberClosed,
            Self::NotFound | Self::NoReferrer => Code::NotFound,
        }
    }

    /// The input field at fault, as the API names it; empty when no single field is.
    pub const fn field(self) -> &'static str {
        match self {
            Self::NoReferrer => "referrer",
            _ => "",
        }
    }
}
