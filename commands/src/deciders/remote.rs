//! Hands commands to the processes of another role.

use traveladvisor_domain::failure::Code;
use traveladvisor_infra::services::{Answered, Breaker, NoAnswer, Repeats, Service};

use super::wire::Reply;
use crate::request::{Receipt, Rejection, Request};

/// Statuses of a process, beside 200, of which the meaning is known.
const TOO_LARGE: u16 = 413;
const DECIDED: u16 = 200;

/// The processes of another role. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Remote(Service);

impl Remote {
    /// Commands go to these processes.
    pub const fn new(service: Service) -> Self {
        Self(service)
    }

    /// How the breaker before each of them stands.
    pub(super) fn breakers(&self) -> impl Iterator<Item = Breaker> {
        self.0.breakers()
    }

    /// Has a command decided there.
    pub(super) async fn submit(&self, request: &Request) -> Result<Receipt, Rejection> {
        let body = serde_json::to_vec(request).map_err(|error| {
            tracing::error!(%error, "a command cannot be written");
            Rejection::new(Code::Internal, "Something is wrong with this program: tell its operators.")
        })?;
        match self.0.ask(body, repeats(request)).await {
            Ok(answered) => self.read(&answered),
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    fn read(&self, answered: &Answered) -> Result<Receipt, Rejection> {
        let status = answered.status.as_u16();
        if status == TOO_LARGE {
            return Err(Rejection::new(
                Code::InvalidInput,
                "This is too much for one command: give less of it at once.",
            ));
        }
        if status != DECIDED {
            tracing::error!(role = self.0.role(), status, "commands are refused: compare services.token and versions");
            return Err(self.nobody());
        }
        let reply: Option<Reply> = serde_json::from_slice(&answered.body).ok();
        reply.and_then(Reply::into_answer).unwrap_or_else(|| {
            tracing::error!(role = self.0.role(), "an answer cannot be read: compare versions");
            Err(outcome_unknown())
        })
    }

    fn unanswered(&self, error: &NoAnswer) -> Rejection {
        tracing::warn!(role = self.0.role(), %error, "a command was not answered");
        match error {
            NoAnswer::Full => Rejection::new(Code::Overloaded, "Too many commands are waiting: try again in a moment."),
            NoAnswer::Open | NoAnswer::NotSent(_) => self.nobody(),
            NoAnswer::Lost(_) => outcome_unknown(),
        }
    }

    /// Nothing was done, so that a key makes no difference.
    fn nobody(&self) -> Rejection {
        let message =
            format!("The service {} does not answer, nothing was done: ask again in a moment.", self.0.role());
        Rejection::new(Code::Unavailable, message)
    }
}

/// With a key the second time finds what the first has done.
fn repeats(request: &Request) -> Repeats {
    let is_harmless = request.idempotency.is_some()
        || request.expected_version.is_some()
        || request.command.is_naturally_idempotent();
    if is_harmless { Repeats::Harmless } else { Repeats::Never }
}

fn outcome_unknown() -> Rejection {
    Rejection::new(Code::Unavailable, "The outcome is not known yet: ask again with the same idempotency key.")
}
