//! One death: how it is suffered, and what comes after.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use traveladvisor_infra::fail_points::SETTING;

use super::land::{Land, Place};
use super::plan::{Death, Way, way_to};
use super::travellers::{APPROVED, Party, Resolve, TRIPS, Told, VOUCHERS};
use crate::judge::{self, money, read_models};
use crate::support::http::{ask, get};
use crate::support::{Home, told};

/// Longest time until the program has come to its fail point, and until all sagas have ended.
const PATIENCE: Duration = Duration::from_mins(2);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Pause before the whole log is judged again.
const JUDGE_AGAIN: Duration = Duration::from_millis(300);

/// An event of a hotel that cannot be read.
const DAMAGE: &str = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
     SELECT aggregate_type, 'hotel_00000000000000000000000000', 1, event_type, event_version, '{}', metadata, recorded_at \
       FROM events WHERE event_type = 'HotelListed' LIMIT 1 ON CONFLICT DO NOTHING";
/// A snapshot as another program might have written it.
const OTHER_SNAPSHOT: &str = "INSERT INTO snapshots SELECT aggregate_type, aggregate_id, 1, 1, '{}' \
       FROM events WHERE event_type = 'HotelListed' AND payload::text <> '{}' ON CONFLICT DO NOTHING";
/// The rows of a projection are of another version, and are so no longer.
const OTHER_VERSION: &str = "UPDATE projection_checkpoints SET version = version + 98 WHERE name = 'car_availability'";
const THIS_VERSION: &str = "UPDATE projection_checkpoints SET version = version - 98 WHERE version > 98";
/// Ends what others do in this database.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Lets the program die at one place after the other, starts it again, and tells what is wrong after it all.
pub(super) fn suffer(land: &Land, deaths: &[Death]) -> Vec<String> {
    let [first, ..] = deaths else { return Vec::new() };
    match way_to(first.point).0 {
        Way::Migrates => {
            let wasteland = land.wasteland();
            dies_while_migrating(deaths, |arguments| wasteland.command(arguments))
        }
        Way::PrivateServer => {
            let home = Home::new();
            dies_while_migrating(deaths, |arguments| home.command(arguments))
        }
        _ => served(&land.place(), land, deaths),
    }
}

fn served(place: &Place, land: &Land, deaths: &[Death]) -> Vec<String> {
    let heard = Mutex::new(Told::default());
    let mut faults = Vec::new();
    let mut is_damaged = false;
    for (party, death) in deaths.iter().enumerate() {
        let way = way_to(death.point).0;
        is_damaged |= matches!(way, Way::Damaged | Way::Retried);
        let party = Party { number: party, earlier: &land.earlier, member: &land.member, told: &heard };
        let status = match way {
            Way::Verb(arguments) => {
                let status = dies_in_a_verb(place, land, *death, arguments);
                faults.extend(made_anew_after(place, arguments).map(|fault| format!("after {death}: {fault}")));
                Some(status)
            }
            Way::Retried => {
                set_aside(place);
                Some(dies(place.command(&["projections", "retry", "hotel_availability"]), *death))
            }
            _ => dies_while_serving(place, *death, way, party),
        };
        faults.extend(not_reached(*death, status));
    }
    let mut server = match place.start(None) {
        Ok(server) => server,
        Err(status) => return vec![format!("it does not start again: {status}")],
    };
    for number in 0..deaths.len() {
        Party { number, earlier: &land.earlier, member: &land.member, told: &heard }
            .travel(&server.address, Resolve::Insists);
    }
    faults.extend(come_to_an_end(place));
    server.stop(Signal::SIGTERM);
    faults.extend(heard.into_inner().expect("the list").faults);
    faults.extend(verdict(place, deaths.len(), is_damaged));
    faults
}

