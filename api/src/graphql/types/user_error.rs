//! What a caller did wrong, as data.

use async_graphql::SimpleObject;
use traveladvisor_commands::Rejection;
use traveladvisor_infra::event_log::Position;

use super::ErrorCode;
use crate::graphql::scrub::has_long_number;

/// Name of the argument that every mutation takes: the first step of every path.
pub(crate) const INPUT: &str = "input";
const PLAIN: &str = "What was given is not known here: compare the field with what is on offer.";

/// Something the caller can put right.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub(crate) struct UserError {
    /// Stable code, for programs.
    pub(crate) code: ErrorCode,
    /// One sentence that says what to do, for people.
    pub(crate) message: String,
    /// The input field at fault, for example `["input", "hotel", "checkIn"]`; empty when no single field is.
    pub(crate) path: Vec<String>,
    /// Where the state that stood in the way can be read, when it is that of what was to be changed.
    #[graphql(skip)]
    pub(crate) seen_at: Option<Position>,
}

impl UserError {
    /// An error at a field below `input`; with no steps, at no single field.
    pub(crate) fn at(code: ErrorCode, message: impl Into<String>, steps: impl IntoIterator<Item = String>) -> Self {
        let mut path: Vec<String> = steps.into_iter().collect();
        if !path.is_empty() {
            path.insert(0, INPUT.to_owned());
        }
        Self { code, message: message.into(), path, seen_at: None }
    }
}

impl From<Rejection> for UserError {
    /// A rejection may name what was asked for, such as a room type; one that looks like a card's number is not said again.
    fn from(rejection: Rejection) -> Self {
        let Rejection { code, message, path, seen_at } = rejection;
        let message = if has_long_number(&message) { PLAIN.to_owned() } else { message };
        Self { seen_at, ..Self::at(code.into(), message, path) }
    }
}
