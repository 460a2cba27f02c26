//! Messages that were set aside are found, read and decided on from the command line, beside a program that serves and without one.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use traveladvisor_domain::dead_letter::timer_letter;
use traveladvisor_domain::id::{CarId, LetterId, StreamId};
use traveladvisor_infra::event_log::{EventLog, OpenLetters};

use crate::support::http::ask;
use crate::support::server::Server;
use crate::support::{Home, code, run, told, until};

const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code message } } }";
/// From then on no saga can begin: the message that starts it cannot be handled.
const BREAK: &str = "ALTER TABLE events ADD CONSTRAINT of_a_test CHECK (event_type <> 'SagaStarted') NOT VALID";
const MEND: &str = "ALTER TABLE events DROP CONSTRAINT of_a_test";
const WHY: [&str; 2] = ["--reason", "the table is mended"];

const CANCELLATION: &str = include_str!("../domain/events/booking/CancellationRequested.v1.json");
const PAYMENT: &str = include_str!("../domain/events/payment/PaymentRequested.v1.json");
const RETRIED: &str = r#"{"LetterRetried": {"booking": null, "actor": "cli:ada", "reason": "mended"}}"#;
const DISCARDED: &str = r#"{"LetterDiscarded": {"booking": null, "actor": "cli:ada", "reason": "of no use"}}"#;

fn book(server: &Server, key: &str) -> String {
    let car = CarId::of("test", "C1").to_string();
    let input = json!({ "idempotencyKey": key, "wait": "ACCEPTED", "traveller": { "email": "a@example.com", "name": "A" },
        "car": { "carId": car, "pickUpAt": "2025-01-05T10:00:00Z", "dropOffAt": "2025-01-06T10:00:00Z" },
        "payment": { "method": "NONE" } });
    let booked = ask(&server.address, BOOK, &json!({ "input": input })).expect("an answer");
    booked["data"]["bookTrip"]["booking"]["id"].as_str().unwrap_or_else(|| panic!("{booked}")).to_owned()
}

fn listed(home: &Home, filter: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["dead-letters", "list", "--json", "--quiet"];
    arguments.extend(filter);
    home.printed(&arguments).lines().map(|line| serde_json::from_str(line).expect("one letter a line")).collect()
}

