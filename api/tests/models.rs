//! A traveller's trips, the money of a trip, and what is sold, through the API.

use serde_json::{Value, json};

use crate::world::World;

const TRIPS: &str = "query($email: String!, $first: Int, $after: String, $atLeast: Position) { \
     travellerBookings(email: $email, first: $first, after: $after, atLeast: $atLeast) { \
     pageInfo { hasNextPage endCursor } nodes { bookingId status sagaStatus parts checkIn checkOut startsAt total { amount currency } } } }";
const LEDGER: &str = "query($id: ID!, $atLeast: Position) { paymentLedger(bookingId: $id, atLeast: $atLeast) { \
     charged { amount currency } refunded { amount } kept { minorUnits } } }";
const NIGHTS: &str = "query($id: ID!, $from: Date!, $to: Date!) { hotelOccupancy(hotelId: $id, from: $from, to: $to) { \
     day onSale sold left revenue { amount } units { unit sold left } } }";
const DAYS: &str = "query($id: ID!, $from: Date!, $to: Date!) { carOccupancy(carId: $id, from: $from, to: $to) { \
     day onSale sold left revenue { amount } } }";
const FLIGHT: &str = "query($id: ID!) { flightOccupancy(flightId: $id) { day onSale sold left units { unit sold } } }";

/// What an argument is refused with.
fn refusal(answer: &Value) -> (Value, Value) {
    let error = &answer["errors"][0]["extensions"];
    (error["code"].clone(), error["path"].clone())
}

#[tokio::test]
async fn a_traveller_reads_the_own_trips_page_by_page_as_soon_as_they_are_asked_for() {
    let world = World::begin().await;
    let mut positions = Vec::new();
    for number in 0..2 {
        let trip = world.trip(json!({ "flight": null, "car": null, "idempotencyKey": format!("key {number}") }));
        let booked = world.book(trip).await;
        assert_eq!(booked["errors"], json!([]), "{booked}");
        positions.push(booked["position"].clone());
    }
    let asked = world.trip(json!({}));
    let email = asked["traveller"]["email"].as_str().expect("an address").to_uppercase();
    let variables = json!({ "email": email, "first": 1, "atLeast": positions[1] });
    let page = world.ask(TRIPS, variables).await["travellerBookings"].clone();
    assert_eq!(page["pageInfo"]["hasNextPage"], true, "{page}");
    let newest = &page["nodes"][0];
    assert_eq!(newest["parts"], json!(["hotel"]), "{newest}");
    assert_eq!(newest["checkIn"], asked["hotel"]["checkIn"], "{newest}");
    let variables = json!({ "email": email, "first": 5, "after": page["pageInfo"]["endCursor"] });
    let rest = world.ask(TRIPS, variables).await["travellerBookings"].clone();
    assert_eq!((rest["nodes"].as_array().map(Vec::len), &rest["pageInfo"]["hasNextPage"]), (Some(1), &json!(false)));
    assert_ne!(rest["nodes"][0]["bookingId"], newest["bookingId"]);
    let nobody = world.ask(TRIPS, json!({ "email": "nobody@example.org" })).await;
    assert_eq!(nobody["travellerBookings"]["nodes"], json!([]));
}

#[tokio::test]
async fn arguments_that_cannot_be_answered_are_refused_with_a_sentence() {
    let world = World::begin().await;
    for email in ["", "  ", "a\u{0}b", &"a".repeat(300)] {
        let refused = world.send(TRIPS, json!({ "email": email })).await;
        assert_eq!(refusal(&refused), (json!("INVALID_INPUT"), json!(["email"])), "{email:?}");
    }
    let refused = world.send(TRIPS, json!({ "email": "a@b.c", "first": 101 })).await;
    assert_eq!(refusal(&refused), (json!("INVALID_INPUT"), json!(["first"])));
    for to in ["2025-01-10", "2025-01-09", "2025-04-13", "9999-12-31"] {
        for (query, id) in [(NIGHTS, &world.hotel), (DAYS, &world.car)] {
            let refused = world.send(query, json!({ "id": id, "from": "2025-01-10", "to": to })).await;
            assert_eq!(refusal(&refused), (json!("INVALID_INPUT"), json!(["to"])), "{to}");
        }
    }
    for (query, field) in [(NIGHTS, "hotelOccupancy"), (DAYS, "carOccupancy"), (FLIGHT, "flightOccupancy")] {
        let unknown = world.ask(query, json!({ "id": "nothing", "from": "2025-01-10", "to": "2025-04-12" })).await;
        assert_eq!(unknown[field], json!(null));
    }
    assert_eq!(world.ask(LEDGER, json!({ "id": "nothing" })).await["paymentLedger"], json!(null));
}

#[tokio::test]
async fn what_a_trip_takes_is_sold_and_its_money_is_in_the_ledger() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({}))).await;
    assert_eq!(booked["errors"], json!([]), "{booked}");
    let asked = world.trip(json!({}));
    let stay = json!({ "id": world.hotel, "from": asked["hotel"]["checkIn"], "to": asked["hotel"]["checkOut"] });
    let shown = until(&world, NIGHTS, stay, |answer| answer["hotelOccupancy"][0]["sold"] == 1).await;
    let nights = shown["hotelOccupancy"].as_array().expect("nights");
    assert_eq!(nights.len(), 2, "{shown}");
    for night in nights {
        assert_eq!(night["revenue"], json!([{ "amount": "100.50" }]), "{shown}");
        assert_eq!(night["units"], json!([{ "unit": "DBL", "sold": 1, "left": 1 }]), "{shown}");
    }
    let trip = json!({ "id": booked["booking"]["id"], "atLeast": booked["position"] });
    let ledger = until(&world, LEDGER, trip, |answer| answer["paymentLedger"] != json!([])).await;
    let total = json!({ "amount": "781.00", "currency": "GBP" });
    let entry = json!({ "charged": total, "refunded": { "amount": "0.00" }, "kept": { "minorUnits": "78100" } });
    assert_eq!(ledger["paymentLedger"], json!([entry]), "two nights, a flight, two days");
    let flight = world.ask(FLIGHT, json!({ "id": world.flight })).await["flightOccupancy"].clone();
    assert_eq!(flight["day"], "2025-01-09", "{flight}");
    let days = json!({ "id": world.car, "from": "2025-01-10", "to": "2025-01-13" });
    let days = until(&world, DAYS, days, |answer| answer["carOccupancy"][0]["sold"] == 1).await;
    let sold: Vec<_> = days["carOccupancy"].as_array().expect("days").iter().map(|day| day["sold"].clone()).collect();
    assert_eq!(sold, [json!(1), json!(1), json!(0)], "two days are paid for");
}

/// Asks until the answer is so: read models come a moment after the trip. What never comes is shown.
async fn until(world: &World, query: &str, variables: Value, is_so: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..500 {
        let answer = world.ask(query, variables.clone()).await;
        if is_so(&answer) {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.ask(query, variables).await
}
