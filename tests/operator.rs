//! The operator's desk: sagas that wait are found, read and decided from the command line and over GraphQL, beside a program that serves
//! and without one.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::{BookingId, CarId, StreamId};
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::trip::Step;
use traveladvisor_domain::trip_saga::TripSagaEvent;
use traveladvisor_domain::trip_saga::attention::fingerprint;
use traveladvisor_infra::event_log::{Append, EventLog, Metadata, NewEvent, encode};

use crate::support::http::ask;
use crate::support::server::Server;
use crate::support::{Home, code, run, told, until};

const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code message } } }";
const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { id } errors { code } } }";
const RESOLVE: &str =
    "mutation($input: ResolveSagaInput!) { resolveSaga(input: $input) { saga { needsAttention } errors { code } } }";

fn book(server: &Server, key: &str, wait: &str) -> String {
    let car = CarId::of("test", "C1").to_string();
    let input = json!({ "idempotencyKey": key, "wait": wait, "traveller": { "email": "a@example.com", "name": "A" },
        "car": { "carId": car, "pickUpAt": "2025-01-05T10:00:00Z", "dropOffAt": "2025-01-06T10:00:00Z" },
        "payment": { "method": "CARD", "cardNumber": "4242424242424242" } });
    let booked = ask(&server.address, BOOK, &json!({ "input": input })).expect("an answer");
    booked["data"]["bookTrip"]["booking"]["id"].as_str().unwrap_or_else(|| panic!("{booked}")).to_owned()
}

fn listed(home: &Home, filter: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["sagas", "list", "--json", "--quiet"];
    arguments.extend(filter);
    home.printed(&arguments).lines().map(|line| serde_json::from_str(line).expect("one saga a line")).collect()
}

fn show(home: &Home, booking: &str) -> Value {
    home.json(&["sagas", "show", booking])
}

fn until_status(home: &Home, booking: &str, status: &str) {
    until(|| (show(home, booking)["status"] == status).then_some(()));
}

/// Runs a verb; gives its exit code and what it printed of each trip.
fn decide(home: &Home, arguments: &[&str]) -> (i32, Vec<Value>) {
    let output = home.command(arguments).args(["--json", "--actor", "nightshift"]).output().expect("it starts");
    let lines = String::from_utf8(output.stdout.clone()).expect("text");
    (
        code(&output),
        lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", told(&output)))).collect(),
    )
}

fn outcomes(decided: &(i32, Vec<Value>)) -> Vec<&str> {
    decided.1.iter().map(|one| one["outcome"].as_str().expect("an outcome")).collect()
}

/// Trips that were cancelled, whose charges the gateway then could not find: their refunds fail until an operator is called.
fn refunds_stuck(home: &Home, server: &Server, trips: usize) -> Vec<Value> {
    let bookings: Vec<String> = (0..trips).map(|trip| book(server, &format!("k{trip}"), "FINISHED")).collect();
    run(home, "CREATE TABLE lost AS SELECT * FROM sandbox_gateway_calls; DELETE FROM sandbox_gateway_calls");
    for booking in &bookings {
        let input = json!({ "input": { "bookingId": booking } });
        let cancelled = ask(&server.address, CANCEL, &input).expect("an answer");
        assert_eq!(cancelled["data"]["cancelBooking"]["errors"], json!([]), "{cancelled}");
    }
    until(|| Some(listed(home, &["--needs-attention"])).filter(|waiting| waiting.len() == trips))
}

fn id(saga: &Value) -> String {
    saga["bookingId"].as_str().expect("an id").to_owned()
}

