use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::header::ACCEPT;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::admission::{Allowance, Places};
use crate::caller::Caller;
use crate::http::router;
use crate::limits::{STREAMS_MAX, STREAMS_PER_CALLER_MAX};

const REQUEST_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const ANSWER_BYTES_MAX: usize = 64 * 1024;

fn taste(value: &str) -> Taste {
    Taste::of(&HeaderMap::from_iter([(ACCEPT, value.parse().expect("a value"))]))
}

#[test]
fn a_stream_is_for_who_likes_it_best_or_needs_one() {
    assert_eq!(Taste::of(&HeaderMap::new()), Taste::Refused);
    assert_eq!(taste("application/json"), Taste::Refused);
    assert_eq!(taste("*/*"), Taste::Accepted);
    assert_eq!(taste("text/event-stream"), Taste::Wanted);
    assert_eq!(taste("text/event-stream, application/json;q=0.5"), Taste::Wanted);
    assert_eq!(taste("application/graphql-response+json, application/json, text/event-stream"), Taste::Accepted);
    assert_eq!(taste("text/event-stream;q=0"), Taste::Refused);
}

/// Events of an operation of which nothing comes.
fn quiet(api: &Api, expires_at: Option<Instant>) -> Events {
    Events {
        answers: stream::pending().boxed(),
        place: api.streams.enter().expect("room"),
        _counted: api.streams.enter_as("a").expect("room"),
        expires_at,
        request_id: RequestId(Some(REQUEST_ID.into())),
    }
}

#[tokio::test(start_paused = true)]
async fn while_nothing_happens_a_comment_shows_that_the_stream_lives() {
    let api = Api::alone(Ok(()));
    let mut events = quiet(&api, None);
    for _ in 0..5 {
        let began = Instant::now();
        let (written, rest) = next(Some(events)).await.expect("it goes on");
        assert_eq!(&*written.expect("bytes"), KEEP_ALIVE);
        assert!(began.elapsed() <= KEEP_ALIVE_EVERY + Duration::from_secs(1));
        events = rest.expect("it goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_token_does_and_says_why() {
    let api = Api::alone(Ok(()));
    let expires_at = Instant::now() + KEEP_ALIVE_EVERY * 3 / 2;
    let (first, rest) = next(Some(quiet(&api, Some(expires_at)))).await.expect("it goes on");
    assert_eq!(&*first.expect("bytes"), KEEP_ALIVE);
    let (last, rest) = next(rest).await.expect("a last word");
    let text = String::from_utf8(last.expect("bytes").to_vec()).expect("text");
    assert!(Instant::now() >= expires_at, "not before its time");
    assert!(text.starts_with("event: next\ndata: ") && text.ends_with("\n\nevent: complete\ndata:\n\n"), "{text}");
    assert!(text.contains("UNAUTHENTICATED") && text.contains(REQUEST_ID), "{text}");
    assert!(rest.is_none() && next(rest).await.is_none());
    assert_eq!(api.streams.open(), 0, "its places are free");
}

async fn asked(api: &Api, query: &str) -> (StatusCode, String) {
    let request = Request::post("/graphql")
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, EVENT_STREAM)
        .header("x-request-id", REQUEST_ID)
        .body(Body::from(json!({ "query": query }).to_string()))
        .expect("a request");
    let response = router(api.clone()).oneshot(request).await.expect("an answer");
    let status = response.status();
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.expect("a body");
    (status, String::from_utf8(bytes.to_vec()).expect("text"))
}

/// Code and request's id of the one event.
fn error(text: &str) -> (String, String) {
    let data =
        text.strip_prefix("event: next\ndata: ").and_then(|rest| rest.strip_suffix("event: complete\ndata:\n\n"));
    let answer: Value = serde_json::from_str(data.unwrap_or_else(|| panic!("no event: {text}"))).expect("json");
    let extensions = &answer["errors"][0]["extensions"];
    let text = |name: &str| extensions[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned();
    (text("code"), text("requestId"))
}

const SUBSCRIBE: &str = "subscription { bookings(travellerEmail: \"a\") { id } }";

#[tokio::test]
async fn what_is_refused_is_told_as_an_event_with_the_requests_id() {
    let refused = |code: &str| (code.to_owned(), REQUEST_ID.to_owned());
    let allowance = Allowance { cost_per_minute: NonZeroU32::new(60), shared: None };
    assert_eq!(error(&asked(&Api::alone(Ok(())), "subscription { nothing }").await.1), refused("INVALID_INPUT"));
    let mut api = Api::alone_with(Ok(()), allowance);
    // There is nothing behind this edge: what is paid for fails for that.
    assert_eq!(error(&asked(&api, SUBSCRIBE).await.1), refused("INTERNAL"));
    assert_eq!(error(&asked(&api, SUBSCRIBE).await.1), refused("RATE_LIMITED"));
    api.places = Places::new(0);
    for query in [SUBSCRIBE, "{ __typename }"] {
        assert_eq!(error(&asked(&api, query).await.1), refused("OVERLOADED"), "{query}");
    }
}

#[tokio::test]
async fn where_there_are_too_many_streams_another_is_refused_by_its_status() {
    let api = Api::alone(Ok(()));
    let owner = Caller::development();
    let held: Vec<_> =
        (0..STREAMS_PER_CALLER_MAX).map(|_| api.streams.enter_as(owner.owner()).expect("room")).collect();
    let (status, text) = asked(&api, SUBSCRIBE).await;
    assert_eq!((status, text.contains("OVERLOADED")), (StatusCode::SERVICE_UNAVAILABLE, true), "{text}");
    drop(held);
    let held: Vec<_> = (0..STREAMS_MAX).map(|_| api.streams.enter().expect("room")).collect();
    let (status, text) = asked(&api, SUBSCRIBE).await;
    assert_eq!((status, text.contains("OVERLOADED")), (StatusCode::SERVICE_UNAVAILABLE, true), "{text}");
    drop(held);
    assert_eq!(asked(&api, SUBSCRIBE).await.0, StatusCode::OK);
}
