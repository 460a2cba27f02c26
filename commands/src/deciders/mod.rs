//! Who decides on callers' commands: an engine of this process, the processes of another role, or nobody.

mod remote;
#[cfg(test)]
mod tests;
mod wire;

use traveladvisor_domain::context::Context;
use traveladvisor_domain::failure::Code;
use traveladvisor_infra::services::Breaker;

pub use self::remote::Remote;
pub use self::wire::{Forwarded, take};
use crate::engine::Engine;
use crate::request::{CallerCommand, Receipt, Rejection, Request};

/// Who decides on the commands of one context.
#[derive(Clone)]
pub enum Decider {
    /// This process.
    Here(Engine),
    /// Another process.
    There(Remote),
    /// Neither is known.
    Nobody,
}

/// Who decides on the commands of each context. Cheap to clone.
#[derive(Clone)]
pub struct Deciders {
    /// In the order of [`Context::ALL`].
    each: [Decider; Context::ALL.len()],
    /// Whose log each context's events stand in, in the same order; absent where there is one log for all.
    logs: Option<[Context; Context::ALL.len()]>,
}

impl Deciders {
    /// One engine for all, on one log.
    pub fn here(engine: &Engine) -> Self {
        Self { each: std::array::from_fn(|_| Decider::Here(engine.clone())), logs: None }
    }

    /// As is said for each context; all share one log.
    pub fn each(decider: impl Fn(Context) -> Decider) -> Self {
        Self { each: Context::ALL.map(decider), logs: None }
    }

    /// The same where contexts have logs of their own; `log_of` tells whose log holds a context's events.
    #[must_use]
    pub fn on_logs(self, log_of: impl Fn(Context) -> Context) -> Self {
        Self { logs: Some(Context::ALL.map(log_of)), ..self }
    }

    /// In whose log the positions count that a command is answered with; none where there is one log for all.
    pub fn log_of(&self, command: &CallerCommand) -> Option<Context> {
        self.logs.map(|logs| logs[command.context() as usize])
    }

    /// Has a command decided. Answered as [`Engine::submit`] does.
    pub async fn submit(&self, request: Request) -> Result<Receipt, Rejection> {
        match self.of(request.command.context()) {
            Decider::Here(engine) => engine.submit(request).await,
            Decider::There(remote) => remote.submit(&request).await,
            Decider::Nobody => Err(Rejection::new(
                Code::Unavailable,
                "This process does not know who decides on this: ask the gateway of the installation.",
            )),
        }
    }

    /// The engine of this process that decides on the commands of a context, if one does.
    pub const fn engine(&self, context: Context) -> Option<&Engine> {
        match self.of(context) {
            Decider::Here(engine) => Some(engine),
            Decider::There(_) | Decider::Nobody => None,
        }
    }

    /// How the breakers before the processes of other roles stand.
    pub fn breakers(&self) -> impl Iterator<Item = Breaker> {
        self.each.iter().flat_map(|decider| match decider {
            Decider::There(remote) => remote.breakers().collect(),
            Decider::Here(_) | Decider::Nobody => Vec::new(),
        })
    }

    const fn of(&self, context: Context) -> &Decider {
        &self.each[context as usize]
    }
}
