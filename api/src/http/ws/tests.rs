//! What a socket does as time goes by, and where there is no room. Time here is the tests' own.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::StatusCode;
use futures::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::PROTOCOL;
use crate::admission::{Allowance, Places};
use crate::api::Api;
use crate::caller::Caller;
use crate::http::patient::Patient;
use crate::http::router;
use crate::limits::{KEEP_ALIVE_EVERY, SOCKET_INIT_TIMEOUT, SOCKET_SILENCE_MAX, STREAMS_MAX, STREAMS_PER_CALLER_MAX};

/// Bytes that are on their way at once.
const WIRE_BYTES: usize = 64 * 1024;
const REQUEST_ID: &str = "01JDX3Z7Q4M8R2T6V9W0Y1A5BC";

type Socket = WebSocketStream<DuplexStream>;

async fn connect(api: &Api) -> Result<Socket, Error> {
    let (ours, theirs) = tokio::io::duplex(WIRE_BYTES);
    let service = TowerToHyperService::new(router(api.clone()));
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(Patient::new(ours)), service).with_upgrades());
    let mut request = "ws://127.0.0.1/graphql".into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", PROTOCOL.parse().expect("a value"));
    request.headers_mut().insert("x-request-id", REQUEST_ID.parse().expect("a value"));
    client_async(request, theirs).await.map(|(socket, _)| socket)
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.expect("it reads");
}

/// The next message; pings are answered on the way.
async fn hear(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("json"),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("no message: {other:?}"),
        }
    }
}

