//! Idempotency keys by argument and by header, and versions, over HTTP.

use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use serde_json::{Value, json};

use crate::world::{BOOK, World, hotel};

const CANCEL: &str = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { \
     booking { id status version } position errors { code message path } } }";
/// Well-formed; nobody has it.
const NO_TRIP: &str = "booking_00000000000000000000000000";
const HEADER: &str = "idempotency-key";

fn with_key(key: &str) -> HeaderMap {
    HeaderMap::from_iter([(HEADER.parse().expect("a name"), HeaderValue::from_str(key).expect("a value"))])
}

async fn count(world: &World, event: &str) -> usize {
    world.events().await.iter().filter(|stored| stored.event_type == event).count()
}

async fn cancel(world: &World, input: &Value, key: &str) -> Value {
    let mut answer = world.send_with(CANCEL, json!({ "input": input }), with_key(key)).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["cancelBooking"].take()
}

/// Status and whole answer of a request in a media type that would allow 200 for anything.
async fn refused(world: &World, query: &str, variables: Value, keys: &[&str]) -> (StatusCode, Value) {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let mut request =
        Request::post("/graphql").header("content-type", "application/json").body(body.into()).expect("one");
    for key in keys {
        request.headers_mut().append(HEADER, HeaderValue::from_str(key).expect("a value"));
    }
    let (head, answer) = world.exchange(request).await;
    (head.status, answer)
}

#[tokio::test]
async fn the_same_key_twenty_times_at_once_is_one_trip_one_charge_and_twenty_equal_answers() {
    let world = World::begin().await;
    let trip = world.trip(json!({ "idempotencyKey": "twenty" }));
    let asked = (0..20).map(|_| world.send(BOOK, json!({ "input": trip })));
    let answers = futures::future::join_all(asked).await;
    assert_eq!(answers[0]["data"]["bookTrip"]["booking"]["status"], "APPROVED", "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    for once in ["BookingRequested", "RoomsReserved", "SeatsReserved", "VehicleReserved", "PaymentCompleted"] {
        assert_eq!(count(&world, once).await, 1, "{once}");
    }
    assert_eq!(world.charges().await, 1, "the card was charged once");
}

