//! The catalogue, changed and searched through the API.

use serde_json::{Value, json};

use crate::world::{UPSERT_CAR, UPSERT_FLIGHT, UPSERT_HOTEL, World, car, flight, hotel, merge};

const SEARCH: &str = "query($filter: HotelFilter!) { hotels(filter: $filter) { nodes { id name \
     roomTypes { code roomsLeft total { amount } } } } }";
const ALLOTMENT: &str = "mutation($input: ChangeAllotmentInput!) { changeAllotment(input: $input) { \
     hotel { id } position errors { code path } } }";

#[tokio::test]
async fn what_was_changed_is_read_back_at_once() {
    let world = World::begin().await;
    let mut changed = hotel();
    merge(&mut changed, json!({ "name": "Grander" }));
    let answer = world.ask(UPSERT_HOTEL, json!({ "input": changed })).await;
    assert_eq!(answer["upsertHotel"]["hotel"]["name"], "Grander");
    assert_eq!(answer["upsertHotel"]["hotel"]["roomTypes"][0]["nightlyPrice"]["amount"], "100.50");
    assert_eq!(answer["upsertHotel"]["hotel"]["roomTypes"][0]["roomsLeft"], json!(null));
    let answer = world.ask(UPSERT_FLIGHT, json!({ "input": flight() })).await;
    assert_eq!(answer["upsertFlight"]["flight"]["departureAt"], "2025-01-09T10:00:00Z");
    let answer = world.ask(UPSERT_CAR, json!({ "input": car() })).await;
    assert_eq!(answer["upsertCar"]["car"]["id"], json!(world.car));
}

#[tokio::test]
async fn a_search_with_dates_tells_what_is_left_and_what_it_costs() {
    let world = World::begin().await;
    world.book(world.trip(json!({ "flight": null, "car": null }))).await;
    let stay = json!({ "city": "seoul", "checkIn": "2025-01-10", "checkOut": "2025-01-13" });
    let found = world.ask(SEARCH, json!({ "filter": stay })).await;
    assert_eq!(
        found["hotels"]["nodes"][0]["roomTypes"],
        json!([{ "code": "DBL", "roomsLeft": 1, "total": { "amount": "301.50" } }])
    );
    let without = world.ask(SEARCH, json!({ "filter": { "text": "grand" } })).await;
    assert_eq!(
        without["hotels"]["nodes"][0]["roomTypes"],
        json!([{ "code": "DBL", "roomsLeft": null, "total": null }])
    );

    let flights =
        "{ flights(filter: { origin: \"LHR\", departureDate: \"2025-01-09\" }) { nodes { cabins { seatsLeft } } } }";
    let flights = world.ask(flights, json!({})).await;
    assert_eq!(flights["flights"]["nodes"][0]["cabins"][0]["seatsLeft"], 3);
    let cars = "{ cars(filter: { location: \"ICN\", pickUpAt: \"2025-01-10T10:00:00Z\", \
         dropOffAt: \"2025-01-12T10:00:01Z\" }) { nodes { vehiclesLeft total { amount } } } }";
    let cars = world.ask(cars, json!({})).await;
    assert_eq!(cars["cars"]["nodes"][0], json!({ "vehiclesLeft": 1, "total": { "amount": "120.00" } }));
}

