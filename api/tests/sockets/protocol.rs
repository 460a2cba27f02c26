//! What is against the protocol, and what the server says to it.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{client_async, tungstenite};

use super::client::{AT_LAST, Client, PROTOCOL, Server};
use crate::world::World;

const QUERY: &str = "{ __typename }";
/// Nothing happens to this traveller: the operation stays under way.
const QUIET: &str = "subscription { bookings(travellerEmail: \"nobody@example.com\") { id } }";

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

/// A violation: what is said, on an acknowledged connection or before, and the code of the end.
struct Violation(&'static str, bool, Vec<Message>, u16);

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

fn violations() -> Vec<Violation> {
    let init = || text(&json!({ "type": "connection_init" }));
    let large = json!({ "type": "ping", "payload": { "a": "x".repeat(2 << 20) } });
    vec![
        Violation("subscribe before the init", false, vec![text(&subscribe("a", QUERY))], 4401),
        Violation("no JSON", true, vec![Message::text("{")], 4400),
        Violation("no JSON before the init", false, vec![Message::text("hello")], 4400),
        Violation("an empty text", true, vec![Message::text("")], 4400),
        Violation("an array", true, vec![Message::text("[]")], 4400),
        Violation("no type", true, vec![text(&json!({ "id": "a" }))], 4400),
        Violation("a type of another kind", true, vec![text(&json!({ "type": 1 }))], 4400),
        Violation("an unknown type", true, vec![text(&json!({ "type": "start", "id": "a" }))], 4400),
        Violation("a message that is the server's", true, vec![text(&json!({ "type": "connection_ack" }))], 4400),
        Violation("a second init", true, vec![init()], 4429),
        Violation("two inits at once", false, vec![init(), init()], 4429),
        Violation(
            "an init with a payload that is no object",
            false,
            vec![text(&json!({ "type": "connection_init", "payload": 1 }))],
            4400,
        ),
        Violation(
            "a token that is no text",
            false,
            vec![text(&json!({ "type": "connection_init", "payload": { "authToken": 1 } }))],
            4403,
        ),
        Violation("no id", true, vec![text(&json!({ "type": "subscribe", "payload": { "query": QUERY } }))], 4400),
        Violation("an empty id", true, vec![text(&subscribe("", QUERY))], 4400),
        Violation(
            "an id of another kind",
            true,
            vec![text(&json!({ "type": "subscribe", "id": 1, "payload": { "query": QUERY } }))],
            4400,
        ),
        Violation("an endless id", true, vec![text(&subscribe(&"x".repeat(10_000), QUERY))], 4400),
        Violation("no payload", true, vec![text(&json!({ "type": "subscribe", "id": "a" }))], 4400),
        Violation("no query", true, vec![text(&json!({ "type": "subscribe", "id": "a", "payload": {} }))], 4400),
        Violation(
            "variables that are no object",
            true,
            vec![text(&json!({ "type": "subscribe", "id": "a", "payload": { "query": QUERY, "variables": [] } }))],
            4400,
        ),
        Violation("complete without an id", true, vec![text(&json!({ "type": "complete" }))], 4400),
        Violation(
            "a ping with a payload that is no object",
            true,
            vec![text(&json!({ "type": "ping", "payload": "a" }))],
            4400,
        ),
        Violation("a binary message", true, vec![Message::binary(vec![1, 2, 3])], 4400),
        Violation("the same id twice", true, vec![text(&subscribe("a", QUIET)), text(&subscribe("a", QUERY))], 4409),
        Violation("a message beyond the bound", true, vec![text(&large)], 1009),
    ]
}

#[tokio::test]
async fn whatever_is_against_the_protocol_ends_with_its_code() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    for Violation(what, acknowledged, messages, code) in violations() {
        let mut client = if acknowledged { server.ready().await } else { server.connect().await };
        for message in messages {
            // It may have closed before all was said.
            let _ = futures::SinkExt::send(&mut client.socket, message).await;
        }
        assert_eq!(client.closed().await.0, code, "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn who_says_nothing_or_speaks_another_protocol_is_told_so() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut silent = server.connect().await;
    let other = |name: &'static str| {
        move |request: &mut tungstenite::http::Request<()>| {
            request.headers_mut().insert("sec-websocket-protocol", name.parse().expect("a value"));
        }
    };
    // The client itself refuses an answer without the protocol that it named, so it names none here.
    let mut without = server
        .connect_with(|request| {
            request.headers_mut().remove("sec-websocket-protocol");
        })
        .await;
    assert_eq!(without.closed().await.0, 4406);
    let several = server.connect_with(other("graphql-ws, graphql-transport-ws")).await;
    drop(several);
    assert_eq!(silent.closed().await, (4408, "Connection initialisation timeout".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_gets_no_socket() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let stream = TcpStream::connect(server.address).await.expect("a connection");
    let mut request = format!("ws://{}/graphql", server.address).into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", PROTOCOL.parse().expect("a value"));
    request.headers_mut().insert("origin", "https://evil.example".parse().expect("a value"));
    match client_async(request, stream).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 403),
        other => panic!("let in: {other:?}"),
    }
    server.stop().await;
}

#[tokio::test]
async fn queries_and_mutations_are_answered_as_over_http_and_what_is_rejected_is_an_error_of_its_operation() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.ready().await;
    client.say(subscribe("a", QUERY)).await;
    let answer = client.hear().await;
    assert_eq!((&answer["type"], &answer["id"]), (&json!("next"), &json!("a")));
    assert_eq!(answer["payload"]["data"], json!({ "__typename": "Query" }));
    assert_eq!(client.hear().await, json!({ "type": "complete", "id": "a" }));

    let cancel = "mutation { cancelBooking(input: { bookingId: \"nothing\" }) { errors { code } } }";
    client.say(subscribe("a", cancel)).await;
    let answer = client.hear().await;
    assert_eq!(answer["payload"]["data"]["cancelBooking"]["errors"][0]["code"], "NOT_FOUND", "{answer}");
    assert_eq!(client.hear().await["type"], "complete");

    for (query, code) in [
        ("{ nothing }", "INVALID_INPUT"),
        ("subscription {", "INVALID_INPUT"),
        (
            "subscription { a: bookings(travellerEmail: \"a\") { id } b: bookings(travellerEmail: \"b\") { id } }",
            "INVALID_INPUT",
        ),
        ("subscription { __typename }", "INVALID_INPUT"),
        ("subscription { ...f } fragment f on Subscription { ...f }", "INVALID_INPUT"),
        ("subscription { bookings(travellerEmail: \"a\") @skip(if: true) { id } }", "INVALID_INPUT"),
        ("subscription { bookingProgress(id: \"nothing\") { summary } }", "NOT_FOUND"),
        ("subscription { bookingProgress(id: \"booking_01h455vb4pex5vsknk084sn02q\") { summary } }", "NOT_FOUND"),
    ] {
        client.say(subscribe("a", query)).await;
        let answer = client.hear().await;
        assert_eq!(answer["type"], "error", "{query}: {answer}");
        assert_eq!(answer["payload"][0]["extensions"]["code"], code, "{query}: {answer}");
    }
    client.say(json!({ "type": "ping", "payload": { "still": "there" } })).await;
    assert_eq!(
        client.hear().await,
        json!({ "type": "pong", "payload": { "still": "there" } }),
        "no complete after an error"
    );
    server.stop().await;
}