#[tokio::test]
async fn the_header_serves_where_the_argument_is_left_out() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    let input = json!({ "bookingId": booked["booking"]["id"], "reason": "fog", "wait": "FINISHED" });
    let first = cancel(&world, &input, r#""a key""#).await;
    assert_eq!((&first["errors"], &first["booking"]["status"]), (&json!([]), &json!("CANCELLED")), "{first}");
    assert_eq!(cancel(&world, &input, r#""a key""#).await, first, "the same answer again");
    let other = json!({ "bookingId": booked["booking"]["id"], "reason": "rain" });
    let reused = cancel(&world, &other, r#""a key""#).await;
    assert_eq!(reused["errors"][0]["code"], "IDEMPOTENCY_KEY_REUSED", "the key counts: {reused}");
    assert_eq!(reused["errors"][0]["path"], json!(["input", "idempotencyKey"]));
}

#[tokio::test]
async fn header_and_argument_bear_the_same_key() {
    let world = World::begin().await;
    let trip = world.trip(json!({ "idempotencyKey": "k1", "hotel": null, "car": null }));
    for bare_or_quoted in ["k1", "\"k1\""] {
        let answer = world.send_with(BOOK, json!({ "input": trip }), with_key(bare_or_quoted)).await;
        assert_eq!(answer["data"]["bookTrip"]["errors"], json!([]), "{answer}");
    }
    let before = world.events().await.len();
    let answer = world.send_with(BOOK, json!({ "input": trip }), with_key("k2")).await;
    let payload = &answer["data"]["bookTrip"];
    let error = &payload["errors"][0];
    assert_eq!((&error["code"], &error["path"]), (&json!("INVALID_INPUT"), &json!(["input", "idempotencyKey"])));
    let input = json!({ "bookingId": NO_TRIP, "idempotencyKey": "k1" });
    let error = cancel(&world, &input, "k2").await["errors"][0].take();
    assert_eq!((&error["code"], &error["path"]), (&json!("INVALID_INPUT"), &json!(["input", "idempotencyKey"])));
    assert_eq!(world.events().await.len(), before, "nothing was written");
}

#[tokio::test]
async fn a_header_that_is_no_key_or_is_for_several_mutations_refuses_the_request() {
    let world = World::begin().await;
    let before = world.events().await.len();
    let input = json!({ "bookingId": NO_TRIP });
    for keys in [&["a", "a"][..], &["\"a"], &[""], &["\"4242 4242 4242 4242\""]] {
        let (status, answer) = refused(&world, CANCEL, json!({ "input": input }), keys).await;
        assert_eq!(
            (status, &answer["errors"][0]["extensions"]["code"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_INPUT"))
        );
        assert!(answer.get("data").is_none() && !answer.to_string().contains("4242"), "{answer}");
    }
    let twice = "mutation($input: CancelBookingInput!) { a: cancelBooking(input: $input) { position } \
                 b: cancelBooking(input: $input) { position } }";
    let none = "mutation { rebuildProjection(name: \"booking\") { errors { code } } }";
    for (query, variables, told) in [(twice, json!({ "input": input }), "one mutation"), (none, json!({}), "takes no")]
    {
        let (status, answer) = refused(&world, query, variables, &["k"]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(answer["errors"][0]["message"].as_str().is_some_and(|message| message.contains(told)), "{answer}");
    }
    let (status, answer) = refused(&world, "{ a: __typename b: __typename }", json!({}), &["k"]).await;
    assert_eq!((status, answer.get("errors")), (StatusCode::OK, None), "a read needs no key, and may have one");
    assert_eq!(world.events().await.len(), before, "nothing was written");
}

#[tokio::test]
async fn who_expected_another_version_is_shown_the_present_state() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    let mut input = json!({ "bookingId": booked["booking"]["id"], "expectedVersion": 1 });
    let answer = world.ask(CANCEL, json!({ "input": input })).await;
    let payload = &answer["cancelBooking"];
    assert_eq!(payload["errors"][0]["code"], "VERSION_CONFLICT", "{payload}");
    assert_eq!(payload["errors"][0]["path"], json!(["input", "expectedVersion"]));
    assert_eq!(payload["position"], json!(null), "nothing was changed");
    assert_eq!(payload["booking"]["status"], "APPROVED", "and this is how it stands");
    assert_eq!(payload["booking"]["version"], booked["booking"]["version"]);
    input["expectedVersion"] = payload["booking"]["version"].clone();
    let answer = world.ask(CANCEL, json!({ "input": input })).await;
    assert_eq!(answer["cancelBooking"]["errors"], json!([]), "with the version that was told it is taken");
}

#[tokio::test]
async fn who_hands_back_a_position_reads_the_own_write_and_hears_when_it_is_not_seen_yet() {
    let mut world = World::begin().await;
    let saga = "query($id: ID!, $at: Position) { saga(bookingId: $id, atLeast: $at) { status } }";
    let named = "query($id: ID!, $at: Position) { hotel(id: $id, atLeast: $at) { name } }";
    for name in ["Grander", "Grandest"] {
        let mut input = hotel();
        input["name"] = json!(name);
        let answer =
            world.ask("mutation($i: UpsertHotelInput!) { upsertHotel(input: $i) { position } }", json!({ "i": input }));
        let at = answer.await["upsertHotel"]["position"].take();
        let read = world.ask(named, json!({ "id": world.hotel, "at": at })).await;
        assert_eq!(read["hotel"]["name"], name);
    }
    let booked = world.book(world.trip(json!({ "wait": "ACCEPTED" }))).await;
    let read = world.ask(saga, json!({ "id": booked["booking"]["id"], "at": booked["position"] })).await;
    assert!(read["saga"].is_object(), "{read}");
    world.stop_projections().await;
    for (query, id) in [(saga, &booked["booking"]["id"]), (named, &json!(world.hotel))] {
        let late = world.send(query, json!({ "id": id, "at": "999999" })).await;
        assert_eq!(late["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{late}");
    }
}
