//! Requests that are none, and bad input to everything but a trip.

use serde_json::{Value, json};
use traveladvisor_domain::id::HotelId;

use super::{CARDS, Heard, car, flight, found, hotel};
use crate::support::http::{ask, get, post};
use crate::support::server::Server;

/// Size of a body that is too large, in bytes.
const BODY_TOO_LARGE_BYTES: usize = 2 * 1024 * 1024;

/// Sends them all.
pub(super) fn refuses_bad_requests(server: &Server, heard: &mut Heard) {
    refuses_bodies(server, heard);
    refuses_documents(server, heard);
    refuses_supply(server, heard);
    refuses_cancellations(server, heard);
}

fn refuses_bodies(server: &Server, heard: &mut Heard) {
    let large = format!("{{\"query\": \"{}\"}}", "x".repeat(BODY_TOO_LARGE_BYTES));
    let bodies: [(&[u8], u16); 7] = [
        (large.as_bytes(), 413),
        (b"{\"query\": ", 400),
        (b"", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b"{\"query\": 4242424242424242}", 400),
        (b"{\"query\": \"{ __typename }\", \"variables\": \"4242424242424242\"}", 400),
    ];
    for (body, status) in bodies {
        let answer = post(&server.address, body).expect("an answer");
        heard.answers.push_str(&answer.body);
        let coded = answer.json()["errors"][0]["extensions"]["code"] == "INVALID_INPUT";
        heard.expect(coded && answer.status == status, &format!("{status} {answer:?}"));
    }
    let lost = get(&server.address, "/4242424242424242").expect("an answer");
    heard.answers.push_str(&lost.body);
    assert_eq!((lost.status, &lost.json()["errors"][0]["extensions"]["code"]), (404, &json!("NOT_FOUND")));
}

fn refuses_documents(server: &Server, heard: &mut Heard) {
    let deep = format!("{{ bookings {}id{} }}", "{ nodes ".repeat(40), " }".repeat(40));
    let wide: Vec<String> = (0..2_000).map(|n| format!("a{n}: hotels(filter: {{}}) {{ nodes {{ id }} }}")).collect();
    let wide = format!("{{ {} }}", wide.join(" "));
    let documents = [
        ("{".to_owned(), "INVALID_INPUT"),
        (format!("{{ field{} }}", CARDS[0]), "INVALID_INPUT"),
        (format!("query($n: Int = \"{}\") {{ bookings(first: $n) {{ nodes {{ id }} }} }}", CARDS[5]), "INVALID_INPUT"),
        (
            "{ hotels(filter: {checkIn: \"2025-01-03\", checkOut: \"2025-01-01\"}) { nodes { id } } }".to_owned(),
            "INVALID_INPUT",
        ),
        ("{ hotels(filter: {rooms: 0}) { nodes { id } } }".to_owned(), "INVALID_INPUT"),
        ("{ hotels(filter: {city: \"\\u0000\"}) { nodes { id } } }".to_owned(), "INVALID_INPUT"),
        ("{ flights(filter: {seats: 1000000}) { nodes { id } } }".to_owned(), "INVALID_INPUT"),
        ("{ bookings(first: 0) { nodes { id } } }".to_owned(), "INVALID_INPUT"),
        (format!("{{ bookings(after: \"{}\") {{ nodes {{ id }} }} }}", CARDS[4]), "INVALID_INPUT"),
        (deep, "QUERY_TOO_COMPLEX"),
        (wide, "QUERY_TOO_COMPLEX"),
    ];
    for (document, code) in documents {
        let answer = ask(&server.address, &document, &json!({})).expect("an answer");
        heard.answers.push_str(&answer.to_string());
        let case: String = document.chars().take(80).collect();
        heard.expect(answer["errors"][0]["extensions"]["code"] == code, &format!("{case}: {answer}"));
    }
}

