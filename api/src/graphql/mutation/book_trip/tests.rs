use async_graphql::{InputType, Value};
use serde_json::json;
use traveladvisor_commands::input_hash;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::id::{CampaignId, CarId, FlightId, HotelId, RewardId};
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::trip::{CardToken, PaymentPlan};

use super::check::{Checked, check};
use super::hash::HashedTrip;
use super::input::BookTripInput;
use crate::graphql::types::{ErrorCode, UserError};

/// A trip in order, changed by merging `change` into it; null takes a member out.
fn trip(change: serde_json::Value) -> BookTripInput {
    let mut whole = json!({
        "idempotencyKey": "key",
        "traveller": { "email": "ada@example.com", "name": "Ada" },
        "hotel": {
            "hotelId": HotelId::of("own", "h").to_string(), "roomType": "DOUBLE",
            "checkIn": "2024-12-10", "checkOut": "2024-12-12",
        },
        "flight": { "flightId": FlightId::of("own", "f").to_string() },
        "car": {
            "carId": CarId::of("own", "c").to_string(),
            "pickUpAt": "2024-12-10T10:00:00Z", "dropOffAt": "2024-12-12T10:00:00Z",
        },
        "payment": { "method": "NONE" },
    });
    merge(&mut whole, change);
    let value = Value::from_json(whole).expect("a value");
    BookTripInput::parse(Some(value)).map_err(|_| "not in the shape of the schema").expect("an input")
}

fn merge(whole: &mut serde_json::Value, change: serde_json::Value) {
    match (whole, change) {
        (serde_json::Value::Object(members), serde_json::Value::Object(changes)) => {
            for (name, change) in changes {
                merge(members.entry(name).or_insert(json!({})), change);
            }
        }
        (whole, change) => *whole = change,
    }
}

fn errors(change: serde_json::Value) -> Vec<UserError> {
    check(trip(change)).err().expect("refused")
}

fn accepted(change: serde_json::Value) -> Checked {
    check(trip(change)).unwrap_or_else(|errors| panic!("{errors:?}"))
}

#[test]
fn a_trip_in_order_is_taken_with_its_defaults() {
    let checked = accepted(json!({}));
    assert_eq!(checked.hotel.expect("a hotel").rooms, 1);
    assert_eq!(checked.flight.expect("a flight").cabin, "ECONOMY");
}

#[test]
fn each_field_that_breaks_its_rule_is_named() {
    let long = "n".repeat(300);
    let cases = [
        (json!({ "idempotencyKey": "" }), "idempotencyKey"),
        (json!({ "idempotencyKey": "k".repeat(256) }), "idempotencyKey"),
        (json!({ "idempotencyKey": "k\u{7}" }), "idempotencyKey"),
        (json!({ "traveller": { "name": long } }), "traveller.name"),
        (json!({ "traveller": { "name": "A\u{0}da" } }), "traveller.name"),
        (json!({ "traveller": { "email": "ada" } }), "traveller.email"),
        (json!({ "traveller": { "phone": "1".repeat(33) } }), "traveller.phone"),
        (json!({ "idempotencyKey": "4242 4242 4242 4242" }), "idempotencyKey"),
        (json!({ "traveller": { "name": "Ada 4242-4242-4242-4242" } }), "traveller.name"),
        (json!({ "traveller": { "email": "4242424242424242@example.com" } }), "traveller.email"),
        (json!({ "traveller": { "phone": "4242 4242 4242 4242" } }), "traveller.phone"),
        (json!({ "hotel": { "roomType": "4242424242424242" } }), "hotel.roomType"),
        (json!({ "flight": { "cabin": "4242-4242-4242-4242" } }), "flight.cabin"),
        (json!({ "hotel": { "rooms": 0 } }), "hotel.rooms"),
        (json!({ "hotel": { "rooms": -1 } }), "hotel.rooms"),
        (json!({ "hotel": { "rooms": 100 } }), "hotel.rooms"),
        (json!({ "hotel": { "rooms": 9_999_999_999_i64 } }), "hotel.rooms"),
        (json!({ "hotel": { "checkOut": "2024-12-10" } }), "hotel.checkOut"),
        (json!({ "hotel": { "checkOut": "2024-12-01" } }), "hotel.checkOut"),
        (json!({ "hotel": { "checkOut": "2026-12-12" } }), "hotel.checkOut"),
        (json!({ "hotel": { "checkIn": "9999-12-31" } }), "hotel.checkIn"),
        (json!({ "hotel": { "roomType": "\u{1b}[31m" } }), "hotel.roomType"),
        (json!({ "flight": { "seats": 100 } }), "flight.seats"),
        (json!({ "flight": { "cabin": "" } }), "flight.cabin"),
        (json!({ "car": { "dropOffAt": "2024-12-09T10:00:00Z" } }), "car.dropOffAt"),
        (json!({ "car": { "dropOffAt": "2034-12-09T10:00:00Z" } }), "car.dropOffAt"),
        (json!({ "payment": { "method": "CARD" } }), "payment.cardNumber"),
        (json!({ "payment": { "cardNumber": "4242424242424242" } }), "payment.cardNumber"),
        (json!({ "payment": { "method": "CARD", "cardNumber": "4".repeat(65) } }), "payment.cardNumber"),
        (json!({ "expectedTotal": { "amount": "1.005", "currency": "GBP" } }), "expectedTotal.amount"),
        (json!({ "expectedTotal": { "amount": "-1", "currency": "GBP" } }), "expectedTotal.amount"),
        (json!({ "expectedTotal": { "amount": "1", "currency": "XXX" } }), "expectedTotal.currency"),
    ];
    for (change, field) in cases {
        let found = errors(change.clone());
        assert_eq!(found.len(), 1, "{change}: {found:?}");
        assert_eq!(found[0].code, ErrorCode::InvalidInput, "{change}");
        assert_eq!(found[0].path.join("."), format!("input.{field}"), "{change}");
        assert!(!found[0].message.contains("4242"), "{change}");
    }
}

