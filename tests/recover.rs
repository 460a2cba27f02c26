//! What goes on by itself after something has died, and what is refused so that nothing goes wrong.

use std::fs;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use traveladvisor_domain::id::HotelId;

use crate::support::http::{ask, get};
use crate::support::server::Server;
use crate::support::{Home, until};

const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { sagaStatus createdAt } errors { code } } }";
const BOOK_POSITION: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } position } }";

#[test]
fn the_private_postgres_is_revived_by_the_one_who_serves() {
    let home = Home::with_a_hotel();
    let server = Server::start(&home);
    let pid = fs::read_to_string(home.data_dir().join("postgres/cluster/data/postmaster.pid")).expect("its pid");
    let pid = pid.lines().next().and_then(|line| line.parse().ok()).expect("a number");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    let answer = until(|| {
        let answer = ask(&server.address, BOOK, &json!({ "input": trip("after") })).ok()?;
        answer["data"]["bookTrip"]["booking"]["sagaStatus"].as_str().map(str::to_owned)
    });
    assert_eq!(answer, "SUCCEEDED");
}

#[test]
fn two_servers_on_one_log_both_answer_and_the_other_goes_on_when_one_stops() {
    let home = Home::with_a_hotel();
    let mut first = Server::start(&home);
    until(|| owned_by(&home, &first));
    let mut second = Server::start(&home);
    for server in [&first, &second] {
        let ready = get(&server.address, "/health/ready").expect("an answer");
        assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"status":"ready"}"#));
        // A card is charged by the relay, which one of them runs; the answer is read from rows that one of them writes.
        assert_eq!(booked_by_card(server, &format!("by {}", server.pid())), "SUCCEEDED");
        assert_eq!(seen(server, &format!("at {}", server.pid())), "APPROVED", "what was written can be read at once");
    }
    let before = epochs(&home);
    assert!(owned_by(&home, &first).is_some(), "a second server takes nothing away");

    let (status, _) = first.stop(Signal::SIGTERM);
    assert!(status.success());
    assert_eq!(booked_by_card(&second, "after"), "SUCCEEDED");
    until(|| owned_by(&home, &second));
    assert!(epochs(&home).iter().zip(&before).all(|(after, before)| *after == before + 1), "each was taken over once");
    // The private Postgres was started by the first and is stopped by the last.
    let (status, _) = second.stop(Signal::SIGTERM);
    assert!(status.success());
    let doctor = home.json(&["doctor"]);
    assert!(doctor["owners"].as_array().expect("owners").iter().all(|owner| owner["holder"].is_null()), "{doctor}");
}

#[test]
fn when_the_owner_is_killed_another_server_goes_on_by_itself() {
    let home = Home::with_a_hotel();
    let mut first = Server::start(&home);
    until(|| owned_by(&home, &first));
    let second = Server::start(&home);
    first.kill();
    assert_eq!(booked_by_card(&second, "after the kill"), "SUCCEEDED");
    until(|| owned_by(&home, &second));
    let ready = get(&second.address, "/health/ready").expect("an answer");
    assert_eq!(ready.status, 200, "{}", ready.body);
}

#[test]
fn the_demo_runs_beside_a_server() {
    let home = Home::new();
    let server = Server::start(&home);
    let report = home.json(&["demo", "--listen", "127.0.0.1:0"]);
    assert!(
        report["checks"].as_array().is_some_and(|checks| checks.iter().all(|check| check["ok"] == true)),
        "{report}"
    );
    let answer = ask(&server.address, "query { bookings { nodes { id } } }", &json!({})).expect("an answer");
    let seen: Vec<&Value> =
        answer["data"]["bookings"]["nodes"].as_array().expect("trips").iter().map(|trip| &trip["id"]).collect();
    for trip in report["trips"].as_array().expect("trips") {
        assert!(seen.contains(&&trip["bookingId"]), "the server shows what the demo booked: {seen:?}");
    }
}

/// Whether a server owns all that there is to own.
fn owned_by(home: &Home, server: &Server) -> Option<()> {
    let doctor = home.json(&["doctor"]);
    let process = format!("process {} ", server.pid());
    let owners = doctor["owners"].as_array().expect("owners");
    assert_eq!(
        owners.iter().map(|owner| owner["name"].as_str()).collect::<Vec<_>>(),
        [Some("projections"), Some("relay")]
    );
    owners.iter().all(|owner| owner["holder"].as_str().is_some_and(|holder| holder.starts_with(&process))).then_some(())
}

fn epochs(home: &Home) -> Vec<u64> {
    let doctor = home.json(&["doctor"]);
    doctor["owners"]
        .as_array()
        .expect("owners")
        .iter()
        .map(|owner| owner["epoch"].as_u64().expect("an epoch"))
        .collect()
}

/// How the saga of a trip by card has ended.
fn booked_by_card(server: &Server, key: &str) -> String {
    let mut trip = trip(key);
    trip["payment"] = json!({ "method": "CARD", "cardNumber": "4242424242424242" });
    trip["wait"] = json!("FINISHED");
    let answer = ask(&server.address, BOOK, &json!({ "input": trip })).expect("an answer");
    answer["data"]["bookTrip"]["booking"]["sagaStatus"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// How a trip stands right after it was booked.
fn seen(server: &Server, key: &str) -> String {
    let booked = ask(&server.address, BOOK_POSITION, &json!({ "input": trip(key) })).expect("an answer");
    let trip = &booked["data"]["bookTrip"];
    let query = "query($id: ID!, $position: Position!) { booking(id: $id, atLeast: $position) { status } }";
    let variables = json!({ "id": trip["booking"]["id"], "position": trip["position"] });
    let answer = ask(&server.address, query, &variables).expect("an answer");
    answer["data"]["booking"]["status"].as_str().unwrap_or_else(|| panic!("{booked} {answer}")).to_owned()
}

#[test]
fn the_sandboxs_clock_goes_on_where_the_log_was_left() {
    let home = Home::with_a_hotel();
    let mut server = Server::start(&home);
    // Long enough that a clock that started anew would still be behind when the second trip is booked.
    thread::sleep(Duration::from_secs(10));
    let first = created_at(&server, "first");
    server.kill();
    let mut beside = Server::start(&home);
    let second = created_at(&beside, "second");
    assert!(second > first, "booked at {first}, then at {second}: retries of the first would wait");

    // Nothing happens for a while: the log does not tell what time it is.
    until(|| owned_by(&home, &beside));
    thread::sleep(Duration::from_secs(10));
    let third = created_at(&Server::start(&home), "third");
    assert!(third - second >= TimeDelta::seconds(10), "another one started at {third}, {second} was 10 seconds ago");
    beside.kill();
}

fn created_at(server: &Server, key: &str) -> DateTime<Utc> {
    let answer = ask(&server.address, BOOK, &json!({ "input": trip(key) })).expect("an answer");
    let at = answer["data"]["bookTrip"]["booking"]["createdAt"].as_str().unwrap_or_else(|| panic!("booked: {answer}"));
    at.parse().expect("an instant")
}

fn trip(key: &str) -> Value {
    let hotel = HotelId::of("test", "H1").to_string();
    json!({
        "idempotencyKey": key,
        "traveller": { "email": "traveller@example.com", "name": "A. Traveller" },
        "hotel": { "hotelId": hotel, "roomType": "DBL", "checkIn": "2025-01-10", "checkOut": "2025-01-11" },
        "payment": { "method": "NONE" },
    })
}
