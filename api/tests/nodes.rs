//! What has an id, found by it or by its supplier's code.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};
use traveladvisor_api::{Scope, development_token};

use crate::world::{BOOK, World, text};

const NODE: &str = "query($id: ID!) { node(id: $id) { __typename id } }";
const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id \
     ... on Booking { status timeline { type } } ... on Hotel { code roomTypes { code } } ... on Flight { cabins { cabin } } \
     ... on Car { vehicles } ... on Saga { bookingId history { type } } ... on TravellerBooking { bookingId parts } } }";
const IDS: &str = "{ bookings { nodes { id } } sagas { nodes { id bookingId } } hotels(filter: {}) { nodes { id } } \
     flights(filter: {}) { nodes { id } } cars(filter: {}) { nodes { id } } \
     travellerBookings(email: \"ada@example.com\") { nodes { id bookingId } } projections { id } }";

/// A world with a trip, and every id in it with the name of its type.
async fn booked() -> (World, Vec<(&'static str, Value)>) {
    let world = World::begin().await;
    let payload = world.book(world.trip(json!({}))).await;
    let position = json!({ "at": payload["position"] });
    let listed =
        "query($at: Position) { travellerBookings(email: \"ada@example.com\", atLeast: $at) { nodes { id } } }";
    world.ask(listed, position).await;
    let lists = world.ask(IDS, json!({})).await;
    let ids = [
        ("Booking", "bookings"),
        ("Saga", "sagas"),
        ("Hotel", "hotels"),
        ("Flight", "flights"),
        ("Car", "cars"),
        ("TravellerBooking", "travellerBookings"),
    ]
    .map(|(name, list)| (name, lists[list]["nodes"][0]["id"].clone()));
    let projection = ("Projection", lists["projections"][0]["id"].clone());
    (world, ids.into_iter().chain([projection]).collect())
}

#[tokio::test]
async fn whatever_a_list_shows_is_found_again_by_its_id() {
    let (world, ids) = booked().await;
    for (name, id) in &ids {
        let found = world.ask(NODE, json!({ "id": id })).await;
        assert_eq!(found["node"], json!({ "__typename": name, "id": id }));
    }
}

#[tokio::test]
async fn many_are_found_at_once_in_the_order_of_their_ids_and_null_where_there_is_nothing() {
    let (world, ids) = booked().await;
    let mut asked: Vec<Value> = ids.iter().map(|(_, id)| id.clone()).collect();
    asked.insert(2, json!("hotel_00000000000000000000000000"));
    asked.push(asked[0].clone());
    let found = world.ask(NODES, json!({ "ids": asked })).await;
    let found = found["nodes"].as_array().expect("a list");
    let wanted: Vec<&Value> =
        asked.iter().enumerate().map(|(place, id)| if place == 2 { &Value::Null } else { id }).collect();
    let ids: Vec<&Value> = found.iter().map(|node| node.get("id").unwrap_or(&Value::Null)).collect();
    assert_eq!(ids, wanted);
    let of = |name: &str| found.iter().find(|node| node["__typename"] == name).expect("found").clone();
    assert_eq!(of("Booking")["status"], "APPROVED");
    assert_eq!(of("Booking")["timeline"][0]["type"], "BookingRequested");
    assert_eq!(of("Saga")["history"][0]["type"], "SagaStarted");
    assert_eq!(of("Saga")["bookingId"], of("Booking")["id"]);
    assert_eq!(of("TravellerBooking")["parts"], json!(["hotel", "flight", "car"]));
    assert_eq!(of("Hotel")["roomTypes"], json!([{ "code": "DBL" }]));
}

#[tokio::test]
async fn what_names_nothing_is_null_and_too_many_at_once_are_refused() {
    let (world, ids) = booked().await;
    let trip = ids[0].1.as_str().expect("an id");
    let uuid = trip.trim_start_matches("booking_");
    for id in [
        "",
        "nothing",
        "hotel_",
        "booking_x",
        "payment_",
        "dead_letter_",
        "traveller_",
        "trip_saga_",
        "projection_",
        "member_",
        "entry_",
        "campaign_",
        "reward_",
        "points_account_",
        "email_claim_",
        "programme_",
    ] {
        for id in [id.to_owned(), format!("{id}00000000000000000000000000"), format!("x{trip}")] {
            assert_eq!(world.ask(NODE, json!({ "id": id })).await["node"], json!(null), "{id:?}");
        }
    }
    for other in ["hotel", "payment", "traveller_trip_saga", "TRAVELLER_booking", "traveller_traveller_booking"] {
        let id = format!("{other}_{uuid}");
        assert_eq!(world.ask(NODE, json!({ "id": id })).await["node"], json!(null), "{id}");
    }
    let refused = world.send(NODES, json!({ "ids": vec![trip; 101] })).await;
    let refusal = &refused["errors"][0]["extensions"];
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("INVALID_INPUT"), &json!(["ids"])));
    assert_eq!(world.ask(NODES, json!({ "ids": vec![trip; 100] })).await["nodes"].as_array().map(Vec::len), Some(100));
}

