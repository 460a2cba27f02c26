//! Trips by card, paid at a gateway that is a process of its own. Judged by the log and by the gateway's ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use traveladvisor_domain::id::HotelId;
use traveladvisor_infra::clock::{Clock, SystemClock};

use crate::support::http::{ask, get, post_to};
use crate::support::issuer::Issuer;
use crate::support::server::Server;
use crate::support::simulator::Simulator;
use crate::support::{Home, code, told, until};

const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";
/// The test cards' numbers: they must not stand anywhere.
const CARDS: [&str; 4] = ["4242424242424242", "4000000000000002", "4000000000009995", "4000000000000119"];
const ANY_PORT: &str = "127.0.0.1:0";

#[test]
fn the_demo_pays_at_a_gateway_over_http_and_both_books_agree() {
    let home = Home::new();
    let gateway = Simulator::start(&home, ANY_PORT, r#"{"duplicateRate": 1.0, "latencyMsMax": 30}"#);
    let mut command = home.command(&["demo", "--listen", "127.0.0.1:0", "--json"]);
    let output = command.env("TRAVELADVISOR_GATEWAY_URL", gateway.url()).env("TRAVELADVISOR_LOG", "trace").output();
    let output = output.expect("the program starts");
    assert_eq!(code(&output), 0, "{}", told(&output));
    let ledger = gateway.ledger();
    let count = |kind: &str, outcome: &str| {
        ledger.values().filter(|entry| entry["kind"] == kind && entry["outcome"] == outcome).count()
    };
    assert_eq!((count("charge", "done"), count("charge", "refused"), count("refund", "done")), (2, 1, 1), "{ledger:?}");
    assert!(gateway.injected()["duplicates"].as_u64() >= Some(4), "{}", gateway.injected());
    agrees(&home, &ledger);
    shows_no_card(&home, &told(&output));
}

#[test]
fn trips_are_paid_once_though_the_gateway_is_lossy_and_killed() {
    let home = Home::with_a_hotel();
    let faults = json!({"latencyMs": 1, "latencyMsMax": 80, "lostAnswerRate": 0.2, "lostRequestRate": 0.1, "faultRate": 0.1, "duplicateRate": 0.5});
    let mut gateway = Simulator::start(&home, ANY_PORT, &faults.to_string());
    let server = Server::spawn(&home, serve(&home, &gateway));
    let book = |trips: std::ops::Range<usize>| {
        for trip in trips {
            booked(&server, trip);
        }
    };
    book(0..8);
    until(|| (gateway.ledger().len() >= 3).then_some(()));
    let before = gateway.ledger();
    let mut injected = faults_of(&gateway);
    gateway.kill();
    let address = gateway.address.clone();
    let gateway = thread::scope(|scope| {
        let waiting = scope.spawn(|| book(8..12));
        thread::sleep(Duration::from_secs(1));
        let again = Simulator::start(&home, &address, &faults.to_string());
        waiting.join().expect("all are taken");
        again
    });
    assert!(gateway.calls >= before.len() as u64, "nothing that was answered is forgotten");
    until(|| (ended(&home) == 12).then_some(()));
    let ledger = gateway.ledger();
    for (key, entry) in &before {
        assert_eq!(entry["reference"], ledger[key]["reference"], "{key}");
    }
    injected += faults_of(&gateway);
    assert!(injected > 0, "it was lossy");
    agrees(&home, &ledger);
    shows_no_card(&home, "");
}

/// How often it has lost something or done it twice.
fn faults_of(gateway: &Simulator) -> u64 {
    let told = gateway.injected();
    ["duplicates", "lostAnswers", "lostRequests"].iter().filter_map(|fault| told[fault].as_u64()).sum()
}

#[test]
fn a_ledger_survives_kill_9_with_every_call_that_was_answered() {
    let home = Home::new();
    let mut gateway = Simulator::start(&home, ANY_PORT, "{}");
    let charged = (0..20).map(|n| charge(&gateway, &format!("key-{n}"))).collect::<Vec<_>>();
    gateway.kill();
    let gateway = Simulator::start(&home, ANY_PORT, "{}");
    assert_eq!(gateway.calls, 20);
    for (n, answer) in charged.iter().enumerate() {
        let found = get(&gateway.address, &format!("/v1/calls/key-{n}")).expect("an answer").json();
        assert_eq!((&found, found["outcome"].as_str()), (answer, Some("done")));
        assert_eq!(charge(&gateway, &format!("key-{n}")), *answer, "the same key, the same answer");
    }
    assert_eq!(gateway.ledger().len(), 20);
}

#[test]
fn production_starts_with_a_gateway_and_says_what_is_missing_without_one() {
    let (home, issuer) = (Home::with_a_hotel(), Issuer::start());
    let production = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("TRAVELADVISOR_MODE", "production");
        command.env("TRAVELADVISOR_AUTH_ISSUER", issuer.url()).env("TRAVELADVISOR_AUTH_AUDIENCE", "booking-api");
        command
    };
    let without = production(&["serve", "--listen", "127.0.0.1:0"]).output().expect("the program starts");
    assert_eq!(code(&without), 2);
    assert!(told(&without).contains("TRAVELADVISOR_GATEWAY_URL"), "{}", told(&without));
    let mut plain = production(&["serve", "--listen", "127.0.0.1:0"]);
    let plain = plain.env("TRAVELADVISOR_GATEWAY_URL", "http://pay.example").output().expect("the program starts");
    assert_eq!(code(&plain), 2);
    assert!(told(&plain).contains("https://"), "{}", told(&plain));

    let mut gateway = Simulator::start(&home, ANY_PORT, "{}");
    let mut command = production(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    command.env("TRAVELADVISOR_GATEWAY_URL", gateway.url());
    let mut server = Server::spawn(&home, command);
    assert_eq!(get(&server.address, "/health/live").expect("an answer").status, 200);
    let doctor = || {
        let mut doctor = production(&["doctor", "--json"]);
        // A gateway on this machine needs none of the system's certificates, which small images lack.
        doctor.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
        doctor.env("TRAVELADVISOR_GATEWAY_URL", gateway.url()).output().expect("the program starts")
    };
    let well = doctor();
    assert_eq!(code(&well), 0, "{}", told(&well));
    assert!(told(&well).contains(&gateway.url()), "{}", told(&well));
    let url = gateway.url();
    gateway.kill();
    let mut away = production(&["doctor", "--json"]);
    let away = away.env("TRAVELADVISOR_GATEWAY_URL", url).output().expect("the program starts");
    assert_eq!(code(&away), 5, "a needed service is away: {}", told(&away));
    assert!(server.stop(Signal::SIGTERM).0.success());
}

fn serve(home: &Home, gateway: &Simulator) -> Command {
    let mut command = home.command(&["serve", "--json", "--listen", "127.0.0.1:0", "--clock", "2024-12-01"]);
    command.env("TRAVELADVISOR_GATEWAY_URL", gateway.url()).env("TRAVELADVISOR_LOG", "trace");
    command
}

/// Asks until the trip is taken: its card may get no token at first.
fn booked(server: &Server, trip: usize) {
    let card = if trip % 4 == 3 { CARDS[1] } else { CARDS[0] };
    let input = json!({
        "idempotencyKey": format!("trip-{trip}"),
        "traveller": { "email": "traveller@example.com", "name": "A. Traveller" },
        "hotel": { "hotelId": HotelId::of("test", "H1").to_string(), "roomType": "DBL", "checkIn": "2025-01-10", "checkOut": "2025-01-11" },
        "payment": { "method": "CARD", "cardNumber": card },
    });
    until(|| {
        let answer = ask(&server.address, BOOK, &json!({ "input": input })).expect("an answer");
        answer["data"]["bookTrip"]["booking"]["id"].is_string().then_some(())
    });
}

/// How many sagas have ended.
fn ended(home: &Home) -> usize {
    let ends = ["SagaSucceeded", "SagaCompensated"];
    home.events().iter().filter(|event| ends.contains(&event["type"].as_str().unwrap_or_default())).count()
}

/// What the log says was paid and given back is what the gateway has done: no more, no less, no key twice.
fn agrees(home: &Home, ledger: &BTreeMap<String, Value>) {
    let mut asked: BTreeMap<String, i64> = BTreeMap::new();
    let mut paid = BTreeMap::new();
    let mut given_back = BTreeSet::new();
    for event in home.events() {
        let stream = event["stream"].as_str().unwrap_or_default().to_owned();
        let payload = &event["payload"];
        for name in ["PaymentRequested", "RefundRequested"] {
            if let Some(call) = payload[name]["call"].as_object() {
                let minor = call["amount"]["minor"].as_i64().expect("an amount");
                asked.insert(call["key"].as_str().expect("a key").to_owned(), minor);
            }
        }
        if let Some(charge) = payload["PaymentCompleted"]["charge"].as_str() {
            assert!(paid.insert(stream.clone(), charge.to_owned()).is_none(), "{stream} was paid twice");
        }
        // What was paid with points goes back to an account of ours.
        let by_gateway = paid.contains_key(&stream);
        if by_gateway && payload["PaymentCancelled"]["refunded"]["minor"].as_i64().is_some_and(|minor| minor > 0) {
            given_back.insert(stream);
        }
    }
    let done = |kind: &str| {
        let entries = ledger.values().filter(|entry| entry["kind"] == kind && entry["outcome"] == "done");
        entries.map(|entry| entry["reference"].as_str().expect("a reference").to_owned()).collect::<Vec<_>>()
    };
    let mut charged = done("charge");
    let mut completed: Vec<String> = paid.into_values().collect();
    charged.sort();
    completed.sort();
    assert_eq!(charged, completed, "charges that were done, and payments that stand in the log");
    assert_eq!(done("refund").len(), given_back.len(), "refunds");
    for (key, entry) in ledger {
        assert_eq!(asked.get(key), entry["minor"].as_i64().as_ref(), "{key} was asked for after its event, as it says");
    }
}

/// Nowhere in what was written, though everything was written that can be.
fn shows_no_card(home: &Home, more: &str) {
    let files = ["serve.log", "simulator.log", "data/gateway-ledger.jsonl"];
    let texts = files.map(|name| fs::read_to_string(home.file(name)).unwrap_or_default());
    assert!(
        texts.iter().any(|text| text.contains("TRACE")) || more.contains("TRACE"),
        "there is something to look through"
    );
    for text in texts.iter().map(String::as_str).chain([more]) {
        let found = text.lines().find(|line| CARDS.iter().any(|card| line.contains(card)));
        assert_eq!(found, None);
    }
}

fn charge(gateway: &Simulator, key: &str) -> Value {
    let expiry = (SystemClock.now() + TimeDelta::seconds(10)).to_rfc3339();
    let headers = format!("Idempotency-Key: {key}\r\nExpires-At: {expiry}\r\n");
    let body = json!({"token": "tok_sandbox_approves", "minor": 100, "currency": "EUR"});
    post_to(&gateway.address, "/v1/charges", &headers, body.to_string().as_bytes()).expect("an answer").json()
}