fn dies_while_serving(place: &Place, death: Death, way: Way, party: Party) -> Option<ExitStatus> {
    let other = (way == Way::Beside).then(|| place.start(None).expect("it serves"));
    match way {
        Way::Damaged => place.run(DAMAGE),
        Way::OtherVersion => place.run(OTHER_VERSION),
        Way::OtherSnapshot => place.run(OTHER_SNAPSHOT),
        Way::AnswersLost => place.gateway.inject(r#"{"lostAnswerRate": 1.0}"#),
        _ => {}
    }
    let status = match place.start(Some(death)) {
        Err(status) => Some(status),
        Ok(mut server) => thread::scope(|scope| {
            let address = server.address.clone();
            if let Some(other) = &other {
                scope.spawn(move || party.travel(&other.address, Resolve::GivesUp));
            }
            let travelling = scope.spawn(move || party.travel(&address, Resolve::GivesUp));
            let begun = Instant::now();
            loop {
                let status = server.ended();
                if status.is_some() || begun.elapsed() > PATIENCE {
                    // Those who still ask give up now.
                    drop(server);
                    return status;
                }
                match way {
                    Way::CutOff => place.run(CUT),
                    // Once trips by card have ended, it owns the relay.
                    Way::Stops if travelling.is_finished() && come_to_an_end(place).is_empty() => {
                        return Some(server.stop(Signal::SIGTERM).0);
                    }
                    _ => look_around(&server.address),
                }
                thread::sleep(LOOK_AGAIN);
            }
        }),
    };
    place.gateway.inject("{}");
    place.run(THIS_VERSION);
    status
}

/// Serves until an event that cannot be read was set aside.
fn set_aside(place: &Place) {
    place.run(DAMAGE);
    let mut server = place.start(None).expect("it serves");
    let begun = Instant::now();
    while place.wait(letters(place)).len() < 2 {
        assert!(begun.elapsed() < PATIENCE, "nothing is set aside");
        thread::sleep(LOOK_AGAIN);
    }
    server.stop(Signal::SIGTERM);
}

/// As probes and people do. The program may die of it.
fn look_around(address: &str) {
    get(address, "/health/ready").ok();
    ask(address, "query { bookings { nodes { id } } }", &json!({})).ok();
}

fn dies_in_a_verb(place: &Place, land: &Land, death: Death, arguments: &[&str]) -> ExitStatus {
    let shown = (arguments == ["events", "show"]).then_some(land.earlier.as_str());
    let arguments: Vec<&str> = arguments.iter().copied().chain(shown).collect();
    let status = dies(place.command(&arguments), death);
    if arguments.contains(&"pause") {
        // It may have come so far, and what is judged in the end is where a projection that goes on comes to.
        place.command(&["projections", "resume", "car_availability"]).output().expect("it runs");
    }
    status
}

/// A rebuild that was cut off left the rows that are live as they were, or has switched, and is made again from the beginning.
fn made_anew_after(place: &Place, arguments: &[&str]) -> Option<String> {
    let ["projections", "rebuild", name, ..] = arguments else { return None };
    [&["projections", "verify", name], arguments].into_iter().find_map(|verb| {
        let output = place.command(verb).output().expect("it runs");
        (!output.status.success()).then(|| format!("{verb:?}: {} {}", output.status, told(&output)))
    })
}

fn dies(mut command: Command, death: Death) -> ExitStatus {
    command.env(SETTING, death.to_string()).output().expect("it runs").status
}

/// Waits until no saga is under way any more.
fn come_to_an_end(place: &Place) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let pending = judge::judge(&place.wait(events(place))).pending;
        if pending.is_empty() || begun.elapsed() > PATIENCE {
            return pending;
        }
        thread::sleep(JUDGE_AGAIN);
    }
}

async fn events(place: &Place<'_>) -> Vec<serde_json::Value> {
    let mut events = judge::events(&place.pool).await;
    events.retain(|event| event["payload"] != json!({}));
    events
}

/// What log, gateway and read models say at the end, when nothing runs any more.
fn verdict(place: &Place, parties: usize, is_damaged: bool) -> Vec<String> {
    place.wait(async {
        let events = events(place).await;
        let verdict = judge::judge(&events);
        let mut faults = money::faults(&verdict, &money::of_a_simulator(&place.gateway));
        let (bookings, approved) = (parties * TRIPS + 1, parties * APPROVED + 1);
        if (verdict.bookings, verdict.approved, verdict.cancelled) != (bookings, approved, bookings - approved) {
            let found = format!("{} approved, {} cancelled", verdict.approved, verdict.cancelled);
            let why = reasons(&events);
            faults.push(format!(
                "{} bookings, {found}; instead of {bookings}, {approved} approved: {why:?}",
                verdict.bookings
            ));
        }
        // That of signing up, and each voucher once.
        let rewards = 1 + parties * VOUCHERS;
        if verdict.rewards != rewards {
            faults.push(format!("{} rewards instead of {rewards}", verdict.rewards));
        }
        faults.extend(verdict.faults);
        if faults.is_empty() {
            judge::is_no_friend(&events);
        }
        if is_damaged {
            let names = letters(place).await;
            let is_right = ["booking", "hotel_availability"].iter().all(|name| names.iter().any(|found| found == name));
            faults.extend((!is_right).then(|| format!("{names:?} have set an event aside")));
        }
        faults.extend(read_models::differences(&place.pool).await);
        faults
    })
}

/// Why trips were cancelled, and how many of them for that.
fn reasons(events: &[serde_json::Value]) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for event in events {
        if let Some(cancelled) = event["payload"].get("BookingCancelled") {
            *reasons.entry(cancelled["failure"].to_string()).or_default() += 1;
        }
    }
    reasons
}

/// The projections that have set aside the event that they cannot take in.
async fn letters(place: &Place<'_>) -> Vec<String> {
    let sql = "SELECT DISTINCT name FROM projection_dead_letters ORDER BY name";
    sqlx::query_scalar(sql).fetch_all(&place.pool).await.expect("what is set aside")
}

/// Dies at one place after the other, then comes to its end, and the doctor gives an opinion.
fn dies_while_migrating(deaths: &[Death], command: impl Fn(&[&str]) -> Command) -> Vec<String> {
    let mut faults = Vec::new();
    for death in deaths {
        let status = dies(command(&["migrate", "--quiet"]), *death);
        faults.extend(not_reached(*death, Some(status)));
    }
    for verb in ["migrate", "doctor"] {
        let output = command(&[verb, "--quiet"]).output().expect("it runs");
        if !output.status.success() {
            faults.push(format!("{verb}: {} {}", output.status, told(&output)));
        }
    }
    faults
}

fn not_reached(death: Death, status: Option<ExitStatus>) -> Option<String> {
    let is_killed = status.and_then(|status| status.signal()) == Some(Signal::SIGKILL as i32);
    (!is_killed).then(|| format!("no run reaches {death}: {status:?}"))
}