#[tokio::test]
async fn a_supplier_finds_what_it_listed_by_its_own_code() {
    let world = World::begin().await;
    let offer = "query($by: OfferLookup!) { offer(by: $by) { __typename id } }";
    for (kind, name, code, id) in [
        ("hotel", "Hotel", "H1", &world.hotel),
        ("flight", "Flight", "F1", &world.flight),
        ("car", "Car", "C1", &world.car),
    ] {
        let found = world.ask(offer, json!({ "by": { kind: { "code": code } } })).await;
        assert_eq!(found["offer"], json!({ "__typename": name, "id": id }));
        let others = world.ask(offer, json!({ "by": { kind: { "supplier": "other", "code": code } } })).await;
        assert_eq!(others["offer"], json!(null));
    }
    let one = json!({ "code": "H1" });
    for by in [json!({}), json!({ "hotel": one, "car": one }), json!({ "hotel": null })] {
        let refused = world.send(offer, json!({ "by": by })).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{by}");
        assert_eq!(refused.get("data"), None, "{by}");
    }
}

fn bearer(email: &str, scopes: &[Scope]) -> HeaderMap {
    let token = format!("Bearer {}", development_token(email, scopes, None).token);
    HeaderMap::from_iter([(AUTHORIZATION, token.parse().expect("a header"))])
}

#[tokio::test]
async fn anothers_trip_is_found_by_none_of_its_ids_and_an_operator_finds_it() {
    const READ: &[Scope] = &[Scope::BookingsRead, Scope::BookingsWrite];
    let world = World::begin().await;
    let book = world.send_with(BOOK, json!({ "input": world.trip(json!({})) }), bearer("ada@example.com", READ)).await;
    let id = text(&book["data"]["bookTrip"]["booking"]["id"]);
    let uuid = id.trim_start_matches("booking_");
    let trip = ["booking", "trip_saga", "traveller_booking"].map(|kind| format!("{kind}_{uuid}"));
    // The list that a traveller reads comes a moment after the trip.
    let at = json!({ "at": book["data"]["bookTrip"]["position"] });
    let listed =
        "query($at: Position) { travellerBookings(email: \"ada@example.com\", atLeast: $at) { nodes { id } } }";
    world.ask(listed, at).await;
    let ids = json!({ "ids": [trip[0], trip[1], trip[2], world.hotel, "projection_booking"] });
    for (email, scopes, wanted) in [
        ("ada@example.com", READ, [true, true, true, true, false]),
        ("bob@example.com", READ, [false, false, false, true, false]),
        ("ada@example.com", &[], [false, false, false, true, false]),
        ("bob@example.com", &[Scope::Operations], [true, true, true, true, true]),
        ("bob@example.com", &[Scope::SupplyWrite], [false, false, false, true, false]),
    ] {
        let answer = world
            .send_with("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids.clone(), bearer(email, scopes))
            .await;
        let found = answer["data"]["nodes"].as_array().unwrap_or_else(|| panic!("no nodes: {answer}"));
        let found: Vec<bool> = found.iter().map(Value::is_object).collect();
        assert_eq!(found, wanted, "{email} with {scopes:?}");
        for (place, id) in trip.iter().enumerate() {
            let one = world.send_with(NODE, json!({ "id": id }), bearer(email, scopes)).await;
            assert_eq!(one["data"]["node"].is_object(), wanted[place], "{email} with {scopes:?}: {one}");
        }
    }
}

#[tokio::test]
async fn what_operators_write_into_a_history_stands_in_no_owners_node() {
    const OWNER: &[Scope] = &[Scope::BookingsRead, Scope::BookingsWrite];
    const HISTORY: &str = "query($id: ID!) { node(id: $id) { ... on Saga { history { type summary } } } }";
    let world = World::begin().await;
    let book = world.send_with(BOOK, json!({ "input": world.trip(json!({})) }), bearer("ada@example.com", OWNER)).await;
    let id = text(&book["data"]["bookTrip"]["booking"]["id"]).replace("booking_", "trip_saga_");
    world.run("UPDATE booking_timeline SET signed = 'for operators alone' WHERE stream_kind = 'trip_saga'").await;
    for (scopes, is_told) in [(OWNER, false), (&[Scope::Operations][..], true)] {
        let answer = world.send_with(HISTORY, json!({ "id": id }), bearer("ada@example.com", scopes)).await;
        assert!(answer["data"]["node"]["history"].is_array(), "{answer}");
        assert_eq!(answer.to_string().contains("for operators alone"), is_told, "{answer}");
    }
}