/// Money is still kept: what, why, and that it is to be settled by hand.
fn assert_told_as_given_up(home: &Home, booking: &str) {
    let page = home.printed(&["sagas", "show", booking]);
    for part in [
        "Settle it by hand",
        "payment given up, anonymous says: “the gateway has closed”",
        "20.00 EUR is kept of 20.00 EUR",
    ] {
        assert!(page.contains(part), "{part} in: {page}");
    }
    assert!(!page.contains("Nothing is to be done"), "money is still kept: {page}");
    assert_eq!(show(home, booking)["moneyKept"], "20.00 EUR");
    let failed = home.printed(&["sagas", "list", "--status", "FAILED"]);
    let told = format!("{booking} payment given up, anonymous says: “the gateway has closed”");
    assert!(failed.split_whitespace().collect::<Vec<_>>().join(" ").contains(&told), "{failed}");
}

#[test]
fn sagas_that_wait_are_found_told_and_decided_beside_a_program_that_serves() {
    let home = Home::with_a_fleet();
    let server = Server::start(&home);
    let waiting = refunds_stuck(&home, &server, 5);
    let [undone, given_up, left @ ..] = &waiting[..] else { panic!("five wait: {waiting:?}") };
    let print = undone["fingerprint"].as_str().expect("a fingerprint");
    assert_eq!(listed(&home, &["--fingerprint", print]).len(), 5);
    assert_eq!(listed(&home, &["--fingerprint", print, "--limit", "2"]).len(), 2);
    assert_eq!(listed(&home, &["--status", "succeeded", "--status", "FAILED"]).len(), 0);
    let list = home.printed(&["sagas", "list", "--needs-attention"]);
    assert!(list.contains(print) && list.contains(&id(undone)), "whole, to be copied: {list}");

    let page = home.printed(&["sagas", "show", &id(undone)]);
    assert!(!page.contains("nobody delivers"), "by the log's own clock: {page}");
    for part in [
        "needs an operator",
        "now          2024-12-01",
        "the undo of payment",
        "try 5",
        "AttentionNeeded",
        "sagas give-up",
        print,
    ] {
        assert!(page.contains(part), "{part} in: {page}");
    }
    let whole = show(&home, &id(undone));
    assert_eq!(whole["verbs"], json!(["retry", "mark-undone", "give-up"]));
    let types: Vec<&str> =
        whole["story"].as_array().expect("a story").iter().filter_map(|line| line["type"].as_str()).collect();
    assert!(types.contains(&"RefundFaulted") && types.contains(&"UndoFaulted"), "every cause and try: {types:?}");

    // One by one, from the command line and over GraphQL.
    let evidence = ["--reason", "given back by bank transfer 77"];
    let mark = |expecting: &str| {
        decide(&home, &[&["sagas", "mark-undone", &id(undone), "--expecting", expecting], &evidence[..]].concat())
    };
    let other = mark("undo-car-UNAVAILABLE-00000000");
    assert_eq!((other.0, outcomes(&other)), (4, vec!["refused"]), "evidence for one reason never marks another");
    assert!(page.contains(&format!("mark-undone {} --expecting {print} --reason", id(undone))), "to be copied: {page}");
    let marked = mark(print);
    assert_eq!((marked.0, outcomes(&marked)), (0, vec!["recorded"]));
    until_status(&home, &id(undone), "COMPENSATED");
    let again = decide(&home, &[&["sagas", "mark-undone", &id(undone)], &evidence[..]].concat());
    assert_eq!((again.0, outcomes(&again)), (0, vec!["so already"]));
    let input = json!({ "bookingId": id(given_up), "verb": "GIVE_UP", "reason": "the gateway has closed" });
    let resolved = ask(&server.address, RESOLVE, &json!({ "input": input })).expect("an answer");
    assert_eq!(resolved["data"]["resolveSaga"]["errors"], json!([]), "{resolved}");
    until_status(&home, &id(given_up), "FAILED");
    assert_told_as_given_up(&home, &id(given_up));
    let refused = decide(&home, &["sagas", "retry", &id(given_up), "--reason", "once more"]);
    assert_eq!((refused.0, &refused.1[0]["code"]), (4, &json!("NOT_RESOLVABLE")));

    // Together: not by accident.
    let all = ["sagas", "retry", "--fingerprint", print, "--reason", "the gateway has found its charges"];
    assert_eq!(decide(&home, &all), (2, Vec::new()), "nobody said yes");
    run(&home, "INSERT INTO sandbox_gateway_calls SELECT * FROM lost ON CONFLICT DO NOTHING");
    let together = decide(&home, &[&all[..], &["--yes"]].concat());
    assert_eq!((together.0, outcomes(&together)), (0, vec!["recorded"; 3]));
    for saga in left {
        until_status(&home, &id(saga), "COMPENSATED");
    }
    assert_eq!(listed(&home, &["--needs-attention"]).len(), 0);
    let none = decide(&home, &all);
    assert_eq!(none, (0, Vec::new()), "nobody waits for this any more");

    assert_signed_by(&home, ["anonymous", "cli:nightshift", "cli:nightshift", "cli:nightshift", "cli:nightshift"]);
}

