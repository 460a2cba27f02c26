//! Those who travel, whatever happens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::json;

use super::plan::{Asked, asked};
use super::world::World;
use crate::kill::travellers::{ASK_AGAIN, CANCEL, book};
use crate::support::http::ask;

/// Travellers who ask at the same time.
const CLIENTS: usize = 24;

/// All who travel.
pub(super) struct Party {
    pub(super) seed: u64,
    pub(super) trips: usize,
    /// So many may ask: the others wait for the next misfortune.
    pub(super) allowed: AtomicUsize,
    /// What they were told, by trip.
    pub(super) told: Mutex<BTreeMap<usize, String>>,
}

/// Lets everybody in when it is dropped.
pub(super) struct Gate<'a>(&'a Party);

impl Drop for Gate<'_> {
    fn drop(&mut self) {
        self.0.let_in(self.0.trips);
    }
}

impl Party {
    pub(super) const fn gate(&self) -> Gate<'_> {
        Gate(self)
    }

    pub(super) fn let_in(&self, trips: usize) {
        self.allowed.store(trips, Ordering::SeqCst);
    }

    pub(super) fn told(&self) -> BTreeMap<usize, String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// All ask for their trips, and some cancel them after a while.
pub(super) fn travel(world: &World, party: &Party) {
    let next = AtomicUsize::new(0);
    let next = &next;
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                loop {
                    let trip = next.fetch_add(1, Ordering::SeqCst);
                    if trip >= party.trips {
                        return;
                    }
                    while party.allowed.load(Ordering::SeqCst) <= trip {
                        thread::sleep(ASK_AGAIN);
                    }
                    let Asked { input, second_thoughts } = asked(party.seed, trip);
                    let booking = book(|at| world.address(at), client, &input);
                    party.told.lock().expect("the list").insert(trip, booking.clone());
                    if let Some(after) = second_thoughts {
                        thread::sleep(after);
                        // Whether it is too late, or nobody answers, does not matter: the log tells what came of it.
                        let variables = json!({ "input": { "bookingId": booking } });
                        ask(&world.address(client), CANCEL, &variables).ok();
                    }
                }
            });
        }
    });
}
