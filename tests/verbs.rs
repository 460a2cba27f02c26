//! Every verb: what it prints, and with which exit code it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::http::{ask, get};
use crate::support::server::Server;
use crate::support::{Home, code, told};

const HOTEL: &str = r#"{"upsertHotel": {"supplier": "test", "code": "H1", "name": "The Hotel", "city": "Lyon", "country": "FR", "timeZone": "Europe/Paris", "roomTypes": [{"code": "DBL", "name": "Double", "rooms": 3, "nightlyPrice": {"amount": "80.00", "currency": "EUR"}}]}}"#;
const CAR: &str = r#"{"upsertCar": {"supplier": "test", "code": "C1", "name": "A small car", "carClass": "MINI", "location": "LYS", "vehicles": 2, "dailyPrice": {"amount": "20.00", "currency": "EUR"}}}"#;
const BAD: &str = r#"{"upsertCar": {"supplier": "test", "code": "C2", "name": "A car", "carClass": "MINI", "location": "LYS", "vehicles": -1, "dailyPrice": {"amount": "20.00", "currency": "EUR"}}}"#;

#[test]
fn whoever_only_reads_is_told_to_migrate_first() {
    let home = Home::new();
    let output = home.run(&["events", "list"]);
    assert_eq!(code(&output), 1);
    assert!(told(&output).contains("traveladvisor migrate"), "{}", told(&output));
    assert!(!home.data_dir().exists(), "and nothing is made");
}

#[test]
fn wrong_usage_ends_with_2() {
    let home = Home::new();
    for arguments in [
        &["fly"][..],
        &["events", "list", "--kind", "ship"],
        &["events", "list", "--after", "soon"],
        &["serve", "--clock", "tomorrow"],
        &["serve", "--listen", "0.0.0.0:8072"],
        &["migrate", "--config", "missing.toml"],
        &[],
    ] {
        let output = home.run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", told(&output));
        assert!(!output.stderr.is_empty(), "{arguments:?} tells why");
    }
    let production = home.command(&["serve"]).env("TRAVELADVISOR_MODE", "production").output().expect("it starts");
    assert_eq!(code(&production), 2, "{}", told(&production));
    let rate = home.command(&["serve"]).env("TRAVELADVISOR_POINTS_RATE", "0").output().expect("it starts");
    assert_eq!(code(&rate), 2, "{}", told(&rate));
    assert!(told(&rate).contains("a rate is 1 to"), "{}", told(&rate));
    let clock = home.command(&["serve", "--clock", "2024-12-01"]).env("TRAVELADVISOR_MODE", "production").output();
    assert_eq!(code(&clock.expect("it starts")), 2);
}

#[test]
fn a_server_that_is_away_ends_with_5() {
    let home = Home::new();
    for verb in [&["migrate"][..], &["doctor"], &["events", "list"]] {
        let mut command = home.command(verb);
        let output = command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none").output().expect("it starts");
        assert_eq!(code(&output), 5, "{verb:?}: {}", told(&output));
    }
}

#[test]
fn what_needs_no_database_prints_and_ends_with_0() {
    let home = Home::new();
    let kept = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/api/schema.graphql")).expect("the schema");
    assert_eq!(home.printed(&["schema"]).trim_end(), kept.trim_end());
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md")).expect("the page of errors");
    assert_eq!(home.printed(&["schema", "--errors"]).trim_end(), page.trim_end());
    assert!(home.printed(&["completions", "bash"]).contains("traveladvisor"));
    assert!(home.printed(&["--help"]).contains("Exit codes"));
    assert!(!home.data_dir().exists());
}

#[test]
fn migrating_twice_changes_nothing_and_the_doctor_is_content() {
    let home = Home::new();
    let output = home.run(&["doctor"]);
    assert_eq!(code(&output), 3, "{}", told(&output));
    assert!(!home.data_dir().exists(), "a look makes nothing");
    assert_eq!(home.json(&["migrate"])["outcome"], "created");
    assert_eq!(home.json(&["migrate"])["outcome"], "unchanged");
    let report = home.json(&["doctor"]);
    let checks = report["checks"].as_array().expect("checks");
    for name in ["settings", "server", "durability", "schema", "clock", "log", "relay"] {
        assert!(checks.iter().any(|check| check["name"] == name && check["ok"] == true), "{name}: {report}");
    }
    let gateway = checks.iter().find(|check| check["name"] == "payment gateway").expect("a check");
    let detail = gateway["detail"].as_str().expect("a sentence");
    assert!(detail.contains("charges go to the sandbox in the database"), "which gateway would be used: {detail}");
}

#[test]
fn the_doctor_finds_a_reader_beyond_the_logs_end() {
    let home = Home::new();
    home.printed(&["migrate"]);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let (server, pool) = home.database().await;
        sqlx::query("UPDATE consumed_offsets SET \"offset\" = 7").execute(&pool).await.expect("updated");
        pool.close().await;
        server.stop().await.expect("stopped");
    });
    let output = home.run(&["doctor"]);
    assert_eq!(code(&output), 3, "{}", told(&output));
    assert!(told(&output).contains("beyond the log's end"));
}

