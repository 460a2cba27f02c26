//! What is answered while the read side is away: nothing that the schema does not promise.

use serde_json::{Value, json};

use crate::shape::breaches;
use crate::world::{BOOK, UPSERT_CAR, UPSERT_FLIGHT, UPSERT_HOTEL, World, car, flight, hotel};

/// Takes the tables of the read side out of its sight; the engine does not need them.
const HIDE_READ_SIDE: &str = "ALTER TABLE bookings RENAME TO b; ALTER TABLE booking_timeline RENAME TO t; \
     ALTER TABLE hotels RENAME TO h; ALTER TABLE flights RENAME TO f; ALTER TABLE cars RENAME TO c";

/// The answer, which must have errors and the shape of the schema all the same.
async fn shaped(world: &World, query: &str, variables: Value) -> Value {
    let answer = world.send(query, variables).await;
    assert!(answer["errors"].is_array(), "nothing failed: {answer}");
    assert_eq!(breaches(query, &answer["data"]), Vec::<String>::new(), "{answer}");
    answer
}

/// A trip with a key of its own that is answered at once.
fn trip(world: &World, key: &str) -> Value {
    world.trip(json!({ "idempotencyKey": key, "wait": "ACCEPTED", "hotel": null, "car": null }))
}

#[tokio::test]
async fn a_trip_that_cannot_be_read_is_null_with_one_error_and_its_position_stays() {
    let mut world = World::begin().await;
    world.stop_projections().await;
    for wait in ["ACCEPTED", "FINISHED"] {
        let input = world.trip(json!({ "idempotencyKey": wait, "wait": wait, "hotel": null, "car": null }));
        let answer = shaped(&world, BOOK, json!({ "input": input })).await;
        assert_eq!(answer["data"]["bookTrip"]["booking"], Value::Null, "{answer}");
        assert!(answer["data"]["bookTrip"]["position"].is_string(), "{answer}");
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
        assert_eq!(answer["errors"][0]["path"], json!(["bookTrip", "booking"]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    }
}

#[tokio::test]
async fn the_id_alone_costs_no_read_however_it_is_asked_for() {
    let mut world = World::begin().await;
    world.stop_projections().await;
    for (number, selection) in
        ["id", "k: id __typename", "... on Node { id }", "...f ... on Booking { id }"].iter().enumerate()
    {
        let fragment = if selection.contains("...f") { "fragment f on Booking { __typename }" } else { "" };
        let query = format!(
            "mutation($i: BookTripInput!) {{ bookTrip(input: $i) {{ booking {{ {selection} }} position errors {{ code }} }} }} \
             {fragment}"
        );
        let data = world.ask(&query, json!({ "i": trip(&world, &number.to_string()) })).await;
        assert_eq!(breaches(&query, &data), Vec::<String>::new());
        assert!(data["bookTrip"]["booking"].is_object(), "{selection}: {data}");
    }
}

#[tokio::test]
async fn every_mutation_keeps_the_shape_of_the_schema_when_its_read_fails() {
    let mut world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    world.stop_projections().await;
    let in_pieces = "mutation($i: BookTripInput!) { a: bookTrip(input: $i) { ...p b: booking { id } b: booking { s: status } } } \
         fragment p on BookTripPayload { b: booking { ... on Node { id } ... on Booking { total { amount } } } position }";
    let cancel = "mutation($i: CancelBookingInput!) { cancelBooking(input: $i) { position errors { code } \
         booking { id version payment { refunded { amount } } } } }";
    let allotment = "mutation($i: ChangeAllotmentInput!) { changeAllotment(input: $i) { position hotel { id name } } }";
    let nights =
        json!({ "hotelId": world.hotel, "roomType": "DBL", "from": "2025-02-01", "to": "2025-02-02", "rooms": 1 });
    // Each with something new in it: what changes nothing is answered at the position that the projections have reached.
    let renamed = |mut input: Value, key: &str, value: Value| {
        input[key] = value;
        json!({ "input": input })
    };
    for (query, variables) in [
        (in_pieces, json!({ "i": trip(&world, "pieces") })),
        (cancel, json!({ "i": { "bookingId": booked["booking"]["id"] } })),
        (allotment, json!({ "i": nights })),
        (UPSERT_HOTEL, renamed(hotel(), "name", json!("Grander"))),
        (UPSERT_FLIGHT, renamed(flight(), "arrivalAt", json!("2025-01-09T23:00:00Z"))),
        (UPSERT_CAR, renamed(car(), "vehicles", json!(2))),
    ] {
        let answer = shaped(&world, query, variables).await;
        let payload = answer["data"].as_object().and_then(|data| data.values().next()).expect("a payload");
        assert!(payload["position"].is_string(), "{answer}");
        let subject = ["b", "booking", "hotel", "flight", "car"].iter().find_map(|name| payload.get(*name));
        assert_eq!(subject, Some(&Value::Null), "{answer}");
    }
}

#[tokio::test]
async fn every_query_keeps_the_shape_of_the_schema_when_its_read_fails() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    world.run(HIDE_READ_SIDE).await;
    let (trip, hotel, flight, car) = (&booked["booking"]["id"], &world.hotel, &world.flight, &world.car);
    let one = format!(
        "{{ booking(id: {trip}) {{ id status }} hotel(id: \"{hotel}\") {{ id name }} flight(id: \"{flight}\") {{ id code }} \
           car(id: \"{car}\") {{ id code }} saga(bookingId: {trip}) {{ status }} }}"
    );
    let answer = shaped(&world, &one, json!({})).await;
    assert_eq!(answer["data"], json!({ "booking": null, "hotel": null, "flight": null, "car": null, "saga": null }));
    for list in ["bookings", "hotels(filter: {})", "flights(filter: {})", "cars(filter: {})"] {
        let beside_another =
            format!("{{ none: booking(id: \"x\") {{ id }} {list} {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }}");
        let answer = shaped(&world, &beside_another, json!({})).await;
        assert_eq!(answer["data"], Value::Null, "a list may not be null, so the whole answer is: {answer}");
    }
}

#[tokio::test]
async fn histories_are_read_only_where_a_query_looks_at_them() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    let trip = &booked["booking"]["id"];
    world.run("ALTER TABLE booking_timeline RENAME TO t").await;
    let bare = format!(
        "{{ booking(id: {trip}) {{ id status }} saga(bookingId: {trip}) {{ status }} \
            sagas {{ nodes {{ bookingId status }} edges {{ node {{ reason }} }} }} bookings {{ edges {{ node {{ status }} }} }} }}"
    );
    let data = world.ask(&bare, json!({})).await;
    assert_eq!(data["sagas"]["nodes"].as_array().map(Vec::len), Some(1), "{data}");
    for looking in [
        format!("{{ booking(id: {trip}) {{ id ...t }} }} fragment t on Booking {{ timeline {{ at }} }}"),
        format!("{{ saga(bookingId: {trip}) {{ h: history {{ at }} }} }}"),
        "{ sagas { nodes { status } n: nodes { history { at } } } }".to_owned(),
        "{ sagas { edges { node { ... on Saga { history { at } } } } } }".to_owned(),
        "{ bookings { nodes { timeline { at } } } }".to_owned(),
        "{ bookings { ...p } } fragment p on BookingConnection { edges { e: node { timeline { at } } } }".to_owned(),
    ] {
        shaped(&world, &looking, json!({})).await;
    }
}