#[tokio::test]
async fn an_allotment_can_be_lowered_and_closed() {
    let world = World::begin().await;
    let change = |change: Value| {
        let mut input = json!({ "hotelId": world.hotel, "roomType": "DBL", "from": "2025-01-10", "to": "2025-01-12" });
        merge(&mut input, change);
        json!({ "input": input })
    };
    let lowered = world.ask(ALLOTMENT, change(json!({ "rooms": 0 }))).await;
    assert_eq!(lowered["changeAllotment"]["errors"], json!([]));
    let stay = json!({ "checkIn": "2025-01-10", "checkOut": "2025-01-11" });
    let found = world.ask(SEARCH, json!({ "filter": stay })).await;
    assert_eq!(found["hotels"]["nodes"], json!([]));
    for (wrong, code, field) in [
        (json!({ "rooms": -1 }), "INVALID_INPUT", "rooms"),
        (json!({}), "INVALID_INPUT", "rooms"),
        (json!({ "rooms": 1, "roomType": "SUITE" }), "UNKNOWN_ROOM_TYPE", "roomType"),
        (json!({ "rooms": 1, "to": "2025-01-10" }), "INVALID_INPUT", "to"),
        (json!({ "rooms": 1, "from": "2024-01-10" }), "PAST", "from"),
        (json!({ "rooms": 1, "hotelId": "hotel_x" }), "NOT_FOUND", "hotelId"),
    ] {
        let refused = world.ask(ALLOTMENT, change(wrong.clone())).await;
        assert_eq!(
            refused["changeAllotment"]["errors"],
            json!([{ "code": code, "path": ["input", field] }]),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn supplier_input_that_breaks_a_rule_is_named_to_the_field() {
    let world = World::begin().await;
    let mut wrong = hotel();
    wrong["roomTypes"][0]["nightlyPrice"]["amount"] = json!("1.005");
    let answer = world.ask(UPSERT_HOTEL, json!({ "input": wrong })).await;
    let error = &answer["upsertHotel"]["errors"][0];
    assert_eq!(error["path"], json!(["input", "roomTypes", "0", "nightlyPrice", "amount"]), "{error}");
    assert_eq!(error["code"], "INVALID_INPUT");
    let mut wrong = flight();
    wrong["origin"] = json!("XXX");
    let answer = world.ask(UPSERT_FLIGHT, json!({ "input": wrong })).await;
    assert_eq!(answer["upsertFlight"]["errors"][0]["path"], json!(["input", "origin"]));
}

#[tokio::test]
async fn what_has_passed_is_refused_with_its_code_and_its_field() {
    let world = World::begin().await;
    for (query, code, path) in [
        ("hotels(filter: { checkIn: \"2024-01-07\", checkOut: \"2024-01-09\" })", "PAST", ["filter", "checkIn"]),
        ("hotels(filter: { checkIn: \"2024-11-29\", checkOut: \"2024-12-09\" })", "PAST", ["filter", "checkIn"]),
        (
            "hotels(filter: { checkIn: \"2025-01-09\", checkOut: \"2025-01-07\" })",
            "INVALID_INPUT",
            ["filter", "checkOut"],
        ),
        ("flights(filter: { departureDate: \"2024-11-29\" })", "PAST", ["filter", "departureDate"]),
        (
            "cars(filter: { pickUpAt: \"2024-11-30T23:59:59Z\", dropOffAt: \"2024-12-02T00:00:00Z\" })",
            "PAST",
            ["filter", "pickUpAt"],
        ),
        (
            "cars(filter: { pickUpAt: \"2024-12-04T00:00:00Z\", dropOffAt: \"2024-12-02T00:00:00Z\" })",
            "INVALID_INPUT",
            ["filter", "dropOffAt"],
        ),
    ] {
        let answer = world.send(&format!("{{ {query} {{ nodes {{ id }} }} }}"), json!({})).await;
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["path"]), (&json!(code), &json!(path)), "{query}: {answer}");
        assert_eq!(answer["data"], json!(null), "{answer}");
    }
    // At the world's midnight in UTC it is still the day before in the last of all zones.
    let today = "{ hotels(filter: { checkIn: \"2024-11-30\", checkOut: \"2024-12-02\" }) { nodes { id } } \
         flights(filter: { departureDate: \"2024-11-30\" }) { nodes { id } } }";
    let found = world.ask(today, json!({})).await;
    assert_eq!(found["hotels"]["nodes"], json!([{ "id": world.hotel }]));
}

#[tokio::test]
async fn a_search_leaves_out_flights_that_have_departed() {
    let world = World::begin().await;
    let mut gone = flight();
    merge(
        &mut gone,
        json!({ "code": "F0", "departureAt": "2024-11-30T23:59:00Z", "arrivalAt": "2024-12-01T09:00:00Z" }),
    );
    let listed = world.ask(UPSERT_FLIGHT, json!({ "input": gone })).await;
    let id = &listed["upsertFlight"]["flight"]["id"];
    let found = world.ask("{ flights(filter: { origin: \"LHR\" }) { nodes { id } } }", json!({})).await;
    assert_eq!(found["flights"]["nodes"], json!([{ "id": world.flight }]));
    let one = world.ask("query($id: ID!) { flight(id: $id) { id } }", json!({ "id": id })).await;
    assert_eq!(&one["flight"]["id"], id);
}
