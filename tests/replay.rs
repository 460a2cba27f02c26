//! What was shown, and how it came to it: a stream step by step, and a trip as of an instant, through the program.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use traveladvisor_domain::id::{BookingId, HotelId};

use crate::support::http::ask;
use crate::support::server::Server;
use crate::support::{Home, code, told};

const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id status } errors { code } } }";
const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { status } errors { code } } }";
const AS_OF: &str = "query($id: ID!, $at: DateTime) { booking(id: $id, asOf: $at) { status sagaStatus hotel { status } timeline { type } } }";

/// Events of a long stream: more than are read at once.
const LONG: u64 = 1_200;

/// A trip that was approved and then cancelled.
fn booked_and_cancelled(server: &Server) -> String {
    let input = json!({ "idempotencyKey": "one", "wait": "FINISHED",
        "traveller": { "email": "grace@example.com", "name": "Grace Hopper" },
        "hotel": { "hotelId": HotelId::of("test", "H1").to_string(), "roomType": "DBL", "checkIn": "2025-02-01", "checkOut": "2025-02-03" },
        "payment": { "method": "CARD", "cardNumber": "4242424242424242" } });
    let booked = ask(&server.address, BOOK, &json!({ "input": input })).expect("an answer");
    let booking = &booked["data"]["bookTrip"]["booking"];
    assert_eq!(booking["status"], "APPROVED", "{booked}");
    let id = booking["id"].as_str().expect("an id").to_owned();
    let input = json!({ "input": { "bookingId": id, "wait": "FINISHED" } });
    let cancelled = ask(&server.address, CANCEL, &input).expect("an answer");
    assert_eq!(cancelled["data"]["cancelBooking"]["booking"]["status"], "CANCELLED", "{cancelled}");
    id
}

/// The lines of a replay that succeeds.
fn steps(home: &Home, arguments: &[&str]) -> Vec<Value> {
    lines(&home.printed(&[&["replay", "--json", "--quiet"], arguments].concat()))
}

fn lines(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).expect("a step a line")).collect()
}

/// The state that the changes lead to.
fn state(steps: &[Value]) -> Value {
    let mut state = steps[0]["before"].clone();
    for change in steps.iter().flat_map(|step| step["changes"].as_array().expect("changes")) {
        let path = change["path"].as_str().expect("a path");
        let Some((parent, name)) = path.rsplit_once('/') else {
            state = change["new"].clone();
            continue;
        };
        if let Some(from) = change["from"].as_str() {
            let (_, former) = from.rsplit_once('/').expect("a place");
            let parent = state.pointer_mut(parent).expect("the place is there").as_object_mut().expect("an object");
            let moved = parent.remove(former).expect("it was there");
            parent.insert(name.to_owned(), moved);
            continue;
        }
        let parent = state.pointer_mut(parent).expect("the place is there");
        match (parent, change.get("new")) {
            (Value::Object(members), Some(new)) => drop(members.insert(name.to_owned(), new.clone())),
            (Value::Object(members), None) => drop(members.remove(name)),
            (Value::Array(items), Some(new)) if name == items.len().to_string() => items.push(new.clone()),
            (Value::Array(items), Some(new)) => items[name.parse::<usize>().expect("a place")] = new.clone(),
            (items, _) => drop(items.as_array_mut().expect("a list").remove(name.parse().expect("a place"))),
        }
    }
    state
}

fn types(steps: &[Value]) -> Vec<&str> {
    steps.iter().map(|step| step["type"].as_str().expect("a type")).collect()
}

