//! Who may do what, and whose trips are whose.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};
use traveladvisor_api::{Scope, development_token};

use crate::world::{BOOK, World, text};

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_mins(2);
const TRAVELLER: [Scope; 2] = [Scope::BookingsRead, Scope::BookingsWrite];
const CANCEL: &str = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { \
     booking { id status } position errors { code message path } } }";
/// Every way to look at one trip.
const LOOK: &str = "query($id: ID!) { booking(id: $id) { id } then: booking(id: $id, asOf: \"2124-01-01T00:00:00Z\") { id } \
     saga(bookingId: $id) { status } bookings { nodes { id } } \
     mine: bookings(filter: { travellerEmail: \"ada@example.com\" }) { nodes { id } } \
     travellerBookings(email: \"ada@example.com\") { nodes { bookingId } } }";
/// The id of a trip that nobody has booked.
const NO_TRIP: &str = "booking_01jdzr8xn2eg0vazvt95f3hbqg";

fn headers(email: &str, scopes: &[Scope]) -> HeaderMap {
    let token = development_token(email, scopes, None).token;
    HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().expect("a header"))])
}

fn ada() -> HeaderMap {
    headers("ada@example.com", &TRAVELLER)
}

fn bob() -> HeaderMap {
    headers("bob@example.com", &TRAVELLER)
}

async fn booked(world: &World, by: HeaderMap) -> String {
    let answer = world.send_with(BOOK, json!({ "input": world.trip(json!({})) }), by).await;
    assert_eq!(answer["data"]["bookTrip"]["errors"], json!([]), "{answer}");
    text(&answer["data"]["bookTrip"]["booking"]["id"])
}

#[tokio::test]
async fn anothers_trip_looks_as_if_it_did_not_exist() {
    let world = World::begin().await;
    let trip = booked(&world, ada()).await;
    let before = world.events().await.len();
    let as_ada = world.send_with(LOOK, json!({ "id": trip }), ada()).await;
    assert_eq!(as_ada["data"]["booking"]["id"], json!(trip), "{as_ada}");
    assert_eq!(as_ada["data"]["then"]["id"], json!(trip), "{as_ada}");
    assert_eq!(as_ada["data"]["saga"]["status"], "SUCCEEDED", "{as_ada}");
    for list in ["bookings", "mine", "travellerBookings"] {
        assert_eq!(as_ada["data"][list]["nodes"].as_array().map(Vec::len), Some(1), "{list}: {as_ada}");
    }
    for query in [LOOK, CANCEL] {
        let foreign = world.send_with(query, json!({ "id": trip }), bob()).await;
        let absent = world.send_with(query, json!({ "id": NO_TRIP }), bob()).await;
        assert_eq!(foreign, absent);
        assert!(!foreign.to_string().contains(&trip), "{foreign}");
    }
    assert_eq!(world.events().await.len(), before, "nothing was cancelled");
    let operator = headers("night@example.com", &[Scope::Operations]);
    let seen = world.send_with(LOOK, json!({ "id": trip }), operator.clone()).await;
    assert_eq!(seen["data"], as_ada["data"], "operators see the trips of all");
    let cancelled = world.send_with(CANCEL, json!({ "id": trip }), operator).await;
    assert_eq!(cancelled["data"]["cancelBooking"]["errors"], json!([]), "{cancelled}");
}

#[tokio::test]
async fn whoever_has_just_booked_cancels_at_once_whatever_the_read_side_knows() {
    let mut world = World::begin().await;
    world.stop_projections().await;
    let accepted = world.trip(json!({ "wait": "ACCEPTED", "payment": { "method": "NONE", "cardNumber": null } }));
    let book = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } errors { code } } }";
    let answer = world.send_with(book, json!({ "input": accepted }), ada()).await;
    let trip = text(&answer["data"]["bookTrip"]["booking"]["id"]);
    let cancel = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { booking { id } errors { code } } }";
    let foreign = world.send_with(cancel, json!({ "id": trip }), bob()).await;
    assert_eq!(foreign["data"]["cancelBooking"]["errors"][0]["code"], "NOT_FOUND", "{foreign}");
    let own = world.send_with(cancel, json!({ "id": trip }), ada()).await;
    assert_eq!(own["data"]["cancelBooking"]["errors"], json!([]), "{own}");
}