/// Runs a verb; gives its exit code and what it printed of each letter.
fn decide(home: &Home, arguments: &[&str]) -> (i32, Vec<Value>) {
    let output = home.command(arguments).args(["--json", "--actor", "nightshift"]).output().expect("it starts");
    let lines = String::from_utf8(output.stdout.clone()).expect("text");
    (code(&output), lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

fn outcomes(decided: &(i32, Vec<Value>)) -> (i32, Vec<&str>) {
    (decided.0, decided.1.iter().map(|one| one["outcome"].as_str().expect("an outcome")).collect())
}

fn show(home: &Home, letter: &str) -> Value {
    home.json(&["dead-letters", "show", letter])
}

fn id(letter: &Value) -> String {
    letter["letterId"].as_str().expect("an id").to_owned()
}

fn until_succeeded(home: &Home, booking: &str) {
    until(|| (home.json(&["sagas", "show", booking])["status"] == "SUCCEEDED").then_some(()));
}

#[test]
fn a_message_that_was_set_aside_is_found_told_and_brought_again_beside_a_program_that_serves_and_before_it() {
    let home = Home::with_a_fleet();
    let mut server = Server::start(&home);
    run(&home, BREAK);
    let bookings = ["retried", "discarded", "left"].map(|key| book(&server, key));
    let letters = until(|| Some(listed(&home, &[])).filter(|letters| letters.len() == 3));
    let of = |booking: &String| {
        id(letters.iter().find(|letter| letter["bookingId"] == json!(booking)).expect("each trip has a letter"))
    };
    let [retried, discarded, left] = bookings.each_ref().map(of);
    let [trip, _, trip_left] = &bookings;

    // It is told whole, in a list and alone.
    let one = &listed(&home, &["--booking", trip])[..];
    let [record] = one else { panic!("one of this trip: {one:?}") };
    assert_eq!((&record["state"], &record["outlook"]), (&json!("set aside"), &json!("comes again")));
    assert_eq!((&record["what"], &record["times"]), (&json!("the trip's beginning"), &json!(1)));
    assert_eq!(record["cause"], json!({ "stream": trip, "sequence": 1, "place": 0 }));
    assert!(record["nextWakeUp"].is_string() && record["reason"].is_string(), "{record}");
    let page = home.printed(&["dead-letters", "show", &retried]);
    for part in ["comes again", "its append was refused", "dead-letters retry", "dead-letters discard", trip, &retried]
    {
        assert!(page.contains(part), "{part} in: {page}");
    }
    assert!(home.printed(&["dead-letters", "list"]).contains(&retried), "whole, to be copied");

    // Still broken: it comes at once and is set aside again. Given up: it never comes.
    let again = decide(&home, &[&["dead-letters", "retry", &retried], &WHY[..]].concat());
    assert_eq!(outcomes(&again), (0, vec!["recorded"]));
    until(|| (show(&home, &retried)["times"] == 2).then_some(()));
    let given_up = decide(&home, &["dead-letters", "discard", &discarded, "--reason", "booked twice"]);
    assert_eq!(outcomes(&given_up), (0, vec!["recorded"]));
    let refused = decide(&home, &[&["dead-letters", "retry", &discarded], &WHY[..]].concat());
    assert_eq!((outcomes(&refused), &refused.1[0]["code"]), ((4, vec!["refused"]), &json!("NOT_RESOLVABLE")));
    assert_eq!(listed(&home, &[]).len(), 2, "nothing is to be done about what was given up");
    let all = ["dead-letters", "retry", "--all", "--reason", "the table is mended"];
    assert_eq!(decide(&home, &all), (2, Vec::new()), "nobody said yes");

    run(&home, MEND);
    assert_eq!(outcomes(&decide(&home, &[&["dead-letters", "retry", &retried], &WHY[..]].concat())).0, 0);
    until_succeeded(&home, trip);
    assert_eq!(show(&home, &retried)["outlook"], "handled");

    // Without a program that serves it is recorded, and the next one brings it.
    assert!(server.stop(Signal::SIGTERM).0.success());
    let output = home.run(&[&all[..], &["--yes", "--actor", "nightshift"]].concat());
    assert!(code(&output) == 0 && told(&output).contains("traveladvisor serve"), "{}", told(&output));
    assert_eq!(show(&home, &left)["state"], "retried");
    let server = Server::start(&home);
    until_succeeded(&home, trip_left);
    drop(server);
    assert_eq!(listed(&home, &[]), Vec::<Value>::new());
    assert_eq!(listed(&home, &["--all"]).len(), 3);
    assert_signed(&home, &discarded, &bookings[1]);
    let verified = home.json(&["events", "verify"]);
    assert_eq!(verified["findings"], json!([]), "{verified}");
}

/// What was said of a letter stands in the log with who has said it, and in its trip's story.
fn assert_signed(home: &Home, letter: &str, booking: &str) {
    let whole = show(home, letter);
    let said = whole["history"].as_array().and_then(|history| history.last()).expect("a history");
    assert_eq!(
        (&said["type"], &said["actor"], &said["text"]),
        (&json!("LetterDiscarded"), &json!("cli:nightshift"), &json!("booked twice"))
    );
    assert_eq!(whole["verbs"], json!([]));
    let event = home.events().into_iter().find(|event| event["type"] == "LetterDiscarded").expect("an event");
    assert_eq!(event["metadata"]["correlation"], json!(booking));
}

#[test]
fn what_is_said_wrong_of_a_letter_ends_with_2_and_what_is_not_there_with_4() {
    let home = Home::with_a_fleet();
    let nothing = "dead_letter_00000000000000000000000000";
    for arguments in [
        &["dead-letters", "retry", nothing][..],
        &["dead-letters", "retry", "--reason", "why"],
        &["dead-letters", "retry", nothing, "--all", "--reason", "why"],
        &["dead-letters", "discard", nothing, "--reason", " "],
        &["dead-letters", "discard", nothing, "--reason", "4242 4242 4242 4242"],
        &["dead-letters", "discard", nothing, "--reason", "why", "--actor", "ada@example.org"],
        &["dead-letters", "show", "booking_00000000000000000000000000"],
        &["dead-letters", "list", "--booking", "nonsense"],
        &["dead-letters", "list", "--log", "hotel"],
        &["dead-letters", "list", "--log", "read"],
    ] {
        let output = home.run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", told(&output));
        assert!(!output.stderr.is_empty(), "{arguments:?} tells why");
    }
    let shown = home.run(&["dead-letters", "show", nothing]);
    assert!(code(&shown) == 4 && told(&shown).contains("dead-letters list"), "{}", told(&shown));
    let unknown = decide(&home, &["dead-letters", "retry", nothing, "--reason", "why"]);
    assert_eq!((unknown.0, &unknown.1[0]["code"]), (4, &json!("NOT_FOUND")));
    assert_eq!(listed(&home, &["--all"]), Vec::<Value>::new());
    let mut away = home.command(&["dead-letters", "list"]);
    let away = away.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none").output().expect("it starts");
    assert_eq!(code(&away), 5, "{}", told(&away));
}

/// The events of a stream, as statements.
fn written<'a>(stream: &str, events: impl IntoIterator<Item = &'a str>) -> String {
    let (kind, _) = stream.rsplit_once('_').expect("a kind");
    let each = events.into_iter().zip(1..).map(|(payload, sequence)| {
        format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
             SELECT '{kind}', '{stream}', {sequence}, json_object_keys('{payload}'), '1', '{payload}', metadata, now() \
               FROM events WHERE event_type = 'CarListed';"
        )
    });
    each.collect()
}

