//! Trips that must not be booked: one spoilt value each, with the code and path that it must get.

use serde_json::{Value, json};
use traveladvisor_domain::id::{CarId, FlightId};

use super::{BOOK, CARDS, Heard, found, trip};
use crate::support::http::ask;
use crate::support::server::Server;

/// A place in the input, what to put there, and the code and path of the answer.
type Case = (&'static str, Value, &'static str, &'static str);

/// Sends them all.
pub(super) fn refuses_bad_trips(server: &Server, heard: &mut Heard) {
    for (place, value, code, wanted) in
        unknown().into_iter().chain(times()).chain(counts()).chain(texts()).chain(money())
    {
        let case = format!("{place} = {}", value.to_string().chars().take(60).collect::<String>());
        let answer = send(server, heard, place, value);
        let payload = &answer["data"]["bookTrip"];
        let named = found(&payload["errors"]) == [(code.to_owned(), wanted.to_owned())] && payload["booking"].is_null();
        heard.expect(named, &format!("{case}: wanted {code} at {wanted}: {answer}"));
        let message = payload["errors"][0]["message"].as_str().unwrap_or_default();
        heard.expect(message.ends_with('.') && message.len() > 10, &format!("{case}: {message:?} is no sentence"));
    }
    for (place, value) in refused_by_graphql() {
        let case = format!("{place} = {}", value.to_string().chars().take(60).collect::<String>());
        let answer = send(server, heard, place, value);
        let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let coded = |error: &Value| error["extensions"]["code"] == "INVALID_INPUT" && error["message"].is_string();
        heard.expect(!errors.is_empty() && errors.iter().all(coded), &format!("{case}: {answer}"));
    }
}

fn send(server: &Server, heard: &mut Heard, place: &str, value: Value) -> Value {
    let mut input = trip();
    let (parent, name) = place.rsplit_once('/').expect("a pointer");
    let parent = input.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    match value {
        Value::Null => parent.remove(name),
        value => parent.insert(name.to_owned(), value),
    };
    let answer =
        ask(&server.address, BOOK, &json!({ "input": input })).unwrap_or_else(|error| panic!("{place}: {error}"));
    heard.answers.push_str(&answer.to_string());
    answer
}

fn unknown() -> Vec<Case> {
    vec![
        ("/hotel/hotelId", json!("hotel_00000000000000000000000000"), "NOT_FOUND", "hotel.hotelId"),
        ("/hotel/hotelId", json!("nonsense"), "NOT_FOUND", "hotel.hotelId"),
        ("/hotel/hotelId", json!("\u{0}"), "NOT_FOUND", "hotel.hotelId"),
        ("/flight/flightId", json!("flight_00000000000000000000000000"), "NOT_FOUND", "flight.flightId"),
        ("/car/carId", json!("car_00000000000000000000000000"), "NOT_FOUND", "car.carId"),
        ("/car/carId", json!(FlightId::of("bad", "F")), "NOT_FOUND", "car.carId"),
        ("/hotel/roomType", json!("CAVE"), "UNKNOWN_ROOM_TYPE", "hotel.roomType"),
        ("/flight/cabin", json!("ROOF"), "UNKNOWN_CABIN", "flight.cabin"),
    ]
}

fn times() -> Vec<Case> {
    vec![
        ("/hotel/checkOut", json!("2024-12-31"), "INVALID_INPUT", "hotel.checkOut"),
        ("/hotel/checkOut", json!("2025-01-01"), "INVALID_INPUT", "hotel.checkOut"),
        ("/hotel/checkOut", json!("2026-01-02"), "INVALID_INPUT", "hotel.checkOut"),
        ("/hotel/checkIn", json!("2024-11-30"), "PAST", "hotel.checkIn"),
        ("/car/dropOffAt", json!("2025-01-01T09:00:00Z"), "INVALID_INPUT", "car.dropOffAt"),
        ("/car/pickUpAt", json!("2024-11-01T10:00:00Z"), "PAST", "car.pickUpAt"),
        ("/flight/flightId", json!(FlightId::of("bad", "GONE")), "PAST", "flight.flightId"),
    ]
}

fn counts() -> Vec<Case> {
    let mut cases = Vec::new();
    for count in [json!(0), json!(-1), json!(100), json!(9_007_199_254_740_993_i64)] {
        cases.push(("/hotel/rooms", count.clone(), "INVALID_INPUT", "hotel.rooms"));
        cases.push(("/flight/seats", count, "INVALID_INPUT", "flight.seats"));
    }
    cases
}

fn texts() -> Vec<Case> {
    let long = json!("n".repeat(300));
    vec![
        ("/traveller/name", long.clone(), "INVALID_INPUT", "traveller.name"),
        ("/traveller/name", json!(""), "INVALID_INPUT", "traveller.name"),
        ("/traveller/name", json!("A\u{7}B"), "INVALID_INPUT", "traveller.name"),
        ("/traveller/name", json!("A\u{0}B"), "INVALID_INPUT", "traveller.name"),
        ("/traveller/phone", json!("1\u{0}2"), "INVALID_INPUT", "traveller.phone"),
        ("/traveller/email", json!("nobody"), "INVALID_INPUT", "traveller.email"),
        ("/traveller/email", json!("a@b.example\nX-More: 1"), "INVALID_INPUT", "traveller.email"),
        ("/idempotencyKey", long, "INVALID_INPUT", "idempotencyKey"),
        ("/idempotencyKey", json!(""), "INVALID_INPUT", "idempotencyKey"),
        ("/idempotencyKey", json!("a\u{0}b"), "INVALID_INPUT", "idempotencyKey"),
        ("/hotel/roomType", json!("D\u{0}L"), "INVALID_INPUT", "hotel.roomType"),
        ("/flight/cabin", json!("\u{1}"), "INVALID_INPUT", "flight.cabin"),
    ]
}

fn money() -> Vec<Case> {
    let card = |number: &str| json!({ "method": "CARD", "cardNumber": number });
    let total = |amount: &str, currency: &str| json!({ "amount": amount, "currency": currency });
    vec![
        ("/payment", card(CARDS[2]), "INVALID_INPUT", "payment.cardNumber"),
        ("/payment", card(CARDS[3]), "INVALID_INPUT", "payment.cardNumber"),
        ("/payment", card("4242"), "INVALID_INPUT", "payment.cardNumber"),
        ("/payment", card("4242\u{0}4242 4242 4242"), "INVALID_INPUT", "payment.cardNumber"),
        ("/payment", card("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"), "INVALID_INPUT", "payment.cardNumber"),
        ("/payment", json!({ "method": "CARD" }), "INVALID_INPUT", "payment.cardNumber"),
        ("/payment", json!({ "method": "NONE", "cardNumber": CARDS[0] }), "INVALID_INPUT", "payment.cardNumber"),
        ("/expectedTotal", total("280.001", "EUR"), "INVALID_INPUT", "expectedTotal.amount"),
        ("/expectedTotal", total("-1", "EUR"), "INVALID_INPUT", "expectedTotal.amount"),
        ("/expectedTotal", total("99999999999999999999999", "EUR"), "INVALID_INPUT", "expectedTotal.amount"),
        ("/expectedTotal", total("1.00", "XXQ"), "INVALID_INPUT", "expectedTotal.currency"),
        ("/expectedTotal", total("1.00", "EUR"), "PRICE_CHANGED", "expectedTotal"),
        ("/car/carId", json!(CarId::of("bad", "POUND")), "CURRENCY_MISMATCH", ""),
    ]
}

/// What has the wrong shape: the schema itself refuses it.
fn refused_by_graphql() -> Vec<(&'static str, Value)> {
    vec![
        ("/idempotencyKey", Value::Null),
        ("/traveller", Value::Null),
        ("/hotel/checkIn", json!("2025-02-30")),
        ("/hotel/checkIn", json!("tomorrow")),
        ("/car/pickUpAt", json!("2025-01-01")),
        ("/hotel/rooms", json!("two")),
        ("/hotel/rooms", json!(1.5)),
        ("/hotel/rooms", json!(1e30)),
        ("/payment", json!({ "method": "CARD", "cardNumber": 4_242_424_242_424_242_u64 })),
        ("/payment", json!({ "method": CARDS[0] })),
        ("/payment", json!({ "method": "CARD", CARDS[0]: true })),
        ("/cardNumber", json!(CARDS[4])),
        ("/expectedTotal", json!({ "amount": 1.5, "currency": "EUR" })),
        ("/wait", json!(CARDS[5])),
    ]
}
