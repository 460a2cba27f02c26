//! An operation of a socket or an event stream is found again as any request is, and what is no upgrade is answered as any request is.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request};
use futures::StreamExt;
use serde_json::json;

use super::client::{AT_LAST, Server};
use crate::request_ids::Lines;
use crate::world::World;

const ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const WRONG: [&str; 3] = [
    "subscription { bookings(travellerEmail: \"a\") { nothing } }",
    "subscription { bookingProgress(id: \"nothing\") { summary } }",
    "{ nothing }",
];
const QUIET: &str = "subscription { bookings(travellerEmail: \"nobody@example.com\") { id } }";

fn name(headers: &mut HeaderMap) {
    headers.insert("x-request-id", HeaderValue::from_static(ID));
}

#[tokio::test]
async fn errors_of_a_socket_tell_the_request_that_opened_it() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut client = server.connect_with(|request| name(request.headers_mut())).await;
    client.say(json!({ "type": "connection_init" })).await;
    assert_eq!(client.hear().await["type"], "connection_ack");
    for query in WRONG {
        client.subscribe("a", query, json!({})).await;
        let answer = client.hear().await;
        assert_eq!(answer["payload"][0]["extensions"]["requestId"], ID, "{answer}");
    }
    for number in 0..=traveladvisor_api::limits::SOCKET_OPERATIONS_MAX {
        client.subscribe(&number.to_string(), QUIET, json!({})).await;
    }
    let answer = client.hear().await;
    assert_eq!(answer["payload"][0]["extensions"]["requestId"], ID, "also one operation too many: {answer}");
    server.stop().await;
}

fn followed(query: &str) -> Request<Body> {
    let mut request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .body(Body::from(json!({ "query": query }).to_string()))
        .expect("a request");
    name(request.headers_mut());
    request
}

/// What an event stream begins with.
async fn begun(world: &World, query: &str) -> String {
    let mut body = world.respond(followed(query)).await.into_body().into_data_stream();
    let piece = tokio::time::timeout(AT_LAST, body.next()).await.expect("in time").expect("a piece").expect("no error");
    String::from_utf8(piece.to_vec()).expect("text")
}

#[tokio::test]
async fn errors_of_an_event_stream_tell_their_request() {
    let world = World::begin().await;
    for query in WRONG {
        let event = begun(&world, query).await;
        assert!(event.contains(&format!("\"requestId\":\"{ID}\"")), "{event}");
    }
}

#[tokio::test]
async fn log_lines_of_sockets_and_event_streams_tell_their_request() {
    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    world.run("ALTER TABLE hotels RENAME TO h").await;
    let query = format!("{{ hotel(id: \"{}\") {{ id }} }}", world.hotel);
    for (over_socket, counts) in [(true, false), (false, false), (true, true), (false, true)] {
        let (lines, _here) = Lines::hear();
        if over_socket {
            let mut client = server.connect_with(|request| name(request.headers_mut())).await;
            client.say(json!({ "type": "connection_init" })).await;
            client.subscribe("a", &query, json!({})).await;
            assert_eq!(client.hear().await["type"], "connection_ack");
            assert_eq!(client.hear().await["id"], "a");
        } else {
            begun(&world, &query).await;
        }
        let written = lines.text();
        let is_named = written.lines().any(|line| line.contains(ID));
        assert!(is_named || !counts, "over a socket: {over_socket}; written: {written}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_malformed_upgrade_is_answered_as_json_with_the_version_that_is_spoken() {
    let world = World::begin().await;
    for (header, value) in [("sec-websocket-version", "12"), ("connection", "keep-alive")] {
        let mut request = Request::get("/graphql")
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(Body::empty())
            .expect("a request");
        request.headers_mut().insert(header, HeaderValue::from_static(value));
        name(request.headers_mut());
        let (head, answer) = world.exchange(request).await;
        assert_eq!(head.status, 400, "{header}: {answer}");
        assert_eq!(head.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(head.headers["sec-websocket-version"], "13");
        let error = &answer["errors"][0];
        assert_eq!(
            (&error["extensions"]["code"], &error["extensions"]["requestId"]),
            (&json!("INVALID_INPUT"), &json!(ID))
        );
    }
}