/// Every verb stands in the log with who has said it, by the log's clock.
fn assert_signed_by(home: &Home, expected: [&str; 5]) {
    let resolved: Vec<Value> = home.events().into_iter().filter(|event| event["type"] == "Resolved").collect();
    let mut actors: Vec<&str> =
        resolved.iter().filter_map(|event| event["payload"]["Resolved"]["actor"].as_str()).collect();
    actors.sort_unstable();
    assert_eq!(actors, expected);
    assert!(
        resolved.iter().all(|event| event["occurredAt"].as_str().is_some_and(|at| at.starts_with("2024-12-01"))),
        "by the log's clock"
    );
}

/// When an operator is called.
const CALLED_AT: &str = "2024-12-01T00:05:00Z";

/// An operator is called for this trip's payment, as after the last look-up: the gateway cannot tell what came of it.
fn payment_in_doubt(home: &Home, booking: &str) {
    let id: BookingId = booking.parse().expect("an id");
    let failure = Failure::new(Code::Unavailable, "The gateway does not answer.");
    let (step, direction, attempt) = (Step::Payment, Direction::Request, 1);
    let unknown = PaymentEvent::OutcomeUnknown { direction, attempt, failure: failure.clone() };
    let fingerprint = fingerprint(direction, step, &failure);
    let retry_at = "2024-12-01T06:00:00Z".parse().expect("an instant");
    let in_doubt = true;
    let needed = TripSagaEvent::AttentionNeeded { step, direction, attempt, failure, fingerprint, retry_at, in_doubt };
    let told = [(id.payment(), Event::Payment(unknown)), (id.saga(), Event::TripSaga(needed))];
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let (server, pool) = home.database().await;
        let log = EventLog::new("public", pool.clone());
        let mut append = Append { batch: id.0, now: CALLED_AT.parse().expect("an instant"), ..Append::default() };
        for (stream, event) in told {
            let sequence = log.read_stream(stream, 0).await.expect("read").len() as u64;
            append.reads.push((stream, sequence));
            append.events.push(stored(stream, sequence + 1, &event, booking));
        }
        log.append(&append).await.expect("appended");
        pool.close().await;
        server.stop().await.expect("let go");
    });
}

fn stored(stream: StreamId, sequence: u64, event: &Event, booking: &str) -> NewEvent {
    let id: BookingId = booking.parse().expect("an id");
    let metadata = Metadata {
        batch: id.0.to_string(),
        command: "answer".into(),
        correlation: booking.to_owned(),
        actor: "test".into(),
        occurred_at: CALLED_AT.into(),
        ..Metadata::default()
    };
    NewEvent {
        stream,
        sequence,
        event_type: event.event_type().to_owned().into(),
        event_version: "1".into(),
        payload: encode(event).expect("JSON").into(),
        metadata: serde_json::to_string(&metadata).expect("JSON").into(),
        told: None,
    }
}

