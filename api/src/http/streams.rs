//! Answers that last: sockets and event streams, how many there may be, and their end when the server stops.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::limits::STREAMS_MAX;

/// The streams of this process.
#[derive(Debug)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

/// A place for one stream, kept as long as it lasts.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    closing: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Default for Streams {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(STREAMS_MAX)), closing: watch::Sender::new(false) }
    }
}

impl Streams {
    /// A place, if there is one.
    pub(crate) fn enter(&self) -> Option<StreamPlace> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        Some(StreamPlace { closing: self.closing.subscribe(), _place: place })
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

impl StreamPlace {
    /// Waits until the server stops.
    pub(crate) async fn closing(&mut self) {
        // The sender outlives every place only by mistake: then it is time to end as well.
        let _ = self.closing.wait_for(|closing| *closing).await;
    }
}
