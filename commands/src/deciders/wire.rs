//! How a command and its answer look between two processes of one installation: JSON, in which programs of two versions can meet.

use serde::{Deserialize, Serialize};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::Position;

use super::Deciders;
use crate::request::{Receipt, Rejection, Request};

/// What became of a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    Accepted { subject: String, position: Position, changed: bool },
    Rejected(Rejection),
}

impl Reply {
    /// The engine's answer as it was given; none when it cannot be read.
    pub(super) fn into_answer(self) -> Option<Result<Receipt, Rejection>> {
        match self {
            Self::Rejected(rejection) => Some(Err(rejection)),
            Self::Accepted { subject, position, changed } => {
                let subject: StreamId = subject.parse().ok()?;
                Some(Ok(Receipt { subject, position, changed }))
            }
        }
    }
}

impl From<Result<Receipt, Rejection>> for Reply {
    fn from(answer: Result<Receipt, Rejection>) -> Self {
        match answer {
            Ok(Receipt { subject, position, changed }) => {
                Self::Accepted { subject: subject.to_string(), position, changed }
            }
            Err(rejection) => Self::Rejected(rejection),
        }
    }
}

/// What became of a command that another process has handed over.
#[derive(Debug)]
pub enum Forwarded {
    /// It was decided on: the reply, as JSON.
    Decided(Vec<u8>),
    /// Others decide on it.
    Misdirected,
    /// It cannot be read.
    Unreadable(String),
}

/// Has a command of another process decided by an engine of this one; it is never handed on.
pub async fn take(deciders: &Deciders, command: &[u8]) -> Forwarded {
    let request: Request = match serde_json::from_slice(command) {
        Ok(request) => request,
        // Where and what kind of thing, never what stands there: it may be personal.
        Err(error) => return Forwarded::Unreadable(format!("column {}, {:?}", error.column(), error.classify())),
    };
    let Some(engine) = deciders.engine(request.command.context()) else { return Forwarded::Misdirected };
    let reply = Reply::from(engine.submit(request).await);
    match serde_json::to_vec(&reply) {
        Ok(reply) => Forwarded::Decided(reply),
        Err(error) => Forwarded::Unreadable(error.to_string()),
    }
}