#[test]
fn what_was_shown_at_an_instant_is_told_and_each_step_that_led_there() {
    let home = Home::with_a_hotel();
    let mut server = Server::start(&home);
    let booking = booked_and_cancelled(&server);
    let events = home.events();
    let recorded = |name: &str| -> String {
        let event = events.iter().find(|event| event["type"] == name).unwrap_or_else(|| panic!("no {name}"));
        event["recordedAt"].as_str().expect("a time").to_owned()
    };
    let shown = |moment: &str| -> Value {
        let answer = ask(&server.address, AS_OF, &json!({ "id": booking, "at": moment })).expect("an answer");
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"]["booking"].clone()
    };
    let approved = shown(&recorded("SagaSucceeded"));
    assert_eq!(approved["status"], "APPROVED", "{approved}");
    assert_eq!(approved["hotel"]["status"], "BOOKED");
    assert_eq!(approved["timeline"].as_array().map(Vec::len), Some(9), "{approved}");
    assert_eq!(shown("2999-01-01T00:00:00Z")["status"], "CANCELLED");
    assert_eq!(shown("2020-01-01T00:00:00Z"), Value::Null);

    tells_each_step(&home, &booking, &recorded("BookingApproved"));
    refuses_what_is_not_there(&home, &booking);
    let (status, _) = server.stop(Signal::SIGTERM);
    assert!(status.success());
    tells_damage_at_its_place(&home, &booking);
    goes_through_a_long_stream(&home);
}

fn tells_each_step(home: &Home, booking: &str, approved_at: &str) {
    let of_booking = steps(home, &["--aggregate", "booking", "--id", booking]);
    assert_eq!(
        types(&of_booking),
        ["BookingRequested", "BookingApproved", "CancellationRequested", "BookingCancelled"]
    );
    for field in ["position", "stream", "sequence", "type", "version", "occurredAt", "recordedAt", "changes"] {
        assert!(!of_booking[0][field].is_null(), "{field} is missing");
    }
    assert_eq!(of_booking[0]["damage"], Value::Null);
    assert_eq!(state(&of_booking), json!({ "Cancelled": { "attempt": 1 } }));
    assert!(
        !home.printed(&["replay", "--aggregate", "booking", "--id", booking]).contains("Grace"),
        "nothing personal"
    );

    // Up to an instant, a position or a step: the same as the beginning of the whole.
    let until = of_booking[1]["position"].as_str().expect("a position");
    for end in [["--as-of", approved_at], ["--as-of", until], ["--to-sequence", "2"]] {
        let arguments = [&["--aggregate", "booking", "--id", booking], &end[..]].concat();
        assert_eq!(steps(home, &arguments), of_booking[..2], "{end:?}");
    }
    let mut later = steps(home, &["--aggregate", "booking", "--id", booking, "--from-sequence", "3"]);
    let before = later[0].as_object_mut().expect("a step").remove("before");
    assert_eq!(before, Some(state(&of_booking[..2])));
    assert_eq!(later, of_booking[2..], "the steps before are taken in all the same");

    let saga = BookingId::stream(booking.parse().expect("an id")).to_string().replace("booking_", "trip_saga_");
    let by_trip = steps(home, &["--aggregate", "trip_saga", "--id", booking]);
    assert_eq!(by_trip, steps(home, &["--aggregate", "trip_saga", "--id", &saga]));
    assert!(state(&by_trip).get("Compensated").is_some(), "{}", state(&by_trip));
    let paid = steps(home, &["--aggregate", "payment", "--id", booking]);
    assert_eq!(state(&paid[..2])["phase"]["Completed"]["amount"], json!({ "minor": 16_000, "currency": "EUR" }));
    assert_eq!(state(&paid)["phase"], "Cancelled");

    let hotel = HotelId::of("test", "H1").to_string();
    let hotel = steps(home, &["--aggregate", "hotel", "--id", &hotel]);
    assert_eq!(types(&hotel), ["HotelListed", "RoomsReserved", "RoomsReleased"]);
    assert_eq!(state(&hotel[..2])["Listed"]["nights"]["DBL"]["2025-02-02"]["sold"], 1);
    assert_eq!(state(&hotel)["Listed"]["nights"]["DBL"], json!({}), "given back");
}

