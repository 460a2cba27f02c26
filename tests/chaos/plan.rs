//! What goes wrong and what travellers want, drawn from a seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use traveladvisor_infra::testing::Ending;

use crate::kill::travellers::Wish;

/// Longest moment between two things, in milliseconds.
const MOMENT_MS_MAX: u64 = 2_000;
/// Longest time after which somebody who cancels does so, in milliseconds.
const SECOND_THOUGHTS_MS_MAX: u64 = 3_000;
/// How many cancel.
const CANCELLATIONS: f64 = 0.2;

/// How people pay; nobody means at the counter.
const PAYMENTS: [Option<&str>; 8] = [
    None,
    None,
    Some("4242424242424242"),
    Some("4242424242424242"),
    Some("4242424242424242"),
    Some("4000000000000002"),
    Some("4000000000009995"),
    Some("4000000000000119"),
];

/// What happens while people travel.
#[derive(Debug, Clone, Copy)]
pub(super) enum Misfortune {
    /// One of two servers gets kill -9 and is started again.
    ServerKilled(usize),
    /// Both do, and for a moment there is none.
    BothKilled,
    /// Whoever owns the relay stands still for longer than its lease, and goes on when another has taken over.
    OwnerFrozen,
    /// Postgres ends and is started again.
    PostgresEnds(Ending),
    /// The gateway gets kill -9 and is started again.
    GatewayKilled,
    /// The gateway answers nothing for a while.
    GatewayAway,
    /// The gateway does what it is asked, but says nothing of it for a while.
    LookUpsAway,
}

/// Each of them, in an order of the seed's.
pub(super) fn misfortunes(seed: u64) -> Vec<Misfortune> {
    let mut all = vec![
        Misfortune::ServerKilled(0),
        Misfortune::ServerKilled(1),
        Misfortune::BothKilled,
        Misfortune::OwnerFrozen,
        Misfortune::PostgresEnds(Ending::InOrder),
        Misfortune::PostgresEnds(Ending::AtOnce),
        Misfortune::PostgresEnds(Ending::Killed),
        Misfortune::GatewayKilled,
        Misfortune::GatewayAway,
        Misfortune::LookUpsAway,
    ];
    all.shuffle(&mut StdRng::seed_from_u64(seed));
    all
}

/// What the gateway does wrong until the next misfortune.
pub(super) fn weather(rng: &mut StdRng) -> String {
    json!({
        "latencyMsMax": rng.random_range(20..400),
        "faultRate": rng.random_range(0.0..0.2),
        "lostAnswerRate": rng.random_range(0.0..0.3),
        "lostRequestRate": rng.random_range(0.0..0.2),
        "duplicateRate": rng.random_range(0.0..0.4),
    })
    .to_string()
}

/// A moment.
pub(super) fn moment(rng: &mut StdRng) -> Duration {
    Duration::from_millis(rng.random_range(0..MOMENT_MS_MAX))
}

/// What somebody wants.
pub(super) struct Asked {
    /// The same under the same key at every time.
    pub(super) input: Value,
    /// So long after the booking it is cancelled, if at all.
    pub(super) second_thoughts: Option<Duration>,
}

/// What the traveller of a trip wants: the same for the same seed.
pub(super) fn asked(seed: u64, trip: usize) -> Asked {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(1 << 32) + trip as u64);
    let parts = loop {
        let parts = [rng.random_bool(0.6), rng.random_bool(0.6), rng.random_bool(0.6)];
        if parts.contains(&true) {
            break parts;
        }
    };
    let wish = Wish {
        place: rng.random_range(0..3),
        day: rng.random_range(1..=5),
        parts,
        card: *PAYMENTS.choose(&mut rng).expect("there are some"),
        waits: rng.random_bool(0.2),
    };
    let second_thoughts = rng.random_bool(CANCELLATIONS).then(|| rng.random_range(0..SECOND_THOUGHTS_MS_MAX));
    Asked {
        input: wish.input(&format!("trip {trip} of seed {seed}")),
        second_thoughts: second_thoughts.map(Duration::from_millis),
    }
}
