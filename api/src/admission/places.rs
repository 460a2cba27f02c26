//! Room for requests under execution.

use std::sync::Arc;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::graphql::types::ErrorCode;
use crate::http::Refusal;
use crate::limits::{EXECUTIONS_MAX, OVERLOADED_RETRY_AFTER};

/// The places for requests under execution. Nobody waits for one: who finds none is told at once.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Semaphore>);

/// A place that is taken; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _held: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        Self::new(EXECUTIONS_MAX)
    }
}

impl Places {
    /// So many.
    pub(crate) fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    /// Takes a place; none when all are taken, which is answered with [`overloaded`].
    pub(crate) fn enter(&self) -> Option<Place> {
        self.0.clone().try_acquire_owned().ok().map(|held| Place { _held: held })
    }
}

/// The answer to who finds no place.
pub(crate) fn overloaded() -> Refusal {
    let message = "Too many requests are being answered: try again in a moment, with the same idempotency key.";
    let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, message);
    refusal.headers.insert(RETRY_AFTER, HeaderValue::from(OVERLOADED_RETRY_AFTER.as_secs()));
    refusal
}