#[tokio::test]
async fn one_callers_key_is_not_anothers() {
    let world = World::begin().await;
    let change = json!({ "car": null });
    let input = json!({ "input": { "input": world.trip(change) } })["input"].take();
    let first = world.send_with(BOOK, input.clone(), ada()).await;
    let again = world.send_with(BOOK, input.clone(), ada()).await;
    let others = world.send_with(BOOK, input, bob()).await;
    let id = |answer: &Value| text(&answer["data"]["bookTrip"]["booking"]["id"]);
    assert_eq!(id(&first), id(&again));
    assert_ne!(id(&first), id(&others));
}

#[tokio::test]
async fn nothing_of_a_request_is_done_when_a_part_of_it_is_forbidden() {
    let world = World::begin().await;
    let before = world.events().await.len();
    let both = "mutation($input: BookTripInput!) { bookTrip(input: $input) { position } \
         upsertCar(input: { code: \"C9\", name: \"a\", carClass: \"A\", location: \"ICN\", vehicles: 1, \
         dailyPrice: { amount: \"1\", currency: \"GBP\" } }) { position } }";
    let answer = world.send_with(both, json!({ "input": world.trip(json!({})) }), ada()).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    assert!(answer.get("data").is_none(), "{answer}");
    assert_eq!(world.events().await.len(), before);
}

#[tokio::test]
async fn events_name_the_caller_and_never_an_address() {
    let world = World::begin().await;
    booked(&world, bob()).await;
    let events = world.events().await;
    let metadata: Value = serde_json::from_str(&events.last().expect("events").metadata).expect("json");
    let actor = text(&metadata["actor"]);
    assert!(!actor.is_empty() && actor != "anonymous" && !actor.contains("bob"), "{actor}");
}

#[tokio::test]
async fn what_is_for_operators_alone_is_not_in_the_history_that_an_owner_reads() {
    let world = World::begin().await;
    // A gateway that is away has its words in the history, beside what an operator can do.
    let answer = world
        .send_with(
            BOOK,
            json!({ "input": world.trip(json!({ "wait": "ACCEPTED", "payment": { "cardNumber": "4000000000000119" } })) }),
            ada(),
        )
        .await;
    let trip = text(&answer["data"]["bookTrip"]["booking"]["id"]);
    let history = "query($id: ID!) { saga(bookingId: $id) { reason steps { lastError } history { summary } } }";
    let operator = headers("night@example.com", &[Scope::Operations]);
    let fault = async {
        loop {
            let whole = world.send_with(history, json!({ "id": trip }), operator.clone()).await;
            if whole["data"]["saga"]["reason"].is_string() {
                return whole;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let whole = tokio::time::timeout(AT_LAST, fault).await.expect("the gateway's fault is told to operators");
    let own = world.send_with(history, json!({ "id": trip }), ada()).await;
    assert_eq!(own["data"]["saga"]["reason"], Value::Null, "{own}");
    assert!(!own.to_string().contains("\"lastError\":\""), "{own}");
    assert!(whole.to_string().contains("\"lastError\":\""), "{whole}");
    let summaries = |answer: &Value| -> Vec<String> {
        let entries = answer["data"]["saga"]["history"].as_array().expect("a history");
        entries.iter().map(|entry| text(&entry["summary"])).collect()
    };
    let (own, whole) = (summaries(&own), summaries(&whole));
    assert!(own.iter().zip(&whole).all(|(own, whole)| whole.starts_with(own.as_str())), "{own:?} {whole:?}");
}
