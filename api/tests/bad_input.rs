//! What callers get wrong: told to the field, and nothing is written.

use serde_json::{Value, json};

use crate::world::{World, text};

#[tokio::test]
async fn what_only_the_offers_can_tell_is_named_to_the_field_too() {
    let world = World::begin().await;
    let before = world.events().await.len();
    let unknown = |kind: &str| format!("{kind}_00000000000000000000000000");
    for (change, code, path) in [
        (json!({ "hotel": { "hotelId": unknown("hotel") } }), "NOT_FOUND", json!(["input", "hotel", "hotelId"])),
        (json!({ "flight": { "flightId": unknown("flight") } }), "NOT_FOUND", json!(["input", "flight", "flightId"])),
        (json!({ "car": { "carId": unknown("car") } }), "NOT_FOUND", json!(["input", "car", "carId"])),
        (json!({ "hotel": { "roomType": "X" } }), "UNKNOWN_ROOM_TYPE", json!(["input", "hotel", "roomType"])),
        (json!({ "flight": { "cabin": "X" } }), "UNKNOWN_CABIN", json!(["input", "flight", "cabin"])),
        (json!({ "flight": { "cabin": "4242-4242-4242-4242" } }), "INVALID_INPUT", json!(["input", "flight", "cabin"])),
        (
            json!({ "hotel": { "roomType": "4242424242424242" } }),
            "INVALID_INPUT",
            json!(["input", "hotel", "roomType"]),
        ),
        (
            json!({ "hotel": { "checkIn": "2024-11-10", "checkOut": "2024-11-12" } }),
            "PAST",
            json!(["input", "hotel", "checkIn"]),
        ),
        (
            json!({ "expectedTotal": { "amount": "1", "currency": "GBP" } }),
            "PRICE_CHANGED",
            json!(["input", "expectedTotal"]),
        ),
        (
            json!({ "payment": { "cardNumber": "4242424242424241" } }),
            "INVALID_INPUT",
            json!(["input", "payment", "cardNumber"]),
        ),
        (
            json!({ "payment": { "cardNumber": "not a card" } }),
            "INVALID_INPUT",
            json!(["input", "payment", "cardNumber"]),
        ),
    ] {
        let payload = world.book(world.trip(change.clone())).await;
        let error = &payload["errors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!(code), &path), "{change}: {error}");
        assert!(text(&error["message"]).ends_with('.'), "{error}");
        assert!(!payload.to_string().contains("4242"), "{payload}");
        assert_eq!(payload["booking"], Value::Null);
    }
    assert_eq!(world.events().await.len(), before, "nothing was written");
}

#[tokio::test]
async fn a_card_number_is_in_no_event_and_in_no_answer() {
    let world = World::begin().await;
    for (key, number) in [("1", "4242424242424242"), ("2", "4000000000000002"), ("3", "4000000000009995")] {
        let input = json!({ "idempotencyKey": key, "hotel": null, "car": null, "payment": { "cardNumber": number } });
        let payload = world.book(world.trip(input)).await;
        assert!(!payload.to_string().contains(number), "{payload}");
    }
    for event in world.events().await {
        for number in ["4242424242424242", "4000000000000002", "4000000000009995"] {
            assert!(!event.payload.contains(number) && !event.metadata.contains(number), "{}", event.event_type);
        }
        assert!(!event.metadata.contains("ada@example.com"), "{}", event.event_type);
    }
}

#[tokio::test]
async fn a_trip_that_is_not_there_cannot_be_cancelled() {
    let world = World::begin().await;
    let cancel =
        "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { booking { id } errors { code path } } }";
    for id in ["nonsense", "booking_00000000000000000000000000"] {
        let answer = world.ask(cancel, json!({ "id": id })).await;
        let expected = json!([{ "code": "NOT_FOUND", "path": ["input", "bookingId"] }]);
        assert_eq!(answer["cancelBooking"]["errors"], expected);
    }
}

#[tokio::test]
async fn another_version_than_the_one_read_is_a_conflict() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    let cancel =
        "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { position errors { code path } } }";
    let mut input = json!({ "bookingId": booked["booking"]["id"], "expectedVersion": 99 });
    let answer = world.ask(cancel, json!({ "input": input })).await;
    assert_eq!(answer["cancelBooking"]["errors"][0]["code"], "VERSION_CONFLICT");
    input["expectedVersion"] = booked["booking"]["version"].clone();
    let answer = world.ask(cancel, json!({ "input": input })).await;
    assert_eq!(answer["cancelBooking"]["errors"], json!([]));
}

#[tokio::test]
async fn a_card_number_in_the_words_of_a_cancellation_is_refused_and_kept_nowhere() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    let before = world.events().await.len();
    let cancel = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { \
         position errors { code message path } } }";
    for field in ["reason", "idempotencyKey"] {
        let mut input = json!({ "bookingId": booked["booking"]["id"], "wait": "FINISHED" });
        input[field] = json!("refund 4242 4242 4242 4242 please");
        let answer = world.ask(cancel, json!({ "input": input })).await;
        let error = &answer["cancelBooking"]["errors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!("INVALID_INPUT"), &json!(["input", field])));
        assert!(!answer.to_string().contains("4242"), "{answer}");
    }
    assert_eq!(world.events().await.len(), before, "nothing was written");
}
