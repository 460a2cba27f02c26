//! Why an address cannot be had.

use crate::failure::Code;

/// Refusals of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailClaimError {
    /// It belongs to somebody else.
    #[error("this address belongs to another member: use another one, or sign in as that member")]
    Taken,
}

impl EmailClaimError {
    /// The stable code.
    pub const fn code(self) -> Code {
        Code::AlreadyExists
    }

    /// The input field at fault, as the API names it.
    pub const fn field(self) -> &'static str {
        "email"
    }
}
