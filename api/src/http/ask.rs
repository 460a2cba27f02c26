//! The one way of a GraphQL request, whatever method it came by: stage by stage, each of which may refuse it.

use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::answer::{self, Refusal};
use super::idempotency::{self, MalformedKey};
use super::negotiate::Media;
use super::sse::{self, Taste};
use crate::admission::overloaded;
use crate::api::Api;
use crate::caller::Asking;
use crate::graphql::execute::{Allowed, Parameters, Stage, execute};
use crate::graphql::subscription::is_mutation;

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
        Err(unknown) => return answer::graphql(&unknown, media),
    };
    // What only writes by POST is refused below, with its status.
    let may_stream = allowed == Allowed::Everything || !is_mutation(&parameters);
    if may_stream && taste.takes(&parameters) {
        return sse::respond(api, entered.asking, parameters);
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
