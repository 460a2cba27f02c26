//! The same as `text/event-stream`.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, Response, StatusCode};
use futures::StreamExt;
use serde_json::{Value, json};

use super::client::{AT_LAST, Server};
use crate::world::{World, text};

const PROGRESS: &str = "subscription($id: ID!, $after: Position) { \
     bookingProgress(id: $id, after: $after) { position sagaStatus summary } }";

/// Events of a body, as they come in.
struct Events {
    body: BodyDataStream,
    buffer: String,
}

impl Events {
    /// Name and data of the next event; none at the end of the body. Comments are passed over.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.buffer = rest;
                if event.starts_with(':') {
                    continue;
                }
                let field = |name: &str| {
                    event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_start().to_owned())
                };
                return Some((field("event:").expect("a name"), field("data:").expect("data")));
            }
            let chunk = tokio::time::timeout(AT_LAST, self.body.next()).await.expect("something in time")?;
            self.buffer.push_str(std::str::from_utf8(&chunk.expect("a whole body")).expect("text"));
        }
    }

    async fn data(&mut self) -> Value {
        let (name, data) = self.next().await.expect("an event");
        assert_eq!(name, "next", "{data}");
        serde_json::from_str(&data).expect("json")
    }
}

fn request(query: &str, variables: &Value) -> Request<Body> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    Request::post("/graphql")
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .body(Body::from(body))
        .expect("a request")
}

fn events(response: Response<Body>) -> Events {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    Events { body: response.into_body().into_data_stream(), buffer: String::new() }
}

#[tokio::test]
async fn a_trip_is_followed_as_events_and_a_lost_stream_goes_on_where_it_ended() {
    let world = World::begin().await;
    let booked = world.book(world.trip(json!({ "wait": "FINISHED" }))).await;
    let id = text(&booked["booking"]["id"]);
    let lines: Vec<String> = booked["booking"]["timeline"]
        .as_array()
        .expect("a timeline")
        .iter()
        .map(|line| text(&line["summary"]))
        .collect();
    let mut first = events(world.respond(request(PROGRESS, &json!({ "id": id }))).await);
    let mut told = Vec::new();
    let mut last = String::new();
    for _ in 0..3 {
        let item = first.data().await["data"]["bookingProgress"].take();
        told.push(text(&item["summary"]));
        last = text(&item["position"]);
    }
    drop(first);
    let mut second = events(world.respond(request(PROGRESS, &json!({ "id": id, "after": last }))).await);
    while told.len() < lines.len() {
        told.push(text(&second.data().await["data"]["bookingProgress"]["summary"]));
    }
    assert_eq!(told, lines);
    drop(second);
    let gone = async {
        while world.metric("traveladvisor_streams_open").await != "0" || world.watchers() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(AT_LAST, gone).await.expect("nothing is left of them");
}

#[tokio::test]
async fn one_answer_comes_as_one_event_and_what_is_wrong_is_told_in_one() {
    let world = World::begin().await;
    for (query, path, expected) in [
        ("{ __typename }", "/data/__typename", "Query"),
        ("{ nothing }", "/errors/0/extensions/code", "INVALID_INPUT"),
        ("subscription { bookingProgress(id: \"nothing\") { summary } }", "/errors/0/extensions/code", "NOT_FOUND"),
    ] {
        let mut events = events(world.respond(request(query, &json!({}))).await);
        let answer = events.data().await;
        assert_eq!(answer.pointer(path), Some(&json!(expected)), "{query}: {answer}");
        assert_eq!(events.next().await, Some(("complete".to_owned(), String::new())));
        assert_eq!(events.next().await, None);
    }
}

#[tokio::test]
async fn streams_are_for_who_accepts_them_and_a_get_still_writes_nothing() {
    let world = World::begin().await;
    let get = |query: &str, accept: &str| {
        let request = Request::get(format!("/graphql?query={query}")).header("accept", accept);
        request.body(Body::empty()).expect("a request")
    };
    let quiet = "subscription%7Bbookings(travellerEmail:%22a%22)%7Bid%7D%7D";
    let all = "application/graphql-response+json, application/json, text/event-stream";
    let response = world.respond(get(quiet, all)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let response = world.respond(get("%7B__typename%7D", all)).await;
    assert!(
        response.headers()["content-type"].to_str().expect("text").starts_with("application/graphql-response+json")
    );
    let response = world.respond(get("mutation%7Ba%7D", "text/event-stream")).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    let response = world.respond(get(quiet, "application/graphql-response+json")).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn when_the_server_stops_an_event_stream_ends_without_complete() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let mut stream = tokio::net::TcpStream::connect(server.address).await.expect("a connection");
    let body = json!({ "query": "subscription { bookings(travellerEmail: \"a\") { id } }" }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n\
         content-length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    let mut answer = vec![0; 1024];
    let read = stream.read(&mut answer).await.expect("the head");
    assert!(answer[..read].starts_with(b"HTTP/1.1 200 "));
    let mut rest = String::new();
    let (ended, ()) = tokio::join!(tokio::time::timeout(AT_LAST, stream.read_to_string(&mut rest)), server.stop());
    ended.expect("in time").expect("read");
    assert!(!rest.contains("complete"), "{rest}");
}

#[tokio::test]
async fn who_does_not_read_an_event_stream_is_cut_and_nothing_piles_up_for_it() {
    use tokio::io::AsyncWriteExt;

    let world = World::begin().await;
    let server = Server::start(world.api.clone()).await;
    let booked = world.book(world.trip(json!({ "wait": "FINISHED" }))).await;
    let id = text(&booked["booking"]["id"]);
    // More than all buffers on the way together can hold.
    world
        .run(
            "INSERT INTO booking_timeline SELECT id, 1000000 + n, now(), 'trip_saga', 'StepRetried', \
             repeat('x', 50000), 'PENDING', 'PROCESSING', NULL FROM generate_series(1, 1500) n, bookings",
        )
        .await;
    let mut stream = tokio::net::TcpStream::connect(server.address).await.expect("a connection");
    let body = json!({ "query": PROGRESS, "variables": { "id": id } }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n\
         content-length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    let changed = async |is_open: bool| {
        while (world.watchers() > 0) != is_open {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(AT_LAST, changed(true)).await.expect("it is followed");
    tokio::time::timeout(AT_LAST, changed(false)).await.expect("it is cut at last");
    assert_eq!(world.metric("traveladvisor_streams_open").await, "0");
    drop(stream);
    server.stop().await;
}
