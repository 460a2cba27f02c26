//! Watching the trips of a traveller.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use traveladvisor_domain::id::BookingId;

use super::Feed;
use crate::booking::email_key;

/// Most trips that may have changed before one who watches a traveller has read any of them. Beyond it the watch ends.
pub const TRIPS_WAITING_MAX: usize = 10_000;

/// Trips that changed and were not read since, each once, in the order in which they first changed.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    state: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<BookingId>,
    trips: HashSet<BookingId>,
    is_closed: bool,
}

impl Mailbox {
    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, trip: BookingId) {
        let mut state = self.state();
        if state.trips.len() >= TRIPS_WAITING_MAX {
            state.is_closed = true;
        } else if state.trips.insert(trip) {
            state.order.push_back(trip);
        }
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.state().trips.len()
    }

    pub(super) async fn take(&self) -> Option<BookingId> {
        loop {
            {
                let mut state = self.state();
                if state.is_closed {
                    return None;
                }
                if let Some(trip) = state.order.pop_front() {
                    state.trips.remove(&trip);
                    return Some(trip);
                }
            }
            self.changed.notified().await;
        }
    }
}

/// Hears which trips of a traveller change. Dropping it ends the watch.
#[derive(Debug)]
pub struct TravellerWatch {
    feed: Arc<Feed>,
    email_key: String,
    number: u64,
    mailbox: Arc<Mailbox>,
}

impl Feed {
    /// Watches the trips of the traveller with this e-mail address; of one owner, or of all.
    pub(crate) fn watch_traveller(self: &Arc<Self>, email: &str, owner: Option<&str>) -> TravellerWatch {
        let email_key = email_key(email);
        let mailbox = Arc::<Mailbox>::default();
        let mut watching = self.watching();
        let number = watching.enter(&email_key, owner, mailbox.clone());
        self.begin(&mut watching);
        TravellerWatch { feed: self.clone(), email_key, number, mailbox }
    }
}

impl TravellerWatch {
    /// The next trip that changed; one that changed several times meanwhile comes once. None when the watch has ended: it was not read for
    /// too long ([`TRIPS_WAITING_MAX`]), or nothing more is told in this process.
    pub async fn next(&mut self) -> Option<BookingId> {
        self.mailbox.take().await
    }
}

impl Drop for TravellerWatch {
    fn drop(&mut self) {
        self.feed.watching().leave(&self.email_key, self.number);
    }
}
