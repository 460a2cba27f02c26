//! Hundreds of trips while everything around them goes wrong: servers are killed and frozen, Postgres is restarted, the gateway is slow,
//! faulty, lossy and killed. Judged at the end by the log, by the gateway's own books and by the read models made anew.
//!
//! The plan is drawn from a seed, which is printed; `CHAOS_SEED` asks for another one. `CHAOS=n` multiplies the rounds of the long form.

mod party;
mod plan;
mod world;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use traveladvisor_infra::testing::chaos;

use self::party::{Party, travel};
use self::plan::{Misfortune, misfortunes};
use self::world::World;
use crate::judge::{self, Verdict, money, read_models};

/// Trips of a round of the short form.
const TRIPS: usize = 300;
/// Trips of a round of the long form.
const TRIPS_LONG: usize = 1_000;
/// What the plan is drawn from unless somebody asks for another one.
const SEED: u64 = 1;
/// Longest time from the last fault until every saga has ended.
const END_LIMIT: Duration = Duration::from_mins(4);
/// Pause before the log is judged again.
const JUDGE_AGAIN: Duration = Duration::from_secs(1);

#[test]
fn every_trip_ends_once_and_whole_whatever_is_killed_frozen_or_lossy() {
    round(seed(), TRIPS);
}

#[test]
#[ignore = "long: just chaos"]
fn every_trip_ends_once_and_whole_in_round_after_round_of_chaos() {
    for number in 0..u64::from(chaos()) {
        round(seed() + 1 + number, TRIPS_LONG);
    }
}

fn seed() -> u64 {
    std::env::var("CHAOS_SEED").map_or(SEED, |text| text.parse().expect("CHAOS_SEED is a number"))
}

/// Says something past the test runner, which keeps what a test that went well has printed.
fn say(what: &str) {
    writeln!(std::io::stdout(), "chaos: {what}").expect("standard output");
}

fn round(seed: u64, trips: usize) {
    let begun = Instant::now();
    let plan = misfortunes(seed);
    say(&format!("seed {seed}, {trips} trips, {plan:?}"));
    let world = World::start(seed);
    let party = Party { seed, trips, allowed: AtomicUsize::new(0), told: Mutex::default() };
    thread::scope(|scope| {
        scope.spawn(|| travel(&world, &party));
        // Should something fail here, those who travel must come to their end as well.
        let _gate = party.gate();
        let mut rng = StdRng::seed_from_u64(seed);
        for (number, misfortune) in plan.iter().enumerate() {
            party.let_in(trips * (number + 1) / plan.len());
            suffer(&world, *misfortune, &mut rng);
        }
        world.gateway().inject("{}");
    });
    let before = party.told();
    assert_eq!(before.len(), trips, "seed {seed}: every trip was taken at last");
    // Everything is asked once more, and must be the same booking.
    let again = Party { seed, trips, allowed: AtomicUsize::new(trips), told: Mutex::default() };
    travel(&world, &again);
    assert!(before == again.told(), "seed {seed}: the same key answers the same booking");

    let verdict = until_all_have_ended(&world, seed);
    let (events, ledger) = (world.events(), world.gateway().ledger());
    let faults = all_faults(world, &verdict, &before);
    if let Some(first) = faults.first() {
        let guilty = first.split(&[' ', ':']).find(|word| word.starts_with("booking_")).unwrap_or(first);
        let id = guilty.trim_start_matches("booking_");
        let calls: Vec<_> = ledger.values().filter(|entry| entry.to_string().contains(id)).collect();
        let (count, story) = (faults.len(), judge::story(&events, guilty));
        panic!("seed {seed}: {count} faults:\n{}\n{guilty}:\n{story}\nat the gateway: {calls:#?}", faults.join("\n"));
    }
    let Verdict { bookings, approved, cancelled, paid, .. } = verdict;
    assert_eq!(bookings, trips, "seed {seed}: one booking for each key");
    assert!(approved > trips / 10 && cancelled > trips / 10 && paid > trips / 10, "{approved}, {cancelled}, {paid}");
    let told = format!("{approved} stand, {cancelled} do not, {paid} were paid by card");
    say(&format!("trips judged: {bookings} (seed {seed}; {told}; {:.0?})", begun.elapsed()));
}

fn suffer(world: &World, misfortune: Misfortune, rng: &mut StdRng) {
    world.gateway().inject(&plan::weather(rng));
    thread::sleep(plan::moment(rng));
    match misfortune {
        Misfortune::ServerKilled(place) => world.kill(&[place]),
        Misfortune::BothKilled => world.kill(&[0, 1]),
        Misfortune::OwnerFrozen => world.freeze_owner(),
        Misfortune::PostgresEnds(ending) => world.end_postgres(ending),
        Misfortune::GatewayKilled => world.kill_gateway(),
        Misfortune::GatewayAway => world.gateway_without(r#"{"outage": true}"#),
        Misfortune::LookUpsAway => world.gateway_without(r#"{"lookUpOutage": true, "lostAnswerRate": 0.7}"#),
    }
    thread::sleep(plan::moment(rng));
}

/// Waits until no saga is under way. What calls an operator gets one, who has it tried again.
fn until_all_have_ended(world: &World, seed: u64) -> Verdict {
    let begun = Instant::now();
    loop {
        let events = world.events();
        let verdict = judge::judge(&events);
        let Some(first) = verdict.pending.first() else { return verdict };
        if !verdict.needs_attention.is_empty() {
            say(&format!("an operator retries {:?}", verdict.needs_attention));
            world.retry(&verdict.needs_attention);
        }
        if begun.elapsed() > END_LIMIT {
            let (count, story) = (verdict.pending.len(), judge::story(&events, first));
            panic!("seed {seed}: {count} sagas have not ended; {first}:\n{story}\n{}", world.log());
        }
        thread::sleep(JUDGE_AGAIN);
    }
}

/// What log, gateway and read models say, once nothing runs any more.
fn all_faults(world: World, verdict: &Verdict, told: &BTreeMap<usize, String>) -> Vec<String> {
    let gateway = world.gateway();
    let mut faults = money::faults(verdict, &money::of_a_simulator(&gateway));
    let came_twice = gateway.ledger().values().filter(|entry| entry["seen"].as_u64() > Some(1)).count();
    drop(gateway);
    if came_twice == 0 {
        faults.push("no call has come to the gateway twice: nothing was tried".to_owned());
    }
    let bookings: Vec<String> = verdict.owed.keys().map(ToString::to_string).collect();
    let lost = told.iter().filter(|(_, booking)| !bookings.contains(booking));
    faults.extend(lost.map(|(trip, booking)| format!("trip {trip} was told {booking}, which is not there")));
    faults.extend(verdict.faults.iter().cloned());
    faults.extend(world.rest(read_models::differences));
    faults
}
