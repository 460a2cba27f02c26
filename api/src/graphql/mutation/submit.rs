//! From a checked command to its outcome: what all mutations share.

use std::sync::Arc;

use async_graphql::{Context, Result};
use traveladvisor_commands::input::FieldError;
use traveladvisor_commands::{CallerCommand, Deciders, IdempotencyKey, Receipt, Rejection, Request};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::StreamId;

use crate::caller::{Caller, RequestId, Trace};
use crate::graphql::fault::{fault, internal};
use crate::graphql::types::{ErrorCode, UserError};
use crate::place::Place;

/// What a command came to: durable, or what the caller can put right.
pub(crate) type Outcome = std::result::Result<Accepted, Vec<UserError>>;

/// A command that is durable, or was so already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The stream that was created or changed.
    pub(crate) subject: StreamId,
    /// Read there to see the effect.
    pub(crate) position: Place,
}

/// A command and what goes with it.
pub(crate) struct Submission {
    pub(crate) command: CallerCommand,
    pub(crate) idempotency: Option<IdempotencyKey>,
    pub(crate) expected_version: Option<u64>,
}

impl From<CallerCommand> for Submission {
    fn from(command: CallerCommand) -> Self {
        Self { command, idempotency: None, expected_version: None }
    }
}

/// Hands a command to the engine in the caller's name.
pub(crate) async fn submit(ctx: &Context<'_>, submission: Submission) -> Result<Outcome> {
    let deciders = ctx.data::<Deciders>().map_err(|error| internal(&error.message))?;
    let caller = ctx.data::<Arc<Caller>>().map_err(|error| internal(&error.message))?;
    let trace = ctx.data::<Trace>().map_err(|error| internal(&error.message))?;
    let request_id = ctx.data::<RequestId>().map_err(|error| internal(&error.message))?;
    let request = Request {
        command: submission.command,
        caller: caller.owner().to_owned(),
        idempotency: submission.idempotency,
        expected_version: submission.expected_version,
        traceparent: trace.0.clone(),
        request_id: request_id.0.as_deref().map(str::to_owned),
    };
    let log = deciders.log_of(&request.command);
    let there = |position| Place { log, position };
    match deciders.submit(request).await {
        Ok(Receipt { subject, position, .. }) => Ok(Ok(Accepted { subject, position: there(position) })),
        Err(rejection) => {
            let seen_at = rejection.seen_at.map(there);
            refused(rejection).map(|error| Err(vec![UserError { seen_at, ..error }]))
        }
    }
}

/// What the caller did is data; what happened to us is a fault.
fn refused(rejection: Rejection) -> Result<UserError> {
    match rejection.code {
        Code::Internal => Err(internal(&rejection)),
        Code::Overloaded | Code::Unavailable | Code::DeadlineExceeded => {
            Err(fault(rejection.code.into(), rejection.message))
        }
        _ => Ok(rejection.into()),
    }
}

/// What is wrong with an input, gathered field by field so that a caller hears all of it at once.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<UserError>);

impl Findings {
    /// Keeps the error of a rule, seen from the place where its value stands.
    pub(crate) fn check<T>(&mut self, place: &[&str], result: std::result::Result<T, FieldError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let steps = place.iter().map(|step| (*step).to_owned()).chain(error.path);
                self.0.push(UserError::at(error.code.into(), sentence(&error.message), steps));
                None
            }
        }
    }

    /// An error of our own.
    pub(crate) fn add(&mut self, code: ErrorCode, message: impl Into<String>, place: &[&str]) {
        self.0.push(UserError::at(code, message, place.iter().map(|step| (*step).to_owned())));
    }

    /// An id, or `NOT_FOUND`: a text of another form names nothing that exists.
    pub(crate) fn id<T: std::str::FromStr>(&mut self, place: &[&str], what: &str, text: &str) -> Option<T> {
        let id = text.parse().ok();
        if id.is_none() {
            self.add(ErrorCode::NotFound, format!("There is no such {what}: check the id."), place);
        }
        id
    }

    /// The value if nothing was found.
    pub(crate) fn settle<T>(self, value: Option<T>) -> std::result::Result<T, Vec<UserError>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

/// The rules' messages begin in lower case, to stand behind a path; alone they are sentences.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}
