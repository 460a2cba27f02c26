//! `text/event-stream`: an operation whose answers come as events, for clients behind proxies that let no WebSocket pass (GraphQL over SSE,
//! distinct connections mode).
//!
//! Each answer is an event `next`, the end is an event `complete`. What is wrong with the operation comes in the same way, for by then the
//! status was sent. Who loses the connection subscribes again and says with `after` what it got last. The answers are made as the body is
//! read, so that nothing is made for who does not read; a connection that takes nothing is cut ([`crate::limits::STREAM_WRITE_TIMEOUT`]).

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, Span};

use super::accept::Accept;
use super::ask::follow_known;
use super::negotiate::{GRAPHQL_RESPONSE, JSON, Media};
use super::streams::{CallerPlace, StreamPlace, full, full_of_caller, until};
use crate::api::Api;
use crate::caller::{Asking, RequestId};
use crate::graphql::execute::{Answer, Parameters, Stage};
use crate::graphql::persisted::Candidate;
use crate::graphql::subscription::is_subscription;
use crate::graphql::types::ErrorCode;
use crate::limits::KEEP_ALIVE_EVERY;

/// The media type.
const EVENT_STREAM: &str = "text/event-stream";
/// What is said when there is nothing to say.
const KEEP_ALIVE: &[u8] = b":\n\n";
const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";
/// Asks proxies of the nginx kind not to gather events.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How a caller likes event streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taste {
    /// Better than a single answer.
    Wanted,
    /// Where a single answer will not do.
    Accepted,
    /// Not at all.
    Refused,
}

impl Taste {
    /// What `Accept` says. Many clients name all that they can read, so a stream is only for what needs one unless it is liked best.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accept = Accept::of(headers);
        if accept.best(&[EVENT_STREAM]).is_none() {
            return Self::Refused;
        }
        match accept.best(&[JSON, GRAPHQL_RESPONSE, EVENT_STREAM]) {
            Some(2) => Self::Wanted,
            _ => Self::Accepted,
        }
    }

    /// Whether an operation is answered as a stream.
    pub(super) fn takes(self, parameters: &Parameters) -> bool {
        match self {
            Self::Wanted => true,
            Self::Accepted => is_subscription(parameters),
            Self::Refused => false,
        }
    }
}

/// Answers an operation as a stream.
pub(super) fn respond(api: &Api, asking: Asking, operation: (Parameters, Option<Candidate>)) -> Response {
    let Some(place) = api.streams.enter() else { return full().respond(Media::Json) };
    let Some(counted) = api.streams.enter_as(asking.caller.owner()) else {
        return full_of_caller().respond(Media::Json);
    };
    let (expires_at, request_id) = (until(&asking.caller), asking.request_id.clone());
    let answers = follow_known(api, operation, asking);
    let events = Events { answers, place, _counted: counted, expires_at, request_id };
    // The body is read when the request is over, so it takes the request's name in the log along.
    let span = Span::current();
    let events = stream::unfold(Some(events), move |events| next(events).instrument(span.clone()));
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

struct Events {
    answers: BoxStream<'static, Answer>,
    place: StreamPlace,
    _counted: CallerPlace,
    expires_at: Option<Instant>,
    request_id: RequestId,
}

type Written = (Result<Bytes, Infallible>, Option<Events>);

/// The next piece of the body. When the server stops it ends without `complete`, so that the client comes back.
async fn next(events: Option<Events>) -> Option<Written> {
    let mut events = events?;
    let expired = async {
        match events.expires_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = events.place.closing() => None,
        () = expired => {
            let message = "The token has expired: subscribe again with a new one.";
            let mut answer = Answer::of(Stage::Rejected, ErrorCode::Unauthenticated, message);
            answer.bear_of(&events.request_id);
            let last = [event(&answer).as_slice(), COMPLETE].concat();
            Some((Ok(last.into()), None))
        }
        answer = events.answers.next() => Some(match answer {
            Some(answer) => (Ok(event(&answer).into()), Some(events)),
            None => (Ok(Bytes::from_static(COMPLETE)), None),
        }),
        () = tokio::time::sleep(KEEP_ALIVE_EVERY) => Some((Ok(Bytes::from_static(KEEP_ALIVE)), Some(events))),
    }
}

/// JSON as we write it has no line breaks.
fn event(answer: &Answer) -> Vec<u8> {
    let mut text = b"event: next\ndata: ".to_vec();
    text.extend(serde_json::to_vec(answer).unwrap_or_default());
    text.extend(b"\n\n");
    text
}

#[cfg(test)]
mod tests;
