//! Watching one trip.

use std::sync::Arc;

use tokio::sync::watch;
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::Position;

use super::Feed;

/// Hears of what is new of one trip. Dropping it ends the watch.
#[derive(Debug)]
pub struct TripWatch {
    feed: Arc<Feed>,
    trip: BookingId,
    newest: watch::Receiver<Position>,
}

impl Feed {
    /// Watches a trip, whether it is there or not.
    pub(crate) fn watch_trip(self: &Arc<Self>, trip: BookingId) -> TripWatch {
        let mut watching = self.watching();
        let newest = watching.trips.entry(trip).or_insert_with(|| watch::Sender::new(Position::START)).subscribe();
        self.begin(&mut watching);
        TripWatch { feed: self.clone(), trip, newest }
    }
}

impl TripWatch {
    /// What is read from now on is known; what comes after that counts as new.
    pub fn mark(&mut self) {
        self.newest.mark_unchanged();
    }

    /// Waits until there is, or may be, something new since the last mark.
    ///
    /// Errors: there will be nothing new in this process.
    pub async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.newest.changed().await
    }
}

impl Drop for TripWatch {
    fn drop(&mut self) {
        let mut watching = self.feed.watching();
        // This one still counts.
        if watching.trips.get(&self.trip).is_some_and(|sender| sender.receiver_count() <= 1) {
            watching.trips.remove(&self.trip);
        }
    }
}
