//! A trip as it stood at an instant.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::world::World;

const WHOLE: &str = "id status sagaStatus version traveller { email name phone } hotel { status } flight { status } car { status } \
     payment { status refunded { amount } } failure { code } timeline { position at type summary } \
     createdAt updatedAt";
const CANCEL: &str =
    "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { status } errors { code } } }";

fn text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}

async fn as_of(world: &World, trip: &Value, moment: &str) -> Value {
    let query = format!("query($id: ID!, $at: DateTime) {{ booking(id: $id, asOf: $at) {{ {WHOLE} }} }}");
    world.ask(&query, json!({ "id": trip, "at": moment })).await["booking"].take()
}

/// A trip that was approved, as it showed then; it was cancelled afterwards.
async fn cancelled(world: &World) -> (Value, Value) {
    let booked = world.book(world.trip(json!({}))).await;
    let trip = booked["booking"]["id"].clone();
    let then = world.ask(&format!("{{ booking(id: {trip}) {{ {WHOLE} }} }}"), json!({})).await["booking"].take();
    let input = json!({ "input": { "bookingId": trip, "wait": "FINISHED" } });
    let answer = world.ask(CANCEL, input).await;
    assert_eq!(answer["cancelBooking"]["booking"]["status"], "CANCELLED", "{answer}");
    (trip, then)
}

#[tokio::test]
async fn a_trip_is_shown_as_it_was_at_each_instant() {
    let world = World::begin().await;
    let (trip, then) = cancelled(&world).await;
    let events = world.events().await;
    let when = |name: &str| events.iter().find(|event| event.event_type == name).expect("it happened").recorded_at;
    assert_eq!(as_of(&world, &trip, &text(when("SagaSucceeded"))).await, then);
    assert_eq!(
        as_of(&world, &trip, &text(when("CancellationRequested") - TimeDelta::microseconds(1))).await["status"],
        "APPROVED"
    );
    let requested = when("BookingRequested");
    assert_eq!(as_of(&world, &trip, &text(requested - TimeDelta::microseconds(1))).await, Value::Null);
    let now = world.ask(&format!("{{ booking(id: {trip}) {{ {WHOLE} }} }}"), json!({})).await["booking"].take();
    assert_eq!(now["status"], "CANCELLED");
    for future in ["2999-01-01T00:00:00+09:00", "9999-12-31T23:59:59Z"] {
        assert_eq!(as_of(&world, &trip, future).await, now, "the head");
    }
    assert_eq!(as_of(&world, &json!("nonsense"), "2999-01-01T00:00:00Z").await, Value::Null);
}

#[tokio::test]
async fn an_instant_and_a_position_are_not_given_together() {
    let world = World::begin().await;
    let query = "{ booking(id: \"booking_00000000000000000000000000\", atLeast: \"1\", asOf: \"2024-12-01T00:00:00Z\") { id } }";
    let answer = world.send(query, json!({})).await;
    assert_eq!(answer["data"], json!({ "booking": null }));
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "INVALID_INPUT");
    assert_eq!(error["extensions"]["path"], json!(["asOf"]));
    assert!(error["message"].as_str().is_some_and(|message| message.contains("atLeast or asOf")), "{answer}");
    let wrong = "{ booking(id: \"booking_00000000000000000000000000\", asOf: \"yesterday\") { id } }";
    assert_eq!(world.send(wrong, json!({})).await["errors"][0]["extensions"]["code"], "INVALID_INPUT");
}

#[tokio::test]
async fn what_was_shown_is_told_also_while_the_read_side_stands_still() {
    let mut world = World::begin().await;
    world.stop_projections().await;
    let trip = world.trip(json!({ "payment": { "method": "NONE", "cardNumber": null }, "wait": "ACCEPTED" }));
    let query = "mutation($i: BookTripInput!) { bookTrip(input: $i) { booking { id } } }";
    let booked = world.ask(query, json!({ "i": trip })).await;
    let trip = &booked["bookTrip"]["booking"]["id"];
    let told = as_of(&world, trip, "2999-01-01T00:00:00Z").await;
    assert_eq!((&told["status"], &told["hotel"]["status"]), (&json!("APPROVED"), &json!("BOOKED")), "{told}");
}