#[test]
fn a_bad_line_is_told_and_the_good_ones_are_imported_once() {
    let home = Home::new();
    let file = home.file("offers.jsonl");
    fs::write(&file, format!("{HOTEL}\n{BAD}\n{CAR}\n")).expect("written");
    let path = file.to_str().expect("a path");
    let first = home.run(&["catalog", "import", path, "--json"]);
    assert_eq!(code(&first), 1, "{}", told(&first));
    let report: Value = serde_json::from_slice(&first.stdout).expect("a report");
    assert_eq!((&report["listed"], &report["changed"]), (&json!(2), &json!(2)), "{report}");
    let rejected = report["rejected"].as_array().expect("rejected");
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0]["line"], 2);
    assert!(rejected[0]["file"].as_str().is_some_and(|name| name.ends_with("offers.jsonl")));
    assert!(rejected[0]["reason"].as_str().is_some_and(|reason| reason.contains("vehicles")), "{report}");

    let before = home.events();
    assert_eq!(before.len(), 2);
    let second = home.run(&["catalog", "import", path]);
    assert_eq!(code(&second), 1);
    assert!(told(&second).contains("offers.jsonl:2: "), "{}", told(&second));
    assert_eq!(home.events(), before, "the same import appends nothing");

    let missing = home.run(&["catalog", "import", "nowhere"]);
    assert_eq!(code(&missing), 1);
    assert!(told(&missing).contains("nowhere"));
}

#[test]
fn verbs_attach_while_serve_runs_and_adopt_what_a_kill_left() {
    let home = Home::new();
    let file = home.file("offers.jsonl");
    fs::write(&file, format!("{HOTEL}\n{CAR}\n")).expect("written");
    let mut server = Server::start(&home);
    assert_eq!(get(&server.address, "/health/ready").expect("an answer").status, 200);

    let mut tail = home.command(&["events", "tail", "--follow", "--json", "--last", "0"]);
    let mut tail = tail.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("tail starts");
    let mut lines = BufReader::new(tail.stdout.take().expect("its output")).lines();
    home.printed(&["catalog", "import", file.to_str().expect("a path")]);
    let seen: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("an event");
    assert!(seen["type"].as_str().is_some_and(|name| name.ends_with("Listed")), "{seen}");
    kill(Pid::from_raw(tail.id().cast_signed()), Signal::SIGINT).expect("tail takes signals");
    assert!(tail.wait().expect("tail ends").success());

    let booking = book(&server);
    server.kill();
    // Adopts the orphaned server, reads, and stops it as its last user.
    shows_the_booking(&home, &booking);

    let mut server = Server::start(&home);
    let again = book(&server);
    assert_eq!(again, booking, "the same key, the same booking");
    let (status, rest) = server.stop(Signal::SIGTERM);
    assert!(status.success(), "{status} {rest}");
    assert!(!server.is_running());
}

fn book(server: &Server) -> String {
    let hotels = ask(&server.address, "{ hotels(filter: {city: \"Lyon\"}) { nodes { id } } }", &json!({}));
    let hotel = hotels.expect("hotels")["data"]["hotels"]["nodes"][0]["id"].clone();
    let input = json!({
        "idempotencyKey": "one",
        "traveller": { "email": "grace@example.com", "name": "Grace Hopper" },
        "hotel": { "hotelId": hotel, "roomType": "DBL", "checkIn": "2025-02-01", "checkOut": "2025-02-03" },
        "payment": { "method": "NONE" },
        "wait": "FINISHED",
    });
    let query =
        "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id status } errors { code path } } }";
    let answer = ask(&server.address, query, &json!({ "input": input })).expect("an answer");
    let booking = &answer["data"]["bookTrip"]["booking"];
    assert_eq!(booking["status"], "APPROVED", "{answer}");
    booking["id"].as_str().expect("an id").to_owned()
}

fn shows_the_booking(home: &Home, booking: &str) {
    let shown = home.printed(&["events", "show", booking]);
    assert!(shown.contains("BookingRequested") && shown.contains("BookingApproved"), "{shown}");
    assert!(!shown.contains("Grace") && shown.contains("•••"), "personal values are hidden: {shown}");
    assert!(home.printed(&["events", "show", booking, "--personal"]).contains("Grace Hopper"));
    let listed = home.printed(&["events", "list", "--correlation", booking, "--type", "SagaSucceeded"]);
    assert!(listed.contains("SagaSucceeded") && !listed.contains("RoomsReserved"), "{listed}");
    let stream = home.printed(&["events", "list", "--stream", booking, "--json"]);
    let events: Vec<Value> = stream.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert_eq!(events.len(), 2);
    for field in
        ["position", "stream", "sequence", "type", "version", "occurredAt", "recordedAt", "payload", "metadata"]
    {
        assert!(!events[0][field].is_null(), "{field} is missing");
    }
    let position = events[1]["position"].as_str().expect("a position");
    assert!(home.printed(&["events", "show", position]).contains("BookingApproved"));
    assert!(home.printed(&["events", "tail", "--last", "1"]).contains("SagaSucceeded"));
    let missing = home.run(&["events", "show", "booking_00000000000000000000000000"]);
    assert_eq!(code(&missing), 1);
    assert_eq!(code(&home.run(&["events", "show", "nonsense"])), 2);
}