async fn ready(api: &Api) -> Socket {
    let mut socket = connect(api).await.expect("a socket");
    say(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(hear(&mut socket).await, json!({ "type": "connection_ack" }));
    socket
}

async fn answer(socket: &mut Socket, query: &str) -> Value {
    say(socket, json!({ "type": "subscribe", "id": "a", "payload": { "query": query } })).await;
    hear(socket).await
}

/// Code and request's id of an `error`.
fn error(answer: &Value) -> (&str, &str) {
    assert_eq!((&answer["type"], &answer["id"]), (&json!("error"), &json!("a")), "{answer}");
    let extensions = &answer["payload"][0]["extensions"];
    let text = |name: &str| extensions[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}"));
    (text("code"), text("requestId"))
}

#[tokio::test(start_paused = true)]
async fn who_is_quiet_is_asked_whether_it_is_there_and_kept_as_long_as_it_answers() {
    let mut socket = ready(&Api::alone(Ok(()))).await;
    let began = Instant::now();
    let mut asked = 0;
    while began.elapsed() < SOCKET_SILENCE_MAX * 3 {
        match socket.next().await {
            Some(Ok(Message::Ping(_))) => asked += 1,
            other => panic!("no ping: {other:?}"),
        }
    }
    assert!(asked >= SOCKET_SILENCE_MAX.as_secs() * 3 / KEEP_ALIVE_EVERY.as_secs(), "{asked}");
    assert_eq!(answer(&mut socket, "{ __typename }").await["type"], "next");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_heard_any_more_is_cut_and_its_places_are_free() {
    let api = Api::alone(Ok(()));
    let socket = ready(&api).await;
    sleep(SOCKET_SILENCE_MAX * 3 / 4).await;
    assert_eq!(api.streams.open(), 1, "not before its time");
    sleep(KEEP_ALIVE_EVERY * 2).await;
    assert_eq!(api.streams.open(), 0);
    drop(socket);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_at_first_is_let_go_and_no_longer_than_that_waited_for() {
    let mut socket = connect(&Api::alone(Ok(()))).await.expect("a socket");
    let began = Instant::now();
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("not closed") };
    assert_eq!(u16::from(frame.code), 4408);
    assert!(began.elapsed() < SOCKET_INIT_TIMEOUT + Duration::from_secs(1));
}

#[tokio::test]
async fn when_there_are_too_many_streams_another_is_refused_until_one_ends() {
    let api = Api::alone(Ok(()));
    let mut held: Vec<_> = (0..STREAMS_MAX).map(|_| api.streams.enter().expect("room")).collect();
    match connect(&api).await {
        Err(Error::Http(response)) => {
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            let body: Value = serde_json::from_slice(response.body().as_deref().expect("a body")).expect("json");
            let extensions = &body["errors"][0]["extensions"];
            assert_eq!((&extensions["code"], &extensions["requestId"]), (&json!("OVERLOADED"), &json!(REQUEST_ID)));
        }
        other => panic!("let in: {other:?}"),
    }
    held.pop();
    ready(&api).await;
}

#[tokio::test]
async fn a_caller_with_too_many_sockets_is_told_to_come_back() {
    let api = Api::alone(Ok(()));
    let owner = Caller::development();
    let count = |_| api.streams.enter_as(owner.owner()).expect("room");
    let mut held: Vec<_> = (0..STREAMS_PER_CALLER_MAX).map(count).collect();
    let mut socket = connect(&api).await.expect("a socket");
    say(&mut socket, json!({ "type": "connection_init" })).await;
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("not closed") };
    assert_eq!((u16::from(frame.code), frame.reason.contains("too many")), (1013, true), "{frame}");
    held.pop();
    let socket = ready(&api).await;
    assert!(api.streams.enter_as(owner.owner()).is_none(), "the socket counts");
    drop(socket);
}

#[tokio::test]
async fn an_operation_that_finds_no_place_is_refused_by_itself_and_the_socket_goes_on() {
    let mut api = Api::alone(Ok(()));
    api.places = Places::new(1);
    let mut socket = ready(&api).await;
    let taken = api.places.enter().expect("a place");
    for query in ["{ __typename }", "subscription { bookings(travellerEmail: \"a\") { id } }"] {
        assert_eq!(error(&answer(&mut socket, query).await), ("OVERLOADED", REQUEST_ID), "{query}");
    }
    drop(taken);
    assert_eq!(answer(&mut socket, "{ __typename }").await["type"], "next");
    assert_eq!(hear(&mut socket).await["type"], "complete");
    assert!(api.places.enter().is_some(), "the place is given back");
}

#[tokio::test]
async fn what_the_caller_cannot_pay_is_refused_by_itself_and_the_socket_goes_on() {
    let allowance = Allowance { cost_per_minute: NonZeroU32::new(60), shared: None };
    let mut socket = ready(&Api::alone_with(Ok(()), allowance)).await;
    let dear = "subscription { bookings(travellerEmail: \"a\") { id } }";
    // There is nothing behind this edge: what is paid for fails for that.
    assert_eq!(error(&answer(&mut socket, dear).await).0, "INTERNAL");
    assert_eq!(error(&answer(&mut socket, dear).await), ("RATE_LIMITED", REQUEST_ID));
    assert_eq!(answer(&mut socket, "{ __typename }").await["type"], "next");
}

#[tokio::test]
async fn whatever_is_wrong_with_an_operation_bears_the_id_of_the_request_that_opened_the_socket() {
    let mut socket = ready(&Api::alone(Ok(()))).await;
    let deep = format!("{{ {} a {} }}", "a { ".repeat(45), "}".repeat(45));
    for (query, code) in [
        ("{ nothing }", "INVALID_INPUT"),
        ("subscription {", "INVALID_INPUT"),
        ("subscription { nothing }", "INVALID_INPUT"),
        ("subscription { __typename }", "INVALID_INPUT"),
        (&deep, "QUERY_TOO_COMPLEX"),
    ] {
        assert_eq!(error(&answer(&mut socket, query).await), (code, REQUEST_ID), "{query}");
    }
}

#[tokio::test]
async fn a_persisted_query_serves_on_a_socket_as_it_does_over_http() {
    let mut socket = ready(&Api::alone(Ok(()))).await;
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let by_hash = json!({ "type": "subscribe", "id": "a", "payload": { "extensions": extensions } });
    say(&mut socket, by_hash.clone()).await;
    assert_eq!(error(&hear(&mut socket).await), ("PERSISTED_QUERY_NOT_FOUND", REQUEST_ID));
    let mut whole = by_hash.clone();
    whole["payload"]["query"] = "{__typename}".into();
    for message in [whole, by_hash] {
        say(&mut socket, message).await;
        assert_eq!(hear(&mut socket).await["payload"]["data"]["__typename"], "Query");
        assert_eq!(hear(&mut socket).await["type"], "complete");
    }
}
