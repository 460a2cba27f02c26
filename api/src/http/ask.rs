//! The one way of a GraphQL request, whatever method it came by: stage by stage, each of which may refuse it.

use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures::stream::{self, BoxStream, StreamExt};

use super::answer::{self, Refusal};
use super::idempotency::{self, MalformedKey};
use super::negotiate::Media;
use super::sse::{self, Taste};
use crate::admission::overloaded;
use crate::api::Api;
use crate::caller::Asking;
use crate::graphql::execute::{Allowed, Answer, Parameters, Stage, execute};
use crate::graphql::persisted::Candidate;
use crate::graphql::subscription::{self, is_mutation, once};

/// A request whose sender is known and for which there is room.
#[derive(Debug)]
pub(crate) struct Entered {
    asking: Asking,
    idempotency_key: Result<Option<String>, MalformedKey>,
}

/// The stages before anything of the request but its headers is read.
pub(crate) async fn enter(api: &Api, headers: &HeaderMap) -> Result<Entered, Refusal> {
    let caller = api.identity.caller(headers).await?;
    Ok(Entered { asking: Asking::new(caller, headers), idempotency_key: idempotency::key(headers) })
}

/// The stages after: the request is executed and answered, with one answer or a stream of them.
pub(crate) async fn ask(
    api: &Api,
    mut entered: Entered,
    mut parameters: Parameters,
    allowed: Allowed,
    (media, taste): (Media, Taste),
) -> Response {
    // What only reads needs no key, and a key that is sent along does not matter.
    if allowed == Allowed::Everything {
        match entered.idempotency_key {
            Ok(key) => entered.asking.idempotency_key = key,
            Err(malformed) => return Refusal::from(malformed).respond(media),
        }
    }
    let candidate = match api.persisted.resolve(&mut parameters) {
        Ok(candidate) => candidate,
        Err(mut unknown) => {
            unknown.bear_of(&entered.asking.request_id);
            return answer::graphql(&unknown, media);
        }
    };
    // What only writes by POST is refused below, with its status.
    let may_stream = allowed == Allowed::Everything || !is_mutation(&parameters);
    if may_stream && taste.takes(&parameters) {
        return sse::respond(api, entered.asking, (parameters, candidate));
    }
    let Some(_place) = api.places.enter() else { return overloaded().respond(media) };
    // Boxed: execution is large, and every frame that holds it takes from what deep nesting may need.
    let answered = Box::pin(execute(&api.schema, parameters, entered.asking, allowed)).await;
    if let Some(candidate) = candidate {
        api.persisted.keep(candidate, answered.stage);
    }
    let mut response = answer::graphql(&answered, media);
    if answered.stage == Stage::NotAllowed {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// The same stages for an operation on a socket, whose caller was asked when the socket was opened.
pub(super) fn follow(api: &Api, mut parameters: Parameters, asking: Asking) -> BoxStream<'static, Answer> {
    match api.persisted.resolve(&mut parameters) {
        Ok(candidate) => follow_known(api, (parameters, candidate), asking),
        Err(mut unknown) => {
            unknown.bear_of(&asking.request_id);
            once(*unknown)
        }
    }
}

/// An operation as a stream of answers. It has a place among those under execution until it is answered or, being a subscription, admitted:
/// whoever waits for news takes no room from others.
pub(super) fn follow_known(
    api: &Api,
    (parameters, candidate): (Parameters, Option<Candidate>),
    asking: Asking,
) -> BoxStream<'static, Answer> {
    let api = api.clone();
    let followed = async move {
        let Some(_place) = api.places.enter() else {
            let refusal = overloaded();
            let mut answer = Answer::of(Stage::Rejected, refusal.code, &refusal.message);
            answer.bear_of(&asking.request_id);
            return once(answer);
        };
        let answers = subscription::follow(&api.schema, parameters, asking).await;
        let persisted = api.persisted.clone();
        let mut candidate = candidate;
        let keep = move |answer: &Answer| {
            if let Some(candidate) = candidate.take() {
                persisted.keep(candidate, answer.stage);
            }
        };
        answers.inspect(keep).boxed()
    };
    stream::once(followed).flatten().boxed()
}
