//! What a caller did wrong, as data.

use async_graphql::SimpleObject;
use traveladvisor_commands::Rejection;

use super::ErrorCode;

/// Name of the argument that every mutation takes: the first step of every path.
pub(crate) const INPUT: &str = "input";

/// Something the caller can put right.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub(crate) struct UserError {
    /// Stable code, for programs.
    pub(crate) code: ErrorCode,
    /// One sentence that says what to do, for people.
    pub(crate) message: String,
    /// The input field at fault, for example `["input", "hotel", "checkIn"]`; empty when no single field is.
    pub(crate) path: Vec<String>,
}

impl UserError {
    /// An error at a field below `input`; with no steps, at no single field.
    pub(crate) fn at(code: ErrorCode, message: impl Into<String>, steps: impl IntoIterator<Item = String>) -> Self {
        let mut path: Vec<String> = steps.into_iter().collect();
        if !path.is_empty() {
            path.insert(0, INPUT.to_owned());
        }
        Self { code, message: message.into(), path }
    }
}

impl From<Rejection> for UserError {
    fn from(rejection: Rejection) -> Self {
        Self::at(rejection.code.into(), rejection.message, rejection.path)
    }
}
