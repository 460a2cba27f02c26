//! Trips, booked and cancelled through the API.

use axum::http::HeaderMap;
use serde_json::json;

use crate::world::{BOOK, World, text};

const BOOKING: &str = "query($id: ID!, $at: Position) { booking(id: $id, atLeast: $at) { id status sagaStatus } }";
const CANCEL: &str = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { \
     booking { id status sagaStatus payment { status refunded { amount } } } position errors { code path } } }";

#[tokio::test]
async fn a_trip_is_booked_read_and_cancelled() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    assert_eq!(booked["errors"], json!([]));
    let booking = &booked["booking"];
    assert_eq!((text(&booking["status"]), text(&booking["sagaStatus"])), ("APPROVED".into(), "SUCCEEDED".into()));
    assert_eq!(booking["hotel"]["price"], json!({ "amount": "201.00", "currency": "GBP", "minorUnits": "20100" }));
    assert_eq!(booking["total"]["amount"], "781.00");
    assert_eq!(booking["payment"]["lastFour"], "4242");
    assert_eq!(booking["car"]["status"], "BOOKED");
    assert_eq!(booking["traveller"]["name"], "Ada Lovelace");
    assert!(booking["timeline"].as_array().is_some_and(|entries| entries.len() >= 13), "{booking}");

    let read = world.ask(BOOKING, json!({ "id": booking["id"], "at": booked["position"] })).await;
    assert_eq!(read["booking"], json!({ "id": booking["id"], "status": "APPROVED", "sagaStatus": "SUCCEEDED" }));

    let input = json!({ "bookingId": booking["id"], "reason": "fog", "wait": "FINISHED" });
    let cancelled = world.ask(CANCEL, json!({ "input": input })).await;
    let cancelled = &cancelled["cancelBooking"];
    assert_eq!(cancelled["errors"], json!([]));
    assert_eq!(cancelled["booking"]["status"], "CANCELLED");
    assert_eq!(cancelled["booking"]["sagaStatus"], "COMPENSATED");
    assert_eq!(cancelled["booking"]["payment"], json!({ "status": "CANCELLED", "refunded": { "amount": "781.00" } }));
    let saga =
        "query($id: ID!) { saga(bookingId: $id) { status needsAttention steps { name state } history { type } } }";
    let saga = world.ask(saga, json!({ "id": booking["id"] })).await;
    assert_eq!(saga["saga"]["status"], "COMPENSATED");
}

#[tokio::test]
async fn the_same_key_is_the_same_trip() {
    let world = World::begin().await;
    let query =
        "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } position errors { code } } }";
    let ask = async |input| world.ask(query, json!({ "input": input })).await["bookTrip"].clone();
    let first = ask(world.trip(json!({ "wait": "ACCEPTED" }))).await;
    let again = ask(world.trip(json!({ "wait": "FINISHED" }))).await;
    assert_eq!(first["booking"]["id"], again["booking"]["id"]);
    let other = ask(world.trip(json!({ "flight": { "seats": 2 } }))).await;
    assert_eq!(other["errors"], json!([{ "code": "IDEMPOTENCY_KEY_REUSED" }]));
    assert_eq!(other["booking"], json!(null));
}

#[tokio::test]
async fn a_trip_whose_car_is_gone_is_given_back() {
    let world = World::begin().await;
    world.book(world.trip(json!({ "idempotencyKey": "1", "hotel": null, "flight": null }))).await;
    let refused = world.book(world.trip(json!({ "idempotencyKey": "2" }))).await;
    let booking = &refused["booking"];
    assert_eq!((text(&booking["status"]), text(&booking["sagaStatus"])), ("CANCELLED".into(), "COMPENSATED".into()));
    assert_eq!(booking["failure"]["step"], "car");
    assert_eq!(booking["failure"]["code"], "SOLD_OUT");
    assert_eq!(booking["hotel"]["status"], "CANCELLED");
}

#[tokio::test]
async fn an_unknown_trip_is_null_whatever_its_id_looks_like() {
    let world = World::begin().await;
    for id in ["nonsense", "booking_00000000000000000000000000", "hotel_00000000000000000000000000", ""] {
        let read = world.ask(BOOKING, json!({ "id": id })).await;
        assert_eq!(read["booking"], json!(null));
    }
    let future = world.send(BOOKING, json!({ "id": "booking_00000000000000000000000000", "at": "999999" })).await;
    assert_eq!(future["data"], json!({ "booking": null }));
    assert_eq!(future["errors"][0]["extensions"]["code"], "UNAVAILABLE");
}

#[tokio::test]
async fn trips_are_found_by_traveller_and_state_page_by_page() {
    let world = World::begin().await;
    for key in ["1", "2", "3"] {
        let flight_only = json!({ "idempotencyKey": key, "hotel": null, "car": null, "payment": { "method": "NONE", "cardNumber": null } });
        world.book(world.trip(flight_only)).await;
    }
    let query = "query($after: String) { bookings(filter: { travellerEmail: \"ADA@example.com\", status: [APPROVED] }, \
         first: 2, after: $after) { nodes { id } edges { cursor node { status } } \
         pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let page = world.ask(query, json!({})).await["bookings"].take();
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let rest = world.ask(query, json!({ "after": page["pageInfo"]["endCursor"] })).await["bookings"].take();
    assert_eq!(rest["nodes"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["pageInfo"]["hasPreviousPage"], true);
    let wrong = world.send(query, json!({ "after": "4242424242424242" })).await;
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "INVALID_INPUT");
    assert!(!wrong.to_string().contains("4242"), "{wrong}");
}

#[tokio::test]
async fn the_callers_trace_stands_beside_the_events() {
    let world = World::begin().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = HeaderMap::from_iter([("traceparent".parse().expect("a name"), trace.parse().expect("a value"))]);
    let input = world.trip(json!({ "idempotencyKey": "traced" }));
    world.send_with(BOOK, json!({ "input": input }), headers).await;
    let traced = world.events().await.into_iter().any(|event| event.metadata.contains(trace));
    assert!(traced);
}
