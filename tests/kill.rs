//! 64 travellers at two servers of one log, while either is killed in turn and the owner is frozen for longer than its lease. Judged by the
//! log, by the gateway's books, and by the read models made anew.
//!
//! `CHAOS=n` asks for n times as many trips and kills n times as often.

mod pair;
pub(crate) mod travellers;

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::pair::Pair;
use self::travellers::{CANCEL, PLACES, book, catalogue, input};
use crate::judge::{self, money, read_models};
use crate::support::Home;
use crate::support::http::ask;

/// Trips that are asked for, times `CHAOS`.
const TRIPS: usize = 600;
/// Travellers who ask at the same time, half of them at each server.
const CLIENTS: usize = 64;
/// What goes wrong, one after the other, times `CHAOS`.
const MISFORTUNES: [Misfortune; 3] = [Misfortune::OwnerKilled, Misfortune::OwnerFrozen, Misfortune::OtherKilled];
/// Longest time until every saga has ended, and until a trip is taken.
const END_LIMIT: Duration = Duration::from_mins(2);

/// What happens to one of two servers.
#[derive(Debug, Clone, Copy)]
enum Misfortune {
    /// Whoever owns relay and timers gets kill -9 and is started again.
    OwnerKilled,
    /// The other one does.
    OtherKilled,
    /// Whoever owns relay and timers stands still until the other has taken over, and then goes on.
    OwnerFrozen,
}

#[test]
fn two_servers_outlive_kills_and_a_freeze_and_every_trip_ends_once_and_whole() {
    let chaos = std::env::var("CHAOS").map_or(1, |text| text.parse().expect("CHAOS is a number"));
    let trips = TRIPS * chaos;
    let home = Home::new();
    let offers = home.file("offers.jsonl");
    fs::write(&offers, catalogue()).expect("written");
    home.printed(&["catalog", "import", offers.to_str().expect("a path"), "--quiet"]);

    let pair = Pair::start(&home);
    let acknowledged = Mutex::new(BTreeMap::new());
    let misfortunes: Vec<Misfortune> = MISFORTUNES.iter().copied().cycle().take(MISFORTUNES.len() * chaos).collect();
    thread::scope(|scope| {
        scope.spawn(|| travel(&pair, trips, &acknowledged));
        for (number, misfortune) in misfortunes.iter().enumerate() {
            until_answered(&acknowledged, trips * (number + 1) / (misfortunes.len() + 1));
            match misfortune {
                Misfortune::OwnerKilled => pair.kill(pair.owner()),
                Misfortune::OtherKilled => pair.kill(1 - pair.owner()),
                Misfortune::OwnerFrozen => pair.freeze_until_deposed(pair.owner()),
            }
        }
    });
    let before = acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(before.len(), trips, "every trip was taken at last");

    // Everything is asked once more, at the other server: it must be the same booking.
    let pair = pair.swapped();
    travel(&pair, trips, &acknowledged);
    let after = acknowledged.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (trip, booking) in &before {
        assert_eq!(after.get(trip), Some(booking), "trip {trip}: the same key answers the same booking");
    }

    let events = until_all_have_ended(&home);
    let verdict = judge::judge(&events);
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!(verdict.bookings, trips, "one booking for each key");
    assert!(
        verdict.approved > 100 && verdict.cancelled > 100,
        "{} approved, {} cancelled",
        verdict.approved,
        verdict.cancelled
    );
    pair.stop();
    home.json(&["events", "verify"]);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let (server, pool) = home.database().await;
        money::is_no_friend(&verdict, money::of_the_sandbox(&pool).await);
        assert_eq!(read_models::differences(&pool).await, Vec::<String>::new());
        pool.close().await;
        server.stop().await.expect("stopped");
    });
    judge::is_no_friend(&events);
    oversold_is_found(&events);
}

fn until_all_have_ended(home: &Home) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let events = home.events();
        let pending = judge::judge(&events).pending;
        if pending.is_empty() {
            return events;
        }
        assert!(begun.elapsed() < END_LIMIT, "sagas that have not ended: {pending:?}");
        thread::sleep(Duration::from_secs(1));
    }
}

fn oversold_is_found(events: &[Value]) {
    let mut fewer = events.to_vec();
    for event in &mut fewer {
        if let Some(vehicles) = event.pointer_mut("/payload/CarListed/details/vehicles") {
            *vehicles = json!(PLACES / 2);
        }
    }
    let faults = judge::judge(&fewer).faults;
    assert!(faults.iter().any(|fault| fault.contains("vehicles out at once")), "an oversold fleet: {faults:?}");
}

fn until_answered(acknowledged: &Mutex<BTreeMap<usize, String>>, count: usize) {
    let begun = Instant::now();
    while acknowledged.lock().expect("the list").len() < count {
        assert!(begun.elapsed() < END_LIMIT, "the servers answer no more");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Asks for all trips, with [`CLIENTS`] at once.
fn travel(pair: &Pair, trips: usize, acknowledged: &Mutex<BTreeMap<usize, String>>) {
    let next = AtomicUsize::new(0);
    let next = &next;
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                loop {
                    let trip = next.fetch_add(1, Ordering::SeqCst);
                    if trip >= trips {
                        return;
                    }
                    let booking = book(|at| pair.address(at), client, &input(trip));
                    if trip.is_multiple_of(17) {
                        // The answer does not matter: a trip that has failed meanwhile cannot be cancelled, and the server may be gone.
                        ask(&pair.address(client), CANCEL, &json!({ "input": { "bookingId": booking } })).ok();
                    }
                    acknowledged.lock().expect("the list").insert(trip, booking);
                }
            });
        }
    });
}