#[test]
fn a_payment_in_doubt_is_marked_as_done_though_nothing_serves_and_can_be_given_back() {
    let home = Home::with_a_fleet();
    let mut server = Server::start(&home);
    run(&home, "ALTER TABLE sandbox_gateway_calls RENAME TO away");
    let bookings = ["done", "undone"].map(|key| book(&server, key, "ACCEPTED"));
    let asked = |home: &Home| home.events().iter().filter(|event| event["type"] == "PaymentRequested").count();
    until(|| (asked(&home) == 2).then_some(()));
    assert!(server.stop(Signal::SIGTERM).0.success());
    for booking in &bookings {
        payment_in_doubt(&home, booking);
    }
    let [done, undone] = &bookings;
    let saga = show(&home, done);
    assert_eq!(saga["verbs"], json!(["retry", "mark-done", "mark-undone", "give-up"]));
    assert_eq!((&saga["status"], &saga["waitingStep"]), (&json!("PROCESSING"), &json!("payment")));

    let reason = ["--reason", "seen in the gateway's records"];
    let marked = [&["sagas", "mark-done", done, "--reference", "ch_by_hand"], &reason[..]].concat();
    let output = home.run(&marked);
    assert_eq!(code(&output), 0, "{}", told(&output));
    assert!(told(&output).contains("traveladvisor serve"), "who carries it on: {}", told(&output));
    let whole = show(&home, done);
    assert_eq!(whole["status"], "SUCCEEDED", "{whole}");
    assert_eq!(outcomes(&decide(&home, &marked)), ["so already"]);
    assert_eq!(decide(&home, &[&["sagas", "mark-undone", undone], &reason[..]].concat()).0, 0);

    run(&home, "ALTER TABLE away RENAME TO sandbox_gateway_calls");
    let server = Server::start(&home);
    until_status(&home, undone, "COMPENSATED");
    ask(&server.address, CANCEL, &json!({ "input": { "bookingId": done } })).expect("an answer");
    until(|| home.events().iter().any(|event| event["type"] == "RefundRequested").then_some(()));
    let refund = home.events().into_iter().find(|event| event["type"] == "RefundRequested").expect("it was asked for");
    assert!(refund["payload"].to_string().contains("ch_by_hand"), "with the operator's reference: {refund}");
}

#[test]
fn what_is_said_wrong_to_the_desk_ends_with_2_and_what_is_not_there_with_4() {
    let home = Home::with_a_fleet();
    let nobody = "booking_00000000000000000000000000";
    for arguments in [
        &["sagas", "retry", nobody][..],
        &["sagas", "retry", "--reason", "why"],
        &["sagas", "retry", nobody, "--fingerprint", "f", "--reason", "why"],
        &["sagas", "retry", nobody, "--reason", " "],
        &["sagas", "give-up", nobody, "--reason", "a\u{1b}[2Jb"],
        &["sagas", "give-up", nobody, "--reason", "4242 4242 4242 4242"],
        &["sagas", "give-up", nobody, "--reason", "\u{200b}\u{202e}"],
        &["sagas", "give-up", nobody, "--reason", "why", "--actor", "ada@example.org"],
        &["sagas", "give-up", nobody, "--reason", "why", "--expecting", " "],
        &["sagas", "give-up", "--fingerprint", "f", "--reason", "why", "--expecting", "f"],
        &["sagas", "mark-done", nobody, "--reason", "why"],
        &["sagas", "mark-done", nobody, "--reference", "", "--reason", "why"],
        &["sagas", "show", "nonsense"],
        &["sagas", "list", "--status", "ODD"],
    ] {
        let output = home.run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", told(&output));
        assert!(!output.stderr.is_empty(), "{arguments:?} tells why");
    }
    assert_eq!(code(&home.run(&["sagas", "show", nobody])), 4);
    let unknown = decide(&home, &["sagas", "retry", nobody, "--reason", "why"]);
    assert_eq!((unknown.0, &unknown.1[0]["code"]), (4, &json!("NOT_FOUND")));
    let mut away = home.command(&["sagas", "list"]);
    let away = away.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none").output().expect("it starts");
    assert_eq!(code(&away), 5, "{}", told(&away));
}
