//! The operator's verbs on read models, from the command line and beside a program that serves: nothing that they do costs a trip, and what
//! cannot be taken in is told, kept, and taken in once it is mended.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use traveladvisor_domain::id::HotelId;

use crate::support::http::ask;
use crate::support::server::Server;
use crate::support::{Home, code, run, told, until};

const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";

/// A trip whose saga has ended well.
fn book(server: &Server, key: &str) -> String {
    let input = json!({ "idempotencyKey": key, "wait": "FINISHED", "payment": { "method": "NONE" },
        "traveller": { "email": "grace@example.com", "name": "Grace Hopper" },
        "hotel": { "hotelId": HotelId::of("test", "H1"), "roomType": "DBL", "checkIn": "2025-02-01", "checkOut": "2025-02-03" } });
    let booked = ask(&server.address, BOOK, &json!({ "input": input })).expect("an answer");
    booked["data"]["bookTrip"]["booking"]["id"].as_str().unwrap_or_else(|| panic!("{booked}")).to_owned()
}

/// What people see: the status of each trip.
fn shown(server: &Server) -> BTreeMap<String, String> {
    let answer =
        ask(&server.address, "{ bookings(first: 50) { nodes { id status } } }", &json!({})).expect("an answer");
    let nodes = answer["data"]["bookings"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    nodes.iter().map(|node| (text(&node["id"]), text(&node["status"]))).collect()
}

/// Waits until just these are shown as approved, and no others.
fn shows_approved(server: &Server, trips: &[&String]) {
    let wanted: BTreeMap<_, _> = trips.iter().map(|trip| (String::clone(trip), "APPROVED".to_owned())).collect();
    until(|| (shown(server) == wanted).then_some(()));
}

/// Runs a verb of read models; gives its exit code and the objects that it printed, one a line.
fn verb(home: &Home, arguments: &[&str]) -> (i32, Vec<Value>) {
    let output = home.command(&["projections"]).args(arguments).arg("--json").output().expect("it starts");
    let lines = String::from_utf8(output.stdout.clone()).expect("text");
    let objects = lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", told(&output))));
    (code(&output), objects.collect())
}

/// Runs a verb that tells one thing and ends well.
fn one(home: &Home, arguments: &[&str]) -> Value {
    let (code, mut objects) = verb(home, arguments);
    assert_eq!((code, objects.len()), (0, 1), "{arguments:?}: {objects:?}");
    objects.remove(0)
}

/// Exit code of the doctor, and its checks whose name begins so.
fn doctor(home: &Home, name: &str) -> (i32, Vec<Value>) {
    let output = home.run(&["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)));
    let checks = report["checks"].as_array().expect("checks").iter();
    (code(&output), checks.filter(|check| check["name"].as_str().expect("a name").starts_with(name)).cloned().collect())
}

/// The doctor finds fault with the read model of trips alone, and these words say which.
fn doctor_tells(home: &Home, words: &[&str]) {
    let (code, checks) = doctor(home, "");
    assert_eq!(code, 3, "{checks:?}");
    let wrong: Vec<_> = checks.iter().filter(|check| check["ok"] == false).collect();
    let [check] = &wrong[..] else { panic!("{wrong:?}") };
    assert_eq!(check["name"], "projection booking");
    let detail = check["detail"].as_str().expect("a sentence");
    assert!(words.iter().all(|word| detail.contains(word)), "{detail}");
}

/// Waits until nothing but the read model of trips has still to read what is in the log.
fn until_all_else_has_read(home: &Home) {
    let is_through =
        |check: &Value| check["detail"].as_str().is_some_and(|detail| detail.contains("nothing is waiting"));
    until(|| {
        let (_, mut checks) = doctor(home, "projection ");
        checks.retain(|check| check["name"] != "projection booking");
        let (_, relay) = doctor(home, "relay");
        (checks.len() > 5 && checks.iter().chain(&relay).all(is_through)).then_some(())
    });
}

#[test]
fn what_cannot_be_taken_in_and_what_came_during_a_pause_are_there_once_an_operator_has_mended_them() {
    let home = Home::with_a_hotel();
    let mut server = Server::start(&home);
    let early = book(&server, "early");
    shows_approved(&server, &[&early]);

    assert_eq!(one(&home, &["pause", "booking"]), json!({ "name": "booking", "outcome": "paused" }));
    assert_eq!(one(&home, &["pause", "booking"])["outcome"], "paused already");
    let [guilty, late, later] = ["guilty", "late", "later"].map(|key| book(&server, key));
    let paused = one(&home, &["status", "booking"]);
    assert_eq!((&paused["state"], &paused["deadLetters"]), (&json!("paused"), &json!(0)), "{paused}");
    assert!(paused["lagEvents"].as_u64() > Some(3), "{paused}");
    doctor_tells(&home, &["paused at", "projections resume"]);
    shows_approved(&server, &[&early]);

    until_all_else_has_read(&home);
    // The program keeps the newest events in memory: what is done to them behind its back it sees once it is started again.
    assert!(server.stop(Signal::SIGTERM).0.success());
    let event = format!("aggregate_id = '{guilty}' AND event_type = 'BookingApproved'");
    run(
        &home,
        &format!(
            "ALTER TABLE events DISABLE TRIGGER events_are_final; CREATE TABLE kept AS SELECT payload FROM events WHERE {event}; \
             UPDATE events SET payload = '{{\"BookingDanced\":{{\"who\":\"Grace\"}}}}' WHERE {event}"
        ),
    );
    let mut server = Server::start(&home);
    shows_approved(&server, &[&early]);
    assert_eq!(one(&home, &["resume", "booking"])["outcome"], "resumed");
    until(|| (shown(&server).len() == 4).then_some(()));
    // What went wrong last is told by the one that serves, at intervals.
    until(|| {
        let status = one(&home, &["status", "booking"]);
        (status["lagEvents"] == 0 && status["lastError"].is_string()).then_some(())
    });
    let seen = shown(&server);
    assert!(seen[&late] == "APPROVED" && seen[&later] == "APPROVED", "nobody else waits for it: {seen:?}");
    assert_ne!(seen[&guilty], "APPROVED");
    is_told(&home, &guilty);

    let (exit, tried) = verb(&home, &["retry", "booking"]);
    assert_eq!((exit, &tried[0]["key"], &tried[0]["takenIn"]), (4, &json!(guilty), &json!(0)), "{tried:?}");
    assert!(tried[0]["reason"].is_string() && tried[0]["left"].as_u64() > Some(1), "{tried:?}");
    run(&home, &format!("UPDATE events SET payload = (SELECT payload FROM kept) WHERE {event}"));
    let (exit, tried) = verb(&home, &["retry", "booking", "--key", &guilty]);
    assert_eq!((exit, &tried[0]["left"], &tried[0]["reason"]), (0, &json!(0), &Value::Null), "{tried:?}");
    shows_approved(&server, &[&early, &guilty, &late, &later]);
    assert_eq!(verb(&home, &["retry", "booking"]), (0, vec![]), "nothing waits any more");
    assert_eq!(doctor(&home, "").0, 0);
    assert_eq!(one(&home, &["verify", "booking", "--rate", "unlimited"])["drifted"], false);
    assert!(server.stop(Signal::SIGTERM).0.success());
}

/// Status, list and doctor tell which trip waits and why, and nothing of what the event says.
fn is_told(home: &Home, guilty: &str) {
    let status = one(home, &["status", "booking"]);
    assert_eq!((&status["state"], &status["deadLetters"]), (&json!("live"), &json!(1)), "{status}");
    let waiting = status["waiting"].as_u64().expect("a count");
    assert!(waiting > 0, "what follows of the trip: {status}");
    let [key] = &status["keys"].as_array().expect("keys")[..] else { panic!("{status}") };
    assert_eq!(
        (&key["key"], &key["events"], &key["type"]),
        (&json!(guilty), &json!(waiting + 1), &json!("BookingApproved"))
    );
    assert!(status["lastError"].is_string(), "{status}");
    let (exit, listed) = verb(home, &["list"]);
    assert_eq!(exit, 0);
    assert!(
        listed.len() > 5 && listed.iter().all(|one| (one["deadLetters"] == 1) == (one["name"] == "booking")),
        "{listed:?}"
    );
    let text = home.printed(&["projections", "status", "booking"]);
    assert!(text.contains(guilty) && text.contains("could not be taken in"), "{text}");
    assert!(!text.contains("Grace") && !status.to_string().contains("Grace"), "{text}");
    assert!(home.printed(&["projections", "list"]).contains(&format!("{} events", waiting + 1)));
    doctor_tells(home, &["1 events could not be taken in", "projections status booking"]);
}

#[test]
fn rows_made_anew_and_taken_back_beside_a_server_miss_no_trip_and_drift_is_found() {
    let home = Home::with_a_hotel();
    let mut server = Server::start(&home);
    let first = book(&server, "first");
    shows_approved(&server, &[&first]);
    assert_eq!(verb(&home, &["rollback", "booking"]).0, 4, "there is nothing to go back to");

    let rebuilt = one(&home, &["rebuild", "booking", "--rate", "unlimited"]);
    assert_eq!((&rebuilt["generation"], &rebuilt["deadLetters"]), (&json!(2), &json!(0)), "{rebuilt}");
    let second = book(&server, "second");
    shows_approved(&server, &[&first, &second]);
    let back = one(&home, &["rollback", "booking"]);
    assert_eq!((&back["generation"], &back["fromGeneration"]), (&json!(1), &json!(2)), "{back}");
    let third = book(&server, "third");
    shows_approved(&server, &[&first, &second, &third]);
    let status = one(&home, &["status", "booking"]);
    assert_eq!((&status["generation"], &status["former"]["generation"]), (&json!(1), &json!(2)), "{status}");

    let sound = one(&home, &["verify", "booking", "--rate", "unlimited"]);
    assert_eq!((&sound["drifted"], &sound["tables"][0]["differences"]), (&json!(false), &json!(0)), "{sound}");
    run(&home, "UPDATE bookings SET status = 'CANCELLED' WHERE id = (SELECT min(id::text)::uuid FROM bookings)");
    let (exit, found) = verb(&home, &["verify", "booking", "--rate", "unlimited"]);
    assert_eq!((exit, &found[0]["drifted"]), (3, &json!(true)), "{found:?}");
    let first_row = &found[0]["tables"][0]["first"][0];
    assert_eq!((&first_row["live"]["status"], &first_row["log"]["status"]), (&json!("CANCELLED"), &json!("APPROVED")));
    assert!(!found[0].to_string().contains("Grace"), "personal values are hidden: {found:?}");
    one(&home, &["rebuild", "booking", "--rate", "unlimited"]);
    shows_approved(&server, &[&first, &second, &third]);
    assert_eq!(verb(&home, &["verify", "booking", "--rate", "unlimited"]).0, 0);
    a_rebuild_that_was_cut_off_is_told(&home);
    assert!(server.stop(Signal::SIGTERM).0.success());
}

/// As one that was killed leaves it: its progress stands there, and nobody holds its lock.
fn a_rebuild_that_was_cut_off_is_told(home: &Home) {
    run(
        home,
        "INSERT INTO projection_rebuilds (name, phase, position, until, events_per_s) VALUES ('booking', 'reading', 5, 10, 1)",
    );
    assert_eq!(one(home, &["status", "booking"])["rebuild"]["isCutOff"], true);
    assert!(home.printed(&["projections", "status", "booking"]).contains("cut off while reading, at 50 %"));
    assert!(
        doctor(home, "projection booking").1[0]["detail"].as_str().is_some_and(|detail| detail.contains("cut off"))
    );
    one(home, &["rebuild", "booking", "--rate", "unlimited"]);
    assert_eq!(one(home, &["status", "booking"])["rebuild"], Value::Null);
}
