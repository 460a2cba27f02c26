//! Who watches what.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use tokio::sync::watch;
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::Position;

use super::course::Passed;
use super::lines::TripRow;
use super::traveller::Mailbox;

/// Those who watch. Each entry goes when its last watcher does.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// The newest position that is known of each watched trip.
    pub(super) trips: BTreeMap<BookingId, watch::Sender<Position>>,
    /// By the key of the address, so that a trip is compared with nobody else's watchers.
    travellers: HashMap<String, HashMap<u64, Watcher>>,
    /// The number of the next who watches a traveller.
    next: u64,
    /// A task tells them.
    pub(super) is_followed: bool,
}

/// Somebody who watches a traveller.
#[derive(Debug)]
struct Watcher {
    /// Hears only of this owner's trips.
    owner: Option<String>,
    mailbox: Arc<Mailbox>,
}

impl Watching {
    /// Adds one who watches a traveller; the number to leave with.
    pub(super) fn enter(&mut self, email_key: &str, owner: Option<&str>, mailbox: Arc<Mailbox>) -> u64 {
        let number = self.next;
        self.next += 1;
        let watcher = Watcher { owner: owner.map(str::to_owned), mailbox };
        self.travellers.entry(email_key.to_owned()).or_default().insert(number, watcher);
        number
    }

    pub(super) fn leave(&mut self, email_key: &str, number: u64) {
        let Some(watchers) = self.travellers.get_mut(email_key) else { return };
        watchers.remove(&number);
        if watchers.is_empty() {
            self.travellers.remove(email_key);
        }
    }

    /// Whether anybody watches; if not, the task that asks has ended.
    pub(super) fn goes_on(&mut self) -> bool {
        self.is_followed = !(self.trips.is_empty() && self.travellers.is_empty());
        self.is_followed
    }

    /// Nothing more will be told.
    pub(super) fn end(&mut self) {
        self.is_followed = false;
        self.trips.clear();
        self.end_travellers();
    }

    /// Those who watch travellers hear that it is over.
    pub(super) fn end_travellers(&mut self) {
        for watcher in self.travellers.drain().flat_map(|(_, watchers)| watchers.into_values()) {
            watcher.mailbox.close();
        }
    }

    pub(super) fn len(&self) -> usize {
        let travellers: usize = self.travellers.values().map(HashMap::len).sum();
        self.trips.values().map(watch::Sender::receiver_count).sum::<usize>() + travellers
    }

    /// The next watched trips, in the order of their ids.
    pub(super) fn trips_behind(&self, trip: Option<BookingId>, limit: usize) -> Vec<BookingId> {
        let behind = trip.map_or(Bound::Unbounded, Bound::Excluded);
        self.trips.range((behind, Bound::Unbounded)).map(|(trip, _)| *trip).take(limit).collect()
    }

    pub(super) fn has_travellers(&self) -> bool {
        !self.travellers.is_empty()
    }

    /// Events of these trips have passed.
    pub(super) fn tell(&self, touched: &BTreeMap<BookingId, Passed>) {
        if self.trips.is_empty() {
            return;
        }
        for (trip, passed) in touched {
            if let Some(watched) = self.trips.get(trip) {
                watched.send_replace(passed.last);
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
        for watcher in self.travellers.get(&row.email_key).into_iter().flat_map(HashMap::values) {
            if watcher.owner.as_ref().is_none_or(|owner| *owner == row.owner) {
                watcher.mailbox.put(trip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: BookingId = BookingId(uuid::Uuid::from_u128(1));

    fn row(email_key: &str, owner: &str) -> TripRow {
        TripRow { email_key: email_key.into(), owner: owner.into(), position: Position(1) }
    }

    #[test]
    fn those_who_watch_a_traveller_hear_of_no_other_and_leave_nothing_behind() {
        let mut watching = Watching::default();
        let boxes: [Arc<Mailbox>; 3] = Default::default();
        let [all, own, other] = &boxes;
        let numbers = [
            watching.enter("ada@example.org", None, all.clone()),
            watching.enter("ada@example.org", Some("ada"), own.clone()),
            watching.enter("bob@example.org", None, other.clone()),
        ];
        watching.tell_traveller(TRIP, &row("ada@example.org", "bob"));
        assert_eq!(boxes.each_ref().map(|mailbox| mailbox.len()), [1, 0, 0]);
        watching.tell_traveller(TRIP, &row("ada@example.org", "ada"));
        assert_eq!(boxes.each_ref().map(|mailbox| mailbox.len()), [1, 1, 0]);
        assert_eq!(watching.len(), 3);
        for (number, key) in numbers.into_iter().zip(["ada@example.org", "ada@example.org", "bob@example.org"]) {
            watching.leave(key, number);
        }
        assert!(watching.travellers.is_empty() && !watching.goes_on(), "{watching:?}");
    }

    #[tokio::test]
    async fn those_who_cannot_be_told_any_more_hear_that_it_is_over() {
        let mut watching = Watching::default();
        let mailbox = Arc::<Mailbox>::default();
        watching.enter("ada@example.org", None, mailbox.clone());
        watching.end_travellers();
        assert_eq!(mailbox.take().await, None);
        assert!(!watching.has_travellers());
    }
}