fn refuses_supply(server: &Server, heard: &mut Heard) {
    let cases: [(&str, &str, Value, &str, Value, &str); 12] = [
        (
            "upsertHotel",
            "UpsertHotelInput",
            hotel(),
            "/roomTypes/0/nightlyPrice/amount",
            json!("1.234"),
            "roomTypes.0.nightlyPrice.amount",
        ),
        ("upsertHotel", "UpsertHotelInput", hotel(), "/roomTypes/0/rooms", json!(-1), "roomTypes.0.rooms"),
        ("upsertHotel", "UpsertHotelInput", hotel(), "/name", json!("n".repeat(300)), "name"),
        ("upsertHotel", "UpsertHotelInput", hotel(), "/code", json!("a\u{0}"), "code"),
        ("upsertHotel", "UpsertHotelInput", hotel(), "/timeZone", json!("Mars/Olympus"), "timeZone"),
        ("upsertHotel", "UpsertHotelInput", hotel(), "/country", json!("France"), "country"),
        ("upsertFlight", "UpsertFlightInput", flight("F", "2025-01-01"), "/origin", json!("XX"), "origin"),
        (
            "upsertFlight",
            "UpsertFlightInput",
            flight("F", "2025-01-01"),
            "/arrivalAt",
            json!("2024-12-31T00:00:00Z"),
            "arrivalAt",
        ),
        (
            "upsertFlight",
            "UpsertFlightInput",
            flight("F", "2025-01-01"),
            "/cabins/0/seats",
            json!(99_999_999),
            "cabins.0.seats",
        ),
        ("upsertCar", "UpsertCarInput", car("C", "EUR"), "/dailyPrice/amount", json!("1e3"), "dailyPrice.amount"),
        ("upsertCar", "UpsertCarInput", car("C", "EUR"), "/dailyPrice/currency", json!("EURO"), "dailyPrice.currency"),
        ("upsertCar", "UpsertCarInput", car("C", "EUR"), "/vehicles", json!(-5), "vehicles"),
    ];
    for (field, kind, mut input, place, value, wanted) in cases {
        *input.pointer_mut(place).expect("a place") = value;
        let query = format!(
            "mutation($input: {kind}!) {{ {field}(input: $input) {{ position errors {{ code message path }} }} }}"
        );
        refused(server, heard, &query, &json!({ "input": input }), (field, "INVALID_INPUT", wanted));
    }
    let query = "mutation($input: ChangeAllotmentInput!) { changeAllotment(input: $input) { position errors { code message path } } }";
    let change = |hotel: Value, from: &str, to: &str, rooms: i64| json!({ "input": { "hotelId": hotel, "roomType": "DBL", "from": from, "to": to, "rooms": rooms } });
    let known = json!(HotelId::of("bad", "H"));
    let unknown = json!("hotel_00000000000000000000000000");
    for (variables, code, wanted) in [
        (change(unknown, "2025-01-01", "2025-01-05", 1), "NOT_FOUND", "hotelId"),
        (change(known.clone(), "2025-01-05", "2025-01-01", 1), "INVALID_INPUT", "to"),
        (change(known.clone(), "2024-11-01", "2025-01-01", 1), "PAST", "from"),
        (change(known, "2025-01-01", "2025-01-05", -1), "INVALID_INPUT", "rooms"),
    ] {
        refused(server, heard, query, &variables, ("changeAllotment", code, wanted));
    }
}

fn refuses_cancellations(server: &Server, heard: &mut Heard) {
    let query = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { position errors { code message path } } }";
    for id in ["booking_00000000000000000000000000", "nonsense", "\u{0}", CARDS[0]] {
        refused(
            server,
            heard,
            query,
            &json!({ "input": { "bookingId": id } }),
            ("cancelBooking", "NOT_FOUND", "bookingId"),
        );
    }
}

fn refused(
    server: &Server,
    heard: &mut Heard,
    query: &str,
    variables: &Value,
    (field, code, wanted): (&str, &str, &str),
) {
    let answer = ask(&server.address, query, variables).expect("an answer");
    heard.answers.push_str(&answer.to_string());
    let named = found(&answer["data"][field]["errors"]) == [(code.to_owned(), wanted.to_owned())];
    heard.expect(named, &format!("{variables}: wanted {code} at {wanted}: {answer}"));
}