#[test]
fn an_id_of_another_form_names_nothing() {
    for (change, field) in [
        (json!({ "hotel": { "hotelId": "nonsense" } }), "hotelId"),
        (json!({ "hotel": { "hotelId": FlightId::of("own", "f").to_string() } }), "hotelId"),
        (json!({ "flight": { "flightId": "" } }), "flightId"),
        (json!({ "car": { "carId": "car_\u{0}" } }), "carId"),
        (json!({ "voucher": "nonsense" }), "voucher"),
        (json!({ "voucher": HotelId::of("own", "h").to_string() }), "voucher"),
    ] {
        let found = errors(change);
        assert_eq!((found[0].code, found[0].path.last().map(String::as_str)), (ErrorCode::NotFound, Some(field)));
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let found = errors(json!({
        "idempotencyKey": "", "traveller": { "email": "" }, "hotel": { "hotelId": "x", "rooms": 0 }, "flight": { "seats": 0 },
    }));
    let paths: Vec<String> = found.iter().map(|error| error.path[1..].join(".")).collect();
    assert_eq!(paths, ["idempotencyKey", "traveller.email", "hotel.hotelId", "hotel.rooms", "flight.seats"]);
}

#[test]
fn a_trip_has_a_part_at_least() {
    let found = errors(json!({ "hotel": null, "flight": null, "car": null }));
    assert_eq!((found[0].code, found[0].path.len()), (ErrorCode::InvalidInput, 0));
}

#[test]
fn the_hash_tells_trips_apart_and_not_how_long_to_wait() {
    let hash = |change| {
        let checked = accepted(change);
        let wanted = TripRequest {
            hotel: checked.hotel,
            flight: checked.flight,
            car: checked.car,
            payment: PaymentPlan::None,
            expected_total: checked.expected_total,
            voucher: checked.voucher,
        };
        input_hash(&HashedTrip::new(&checked.traveller, &wanted))
    };
    assert_eq!(hash(json!({})), hash(json!({ "wait": "FINISHED", "idempotencyKey": "other" })));
    assert_eq!(hash(json!({})), hash(json!({ "hotel": { "rooms": 1 } })));
    assert_ne!(hash(json!({})), hash(json!({ "hotel": { "rooms": 2 } })));
    assert_ne!(hash(json!({})), hash(json!({ "car": null })));
    assert_ne!(hash(json!({})), hash(json!({ "traveller": { "name": "Bob" } })));
    let voucher = |cause: &str| RewardId::of(CampaignId::of("own", "c"), cause).to_string();
    let [one, two] = ["1", "2"].map(|cause| hash(json!({ "voucher": voucher(cause) })));
    assert!(one != hash(json!({})) && one != two, "one trip is with another voucher, one without");
}

#[test]
fn of_a_card_the_hash_takes_brand_and_last_four() {
    let traveller = Traveller { email: "a@b".into(), name: "Ada".into(), phone: None };
    let hash = |token: &str, last_four: &str| {
        let card = CardToken { token: token.into(), brand: "visa".into(), last_four: last_four.into() };
        let payment = PaymentPlan::Card(card);
        let wanted = TripRequest { hotel: None, flight: None, car: None, payment, expected_total: None, voucher: None };
        input_hash(&HashedTrip::new(&traveller, &wanted))
    };
    assert_eq!(hash("tok_1", "4242"), hash("tok_2", "4242"));
    assert_ne!(hash("tok_1", "4242"), hash("tok_1", "0002"));
}
