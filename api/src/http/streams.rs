//! Answers that last: sockets and event streams, how many there may be, and their end when the server stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use traveladvisor_infra::clock::{Clock, SystemClock};

use super::Refusal;
use crate::caller::Caller;
use crate::graphql::types::ErrorCode;
use crate::limits::{SOCKETS_ARRIVING_MAX, STREAMS_MAX, STREAMS_PER_CALLER_MAX};

/// What a caller is told who has as many as one may have.
pub(super) const TOO_MANY_OF_CALLER: &str = "You have too many streams open: close one, or share a socket";

/// The streams of this process.
#[derive(Debug)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    callers: Callers,
    arriving: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

/// How many streams each caller has, by their opaque names. Callers without any are not kept.
type Callers = Arc<Mutex<HashMap<String, usize>>>;

/// A place for one stream, kept as long as it lasts.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    closing: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
    /// Beside its place, that of one who has not said yet who it is.
    arriving: Option<OwnedSemaphorePermit>,
}

/// A stream that counts for its caller until this is dropped.
#[derive(Debug)]
pub(crate) struct CallerPlace {
    callers: Callers,
    owner: String,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(STREAMS_MAX)),
            callers: Callers::default(),
            arriving: Arc::new(Semaphore::new(SOCKETS_ARRIVING_MAX)),
            closing: watch::Sender::new(false),
        }
    }
}

impl Streams {
    /// A place, if there is one.
    pub(super) fn enter(&self) -> Option<StreamPlace> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        Some(StreamPlace { closing: self.closing.subscribe(), _place: place, arriving: None })
    }

    /// A place for one who has still to say who it is.
    pub(super) fn arrive(&self) -> Option<StreamPlace> {
        let arriving = self.arriving.clone().try_acquire_owned().ok()?;
        Some(StreamPlace { arriving: Some(arriving), ..self.enter()? })
    }

    /// Counts a stream for its caller; none when there are too many of them, so that nobody alone takes all of [`STREAMS_MAX`].
    pub(super) fn enter_as(&self, owner: &str) -> Option<CallerPlace> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let count = callers.entry(owner.to_owned()).or_default();
        if *count >= STREAMS_PER_CALLER_MAX {
            return None;
        }
        *count += 1;
        Some(CallerPlace { callers: self.callers.clone(), owner: owner.to_owned() })
    }

    /// How many there are.
    pub(super) fn open(&self) -> usize {
        STREAMS_MAX - self.places.available_permits()
    }

    /// Tells all to end.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Waits until all have ended.
    pub(super) async fn ended(&self) {
        // Nobody closes the semaphore, so that an error cannot be.
        let _ = self.places.acquire_many(STREAMS_MAX as u32).await;
    }
}

/// What is answered when there is no place.
pub(super) fn full() -> Refusal {
    let message = "Too many streams are open here: try again in a moment.";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, message)
}

/// What a caller is answered who has as many as one may have.
pub(super) fn full_of_caller() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, TOO_MANY_OF_CALLER)
}

/// Until when a stream of this caller lasts; none when that is for its caller to say.
pub(super) fn until(caller: &Caller) -> Option<Instant> {
    let left = (caller.expires_at()? - SystemClock.now()).to_std().unwrap_or_default();
    Some(Instant::now() + left)
}

impl StreamPlace {
    /// It is known who this is: there is room for another who is not.
    pub(crate) fn acknowledged(&mut self) {
        self.arriving = None;
    }

    /// Waits until the server stops.
    pub(crate) async fn closing(&mut self) {
        // The sender outlives every place only by mistake: then it is time to end as well.
        let _ = self.closing.wait_for(|closing| *closing).await;
    }
}

impl Drop for CallerPlace {
    fn drop(&mut self) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = callers.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                callers.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_with_too_many_streams_keeps_nobody_else_out() {
        let streams = Streams::default();
        let mut held: Vec<_> = (0..STREAMS_PER_CALLER_MAX).map(|_| streams.enter_as("a").expect("room")).collect();
        assert!(streams.enter_as("a").is_none());
        assert!(streams.enter_as("b").is_some());
        held.pop();
        held.push(streams.enter_as("a").expect("room again"));
        drop(held);
        assert!(streams.callers.lock().expect("whole").is_empty(), "who is gone is forgotten");
    }

    #[test]
    fn there_are_so_many_streams_and_no_more() {
        let streams = Streams::default();
        let mut held: Vec<_> = (0..STREAMS_MAX).map(|_| streams.enter().expect("room")).collect();
        assert!(streams.enter().is_none());
        held.pop();
        assert_eq!(streams.open(), STREAMS_MAX - 1);
        assert!(streams.enter().is_some());
    }
}
