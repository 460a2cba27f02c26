//! Who may follow what, and for how long.

use serde_json::{Value, json};
use traveladvisor_api::{Scope, development_token};
use traveladvisor_infra::clock::{Clock, SystemClock};

use super::client::{Client, Server};
use crate::world::{BOOK, World, text};

const PROGRESS: &str = "subscription($id: ID!) { bookingProgress(id: $id) { summary } }";
const QUIET: &str = "subscription { bookings(travellerEmail: \"nobody@example.com\") { id } }";

/// A connection for somebody, by a token in the payload.
async fn somebody(server: &Server, email: &str, scopes: &[Scope]) -> Client {
    let mut client = server.connect().await;
    let token = development_token(email, scopes, None).token;
    client.say(json!({ "type": "connection_init", "payload": { "authToken": token } })).await;
    assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
    client
}

async fn answer(client: &mut Client, query: &str, variables: Value) -> Value {
    client.subscribe("a", query, variables).await;
    client.hear().await
}

#[tokio::test]
async fn a_trip_is_followed_by_its_owner_and_by_operators_and_is_not_there_for_others() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut owner = somebody(&server, "owner@example.com", &[Scope::BookingsRead, Scope::BookingsWrite]).await;
    let booked = answer(&mut owner, BOOK, json!({ "input": world.trip(json!({})) })).await;
    let id = text(&booked["payload"]["data"]["bookTrip"]["booking"]["id"]);
    assert_eq!(owner.hear().await["type"], "complete");
    assert_eq!(answer(&mut owner, PROGRESS, json!({ "id": id })).await["type"], "next");

    let mut operator = somebody(&server, "operator@example.com", &[Scope::Operations]).await;
    assert_eq!(answer(&mut operator, PROGRESS, json!({ "id": id })).await["type"], "next");

    let mut other = somebody(&server, "other@example.com", &[Scope::BookingsRead]).await;
    let foreign = answer(&mut other, PROGRESS, json!({ "id": id })).await;
    let absent = answer(&mut other, PROGRESS, json!({ "id": "booking_01h455vb4pex5vsknk084sn02q" })).await;
    assert_eq!(foreign["payload"][0]["extensions"]["code"], "NOT_FOUND", "{foreign}");
    assert_eq!(foreign, absent);

    // Both watch the same traveller; only one of them owns the trip that changes.
    let traveller = "subscription { bookings(travellerEmail: \"ada@example.com\") { id status } }";
    other.subscribe("b", traveller, json!({})).await;
    other.say(json!({ "type": "ping" })).await;
    assert_eq!(other.hear().await["type"], "pong");
    operator.subscribe("b", traveller, json!({})).await;
    let cancel = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { errors { code } } }";
    operator.subscribe("c", cancel, json!({ "input": { "bookingId": id } })).await;
    while operator.hear().await["payload"]["data"]["bookings"]["status"] != "CANCELLED" {}
    other.say(json!({ "type": "ping" })).await;
    assert_eq!(other.hear().await["type"], "pong", "it hears nothing of another's trip");
    server.stop().await;
}

#[tokio::test]
async fn who_lacks_the_scope_is_refused_the_operation_and_who_shows_no_valid_token_the_connection() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = somebody(&server, "supplier@example.com", &[Scope::SupplyWrite]).await;
    for query in [PROGRESS, QUIET] {
        let refused = answer(&mut client, query, json!({ "id": "a" })).await;
        assert_eq!(
            (&refused["type"], &refused["payload"][0]["extensions"]["code"]),
            (&json!("error"), &json!("FORBIDDEN"))
        );
    }
    for payload in [
        json!({ "authToken": "nonsense" }),
        json!({ "authToken": "two words" }),
        json!({ "authToken": "line\nbreak" }),
        json!({ "Authorization": "Basic YTpi" }),
        json!({ "Authorization": ["Bearer a"] }),
    ] {
        let mut client = server.connect().await;
        client.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(client.closed().await.0, 4403, "{payload}");
    }
    let mut client = server
        .connect_with(|request| {
            request.headers_mut().insert("authorization", "Bearer nonsense".parse().expect("a value"));
        })
        .await;
    client.say(json!({ "type": "connection_init" })).await;
    assert_eq!(client.closed().await.0, 4403);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_ends_when_its_token_does() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let expires_at = SystemClock.now() + chrono::TimeDelta::seconds(3);
    let token = development_token("a@example.com", &[Scope::BookingsRead], Some(expires_at)).token;
    let mut client = server.connect().await;
    let bearer = format!("Bearer {token}");
    client.say(json!({ "type": "connection_init", "payload": { "Authorization": bearer } })).await;
    assert_eq!(client.hear().await["type"], "connection_ack");
    client.subscribe("a", QUIET, json!({})).await;
    let (code, reason) = client.closed().await;
    assert_eq!((code, reason.contains("expired")), (4403, true), "{reason}");
    assert!(SystemClock.now() >= expires_at - chrono::TimeDelta::seconds(1), "not before its time");
    server.stop().await;
}