fn of_cause(cause: &str, instruction: &Value) -> String {
    let failure = json!({ "code": "INTERNAL", "message": "It could not be handled." });
    let letter = json!({ "booking": null, "cause_stream": cause, "cause_sequence": 1, "place": 0,
        "instruction": instruction, "failure": failure });
    json!({ "MessageDeadLettered": letter }).to_string()
}

fn of_record() -> String {
    let failure = json!({ "code": "INTERNAL", "message": "It could not be read." });
    let letter =
        json!({ "topic": "t", "partition": 2, "offset": 17, "booking": null, "instruction": null, "failure": failure });
    json!({ "RecordDeadLettered": letter }).to_string()
}

fn letter(number: u32) -> String {
    format!("dead_letter_{number:026}")
}

fn counted(home: &Home) -> OpenLetters {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let (server, pool) = home.database().await;
        let counted = EventLog::new("public", pool.clone()).open_letters().await.expect("counted");
        pool.close().await;
        server.stop().await.expect("let go");
        counted
    })
}

#[test]
fn as_many_letters_are_counted_of_each_outlook_as_are_listed() {
    let home = Home::with_a_fleet();
    let [booking, payment, saga] = ["booking", "payment", "trip_saga"].map(|kind| format!("{kind}_{:026}", 1));
    let fleet = CarId::of("test", "C1").to_string();
    let asked = json!({ "step": "hotel", "direction": "request", "attempt": 1 });
    let [announced, message, call] = [&fleet, &booking, &payment].map(|cause| of_cause(cause, &Value::Null));
    let (request, record, timer) = (of_cause(&saga, &asked), of_record(), of_cause(&saga, &Value::Null));
    let of_timer = LetterId(timer_letter(saga.parse::<StreamId>().expect("a stream"), 1)).to_string();
    let happened = [
        written(&booking, [CANCELLATION]),
        written(&payment, [PAYMENT]),
        written(&letter(1), [&*announced]),
        written(&letter(2), [&*announced, RETRIED, &*announced]),
        written(&letter(3), [&*announced, RETRIED]),
        written(&letter(4), [&*announced, DISCARDED]),
        written(&letter(5), [&*message]),
        written(&letter(6), [&*call]),
        written(&letter(7), [&*request]),
        written(&letter(8), [&*record]),
        written(&letter(9), [&*message]),
        format!("INSERT INTO wakeups VALUES ('dead_letter', '{}', 'retry', now());", letter(9)),
        written(&of_timer, [&*timer]),
    ];
    run(&home, &happened.concat());

    let letters = listed(&home, &["--all"]);
    let of = |outlook: &str| letters.iter().filter(|letter| letter["outlook"] == outlook).count() as u64;
    let needed_by_nobody = ["handled", "discarded", "timer fires", "payment asks again"].map(of);
    assert_eq!(needed_by_nobody, [2, 1, 1, 1], "{letters:?}");
    let open = OpenLetters {
        come_again: of("comes again"),
        sagas_ask_again: of("saga asks again"),
        need_operator: of("needs operator"),
    };
    assert_eq!(open, OpenLetters { come_again: 1, sagas_ask_again: 1, need_operator: 3 }, "{letters:?}");
    assert_eq!(counted(&home), open);
}