#[tokio::test]
async fn what_the_client_completes_says_nothing_more_and_its_id_is_free_again() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.ready().await;
    for _ in 0..200 {
        client.say(subscribe("a", QUIET)).await;
        client.say(json!({ "type": "complete", "id": "a" })).await;
    }
    client.say(subscribe("a", QUERY)).await;
    assert_eq!(client.hear().await["type"], "next");
    assert_eq!(client.hear().await["type"], "complete");
    client.say(json!({ "type": "complete", "id": "unknown" })).await;
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.hear().await, json!({ "type": "pong" }));
    server.stop().await;
}

#[tokio::test]
async fn more_operations_than_a_socket_has_room_for_are_refused_and_the_others_go_on() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.ready().await;
    let most = traveladvisor_api::limits::SOCKET_OPERATIONS_MAX;
    for number in 0..=most {
        client.say(subscribe(&number.to_string(), QUIET)).await;
    }
    let answer = client.hear().await;
    assert_eq!((&answer["type"], &answer["id"]), (&json!("error"), &json!(most.to_string())));
    assert_eq!(answer["payload"][0]["extensions"]["code"], "OVERLOADED");
    client.say(json!({ "type": "complete", "id": "0" })).await;
    client.say(subscribe("again", QUERY)).await;
    assert_eq!(client.hear().await["type"], "next");
    server.stop().await;
}

#[tokio::test]
async fn when_the_server_stops_sockets_are_closed_as_going_away_and_streams_end() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut waiting = server.connect().await;
    let mut busy = server.ready().await;
    busy.say(subscribe("a", QUIET)).await;
    busy.say(json!({ "type": "ping" })).await;
    assert_eq!(busy.hear().await["type"], "pong");
    let closed = async |client: &mut Client| client.closed().await.0;
    let ((), first, second) = tokio::join!(server.stop(), closed(&mut waiting), closed(&mut busy));
    assert_eq!((first, second), (1001, 1001));
}

#[tokio::test]
async fn nothing_is_left_of_clients_that_vanish() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    for _ in 0..20 {
        let mut client = server.ready().await;
        client.say(subscribe("a", QUIET)).await;
        client.say(json!({ "type": "ping" })).await;
        assert_eq!(client.hear().await["type"], "pong");
        // Neither a close frame nor anything else.
        drop(client);
    }
    let gone = async {
        while world.metric("traveladvisor_streams_open").await != "0" || world.watchers() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(AT_LAST, gone).await.expect("they are let go");
    server.stop().await;
}

#[tokio::test]
async fn pings_of_the_websocket_itself_are_answered() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.connect().await;
    client.send(Message::Ping("there?".into())).await;
    let answer = tokio::time::timeout(AT_LAST, client.socket.next()).await.expect("in time");
    assert!(matches!(answer, Some(Ok(Message::Pong(echo))) if echo == "there?"));
    server.stop().await;
}