fn refuses_what_is_not_there(home: &Home, booking: &str) {
    let hotel = HotelId::of("test", "H1").to_string();
    let nobody = "booking_00000000000000000000000000";
    for (arguments, expected, says) in [
        (vec!["--aggregate", "booking", "--id", nobody], 1, "the log holds nothing under"),
        (vec!["--aggregate", "payment", "--id", nobody], 1, "the log holds nothing under payment_"),
        (vec!["--aggregate", "booking", "--id", booking, "--as-of", "2020-01-01T12:00:00"], 1, "it was not there"),
        (vec!["--aggregate", "booking", "--id", booking, "--from-sequence", "5"], 1, "no step 5"),
        (vec!["--aggregate", "booking", "--id", &hotel], 2, "is no booking id"),
        (vec!["--aggregate", "hotel", "--id", booking], 2, "is no hotel id"),
        (vec!["--aggregate", "booking", "--id", booking, "--as-of", "noon"], 2, "no instant and no position"),
        (vec!["--aggregate", "booking", "--id", booking, "--to-sequence", "0"], 2, "0"),
        (vec!["--aggregate", "booking"], 2, "--id"),
        (vec!["--id", booking], 2, "--aggregate"),
        (vec![], 2, "--aggregate"),
    ] {
        let output = home.run(&[&["replay"], &arguments[..]].concat());
        assert_eq!(code(&output), expected, "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains(says), "{arguments:?}: {}", told(&output));
    }
}

/// Events written behind the program's back.
fn write(home: &Home, events: &str) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let (server, pool) = home.database().await;
        sqlx::raw_sql(events).execute(&pool).await.expect("written");
        pool.close().await;
        server.stop().await.expect("let go");
    });
}

fn goes_through_a_long_stream(home: &Home) {
    let hotel = HotelId::of("test", "H1").to_string();
    let long = format!(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at)
         SELECT aggregate_type, aggregate_id, sequence + n, 'AllotmentChanged', '1',
                json_build_object('AllotmentChanged', json_build_object('room_type', 'DBL', 'from', '2025-03-01', 'to', '2025-03-02',
                    'rooms', n, 'stop_sell', null, 'business_date', '2024-12-01')), metadata, recorded_at
           FROM events, generate_series(1, {LONG}) AS n WHERE aggregate_id = '{hotel}' AND sequence = 3 ORDER BY n"
    );
    write(home, &long);
    let all = steps(home, &["--aggregate", "hotel", "--id", &hotel]);
    assert_eq!(all.len() as u64, LONG + 3);
    assert_eq!(state(&all)["Listed"]["nights"]["DBL"]["2025-03-01"]["rooms"], LONG);
    let last = (LONG + 3).to_string();
    let end = steps(home, &["--aggregate", "hotel", "--id", &hotel, "--from-sequence", &last]);
    let change = json!([{ "path": "/Listed/nights/DBL/2025-03-01/rooms", "old": LONG - 1, "new": LONG }]);
    assert_eq!((end.len(), &end[0]["changes"]), (1, &change));
}

fn tells_damage_at_its_place(home: &Home, booking: &str) {
    // Two more events of the stream: one that nobody can read, then one as any other.
    let damage = format!(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
         SELECT aggregate_type, aggregate_id, sequence + 1, 'Nonsense', '1', '{{\"Nonsense\": \"Grace\"}}', metadata, recorded_at \
           FROM events WHERE aggregate_id = '{booking}' AND sequence = 4 \
         UNION ALL \
         SELECT aggregate_type, aggregate_id, sequence + 2, event_type, event_version, payload, metadata, recorded_at \
           FROM events WHERE aggregate_id = '{booking}' AND sequence = 4"
    );
    write(home, &damage);
    let output = home.run(&["replay", "--json", "--aggregate", "booking", "--id", booking]);
    assert_eq!(code(&output), 3, "{}", told(&output));
    let steps = lines(&String::from_utf8(output.stdout).expect("text"));
    assert_eq!(steps.len(), 6, "it goes on behind it");
    assert_eq!(steps[3]["damage"], Value::Null);
    assert!(steps[4]["damage"].as_str().is_some_and(|damage| !damage.contains("Grace")), "{}", steps[4]);
    let unknown = steps[4..].iter().all(|step| step["changes"].is_null());
    assert!(unknown && steps[5]["damage"].is_null(), "a state that lacks an event is none: {steps:?}");
    let before = home.run(&["replay", "--aggregate", "booking", "--id", booking, "--to-sequence", "4"]);
    assert_eq!(code(&before), 0, "what stands before it is whole");
    let people = home.run(&["replay", "--aggregate", "booking", "--id", booking]);
    assert!(told(&people).contains("the state is not known from here on"), "{}", told(&people));
}
