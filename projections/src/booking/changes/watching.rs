//! Who watches what.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::watch;
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::Position;

use super::lines::TripRow;
use super::traveller::{Mailbox, Whose};

/// Those who watch. Each entry goes when its last watcher does.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// The newest position that is known of each watched trip.
    pub(super) trips: HashMap<BookingId, watch::Sender<Position>>,
    pub(super) travellers: HashMap<u64, (Whose, Arc<Mailbox>)>,
    /// The number of the next who watches a traveller.
    pub(super) next: u64,
    /// A task tells them.
    pub(super) is_followed: bool,
}

impl Watching {
    /// Whether anybody watches; if not, the task that asks has ended.
    pub(super) fn goes_on(&mut self) -> bool {
        self.is_followed = !(self.trips.is_empty() && self.travellers.is_empty());
        self.is_followed
    }

    /// Nothing more will be told.
    pub(super) fn end(&mut self) {
        self.is_followed = false;
        self.trips.clear();
        for (_, (_, mailbox)) in self.travellers.drain() {
            mailbox.close();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.trips.values().map(watch::Sender::receiver_count).sum::<usize>() + self.travellers.len()
    }

    pub(super) fn trips(&self) -> Vec<BookingId> {
        self.trips.keys().copied().collect()
    }

    pub(super) fn has_travellers(&self) -> bool {
        !self.travellers.is_empty()
    }

    /// Events of these trips have passed.
    pub(super) fn tell(&self, touched: &BTreeMap<BookingId, Position>) {
        if self.trips.is_empty() {
            return;
        }
        for (trip, position) in touched {
            if let Some(watched) = self.trips.get(trip) {
                watched.send_replace(*position);
            }
        }
    }

    /// The newest lines that stand in the rows: whoever knows of another one has something to read.
    pub(super) fn found(&self, newest: &[(BookingId, Position)]) {
        for (trip, position) in newest {
            if let Some(watched) = self.trips.get(trip) {
                watched.send_if_modified(|known| std::mem::replace(known, *position) != *position);
            }
        }
    }

    /// A trip changed that this row tells of.
    pub(super) fn tell_traveller(&self, trip: BookingId, row: &TripRow) {
        for (whose, mailbox) in self.travellers.values() {
            if whose.has(row) {
                mailbox.put(trip);
            }
        }
    }
}
