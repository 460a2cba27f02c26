//! What one client costs, however it behaves.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};
use traveladvisor_api::limits::{SOCKET_ANSWER_BYTES_MAX, SOCKET_MESSAGE_BYTES_MAX, SOCKETS_ARRIVING_MAX};

use super::client::{AT_LAST, Client, Server};
use crate::world::World;

/// Nothing happens to this traveller: the operation stays under way.
const QUIET: &str = "subscription { bookings(travellerEmail: \"nobody@example.com\") { id } }";

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

/// All that was said so far has been dealt with.
async fn answered(client: &mut Client) {
    client.say(json!({ "type": "ping" })).await;
    while client.hear().await["type"] != "pong" {}
}

/// What was completed ends in a task of its own, so it may take a moment.
async fn at_most_watch(most: usize, world: &World) {
    let gone = async {
        while world.watchers() > most {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, gone).await.expect("what was completed watches no longer");
}

#[tokio::test]
async fn what_a_client_has_completed_costs_nothing_while_its_socket_stays_open() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.ready().await;
    client.say(subscribe("kept", QUIET)).await;
    for number in 0..3_000 {
        let id = number.to_string();
        client.socket.feed(text(&subscribe(&id, QUIET))).await.expect("the server reads");
        client.socket.feed(text(&json!({ "type": "complete", "id": id }))).await.expect("the server reads");
    }
    answered(&mut client).await;
    // The one that goes on, if it has been looked at by now: none of the others.
    at_most_watch(1, &world).await;
    client.say(json!({ "type": "complete", "id": "kept" })).await;
    answered(&mut client).await;
    at_most_watch(0, &world).await;
    server.stop().await;
}

#[tokio::test]
async fn the_last_operation_of_a_socket_ends_when_it_is_completed() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.ready().await;
    client.say(subscribe("a", QUIET)).await;
    let watched = async {
        while world.watchers() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_LAST, watched).await.expect("it watches");
    client.say(json!({ "type": "complete", "id": "a" })).await;
    at_most_watch(0, &world).await;
    server.stop().await;
}

#[tokio::test]
async fn who_says_much_at_once_is_answered_meanwhile() {
    const PINGS: usize = 2_000;
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.ready().await;
    client.socket.feed(text(&subscribe("a", "{ __typename }"))).await.expect("the server reads");
    for _ in 0..PINGS {
        client.socket.feed(text(&json!({ "type": "ping" }))).await.expect("the server reads");
    }
    client.socket.flush().await.expect("the server reads");
    let mut before = 0;
    while client.hear().await["type"] != "next" {
        before += 1;
    }
    assert!(before < PINGS / 4, "the answer came behind {before} of {PINGS} later messages");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_larger_than_a_message_may_be_is_told_and_one_beyond_all_bounds_fails_alone() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.ready().await;
    client.say(subscribe("other", QUIET)).await;
    // The name stands in the answer once for each type of the schema, so that a short document has a long answer.
    let types = world.send("{ __schema { types { name } } }", json!({})).await;
    let count = types["data"]["__schema"]["types"].as_array().expect("types").len();
    let named = |bytes: usize| format!("{{ __schema {{ types {{ {}: name }} }} }}", "x".repeat(bytes / count));
    let (larger, beyond) = (2 * SOCKET_MESSAGE_BYTES_MAX, SOCKET_ANSWER_BYTES_MAX + SOCKET_MESSAGE_BYTES_MAX);

    client.say(subscribe("larger", &named(larger))).await;
    let answer = client.hear().await;
    assert_eq!((&answer["type"], &answer["id"]), (&json!("next"), &json!("larger")));
    assert!(answer.to_string().len() > larger, "it is as large as it was meant to be");
    assert_eq!(client.hear().await, json!({ "type": "complete", "id": "larger" }));

    client.say(subscribe("beyond", &named(beyond))).await;
    let answer = client.hear().await;
    assert_eq!((&answer["type"], &answer["id"]), (&json!("error"), &json!("beyond")));
    assert_eq!(answer["payload"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
    client.say(subscribe("beyond", "{ __typename }")).await;
    assert_eq!(client.hear().await["type"], "next", "its id is free again, and the socket still there");
    server.stop().await;
}

#[tokio::test]
async fn who_says_nothing_keeps_out_nobody_but_others_who_have_said_nothing() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut first = server.ready().await;
    let mut silent = Vec::new();
    for _ in 0..SOCKETS_ARRIVING_MAX {
        silent.push(server.connect().await);
    }
    match server.try_connect(|_| ()).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("there is room for another: {:?}", other.map(|_| ())),
    }
    let followed = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .body(Body::from(json!({ "query": QUIET }).to_string()))
        .expect("a request");
    assert_eq!(world.respond(followed).await.status(), 200, "an event stream has its place");
    answered(&mut first).await;
    // One of them says who it is: there is room for another.
    let known = silent.last_mut().expect("a socket");
    known.say(json!({ "type": "connection_init" })).await;
    assert_eq!(known.hear().await["type"], "connection_ack");
    assert!(server.try_connect(|_| ()).await.is_ok());
    drop(silent);
    server.stop().await;
}
