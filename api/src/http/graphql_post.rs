//! `POST /graphql`: a JSON object with `query`, `variables`, `operationName` and `extensions`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::body::{self, BodyError};
use super::negotiate::{Media, is_encoded, is_json};
use super::sse::Taste;
use super::{answer, ask, values};
use crate::api::Api;
use crate::graphql::execute::{Allowed, Parameters};
use crate::graphql::persisted::{self, PersistedQuery};
use crate::graphql::types::ErrorCode;
use crate::limits::BODY_READ_TIMEOUT;

/// Why a request is no GraphQL request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRequest {
    #[error("No media type that we have is accepted: accept application/json or application/graphql-response+json.")]
    NotAcceptable,
    #[error("Only application/json in UTF-8 is read: set Content-Type.")]
    NotJson,
    #[error("Packed bodies are not read: send it without Content-Encoding.")]
    Encoded,
    #[error("The body has more than 1 MiB: send less.")]
    TooLarge,
    #[error("The body took too long to arrive: send it again.")]
    TooSlow,
    #[error("The body broke off: send it again.")]
    BrokenOff,
    #[error("The body holds too many values, or too many within each other: send less at once.")]
    TooManyValues,
    #[error("The body is not valid JSON: check its syntax.")]
    Malformed,
    #[error("The body must be one JSON object with a `query`: batches are not taken.")]
    NoObject,
    #[error("`query` is missing: give the GraphQL document as a text.")]
    NoQuery,
    #[error("`{0}` has the wrong type: `variables` and `extensions` are objects, `operationName` is a text.")]
    WrongType(&'static str),
    #[error(transparent)]
    NotPersisted(#[from] persisted::Malformed),
}

impl BadRequest {
    const fn status(self) -> StatusCode {
        match self {
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::NotJson | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<BodyError> for BadRequest {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::TooSlow => Self::TooSlow,
            BodyError::Broken => Self::BrokenOff,
        }
    }
}

/// Answers a POST.
pub(super) async fn post(State(api): State<Api>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let taste = Taste::of(&head.headers);
    let media = Media::accepted_beside(&head.headers, taste);
    // What is refused by its headers alone is still taken off the line: who is sending it hears nothing before.
    if let Some(error) = unreadable(&head.headers) {
        body::drain(&head.headers, body, BODY_READ_TIMEOUT).await;
        return refuse(error, media.unwrap_or(Media::Json));
    }
    let entered = match ask::enter(&api, &head.headers).await {
        Ok(entered) => entered,
        Err(refusal) => {
            body::drain(&head.headers, body, BODY_READ_TIMEOUT).await;
            return refusal.respond(media.unwrap_or(Media::Json));
        }
    };
    let read = async {
        let bytes = body::read(body, BODY_READ_TIMEOUT).await?;
        let media = media.ok_or(BadRequest::NotAcceptable)?;
        Ok((media, parameters(&bytes)?))
    };
    match read.await {
        Ok((media, parameters)) => ask::ask(&api, entered, parameters, Allowed::Everything, (media, taste)).await,
        Err(error) => refuse(error, media.unwrap_or(Media::Json)),
    }
}

/// Why the body cannot be read, by what is said of it. This is also what keeps other origins' pages from writing: a browser sends only
/// forms and plain text without asking first.
fn unreadable(headers: &HeaderMap) -> Option<BadRequest> {
    if !is_json(headers) {
        return Some(BadRequest::NotJson);
    }
    is_encoded(headers).then_some(BadRequest::Encoded)
}

fn refuse(error: BadRequest, media: Media) -> Response {
    answer::refuse(error.status(), ErrorCode::InvalidInput, &error.to_string(), media)
}

fn parameters(bytes: &[u8]) -> Result<Parameters, BadRequest> {
    values::bounded(bytes).map_err(|_| BadRequest::TooManyValues)?;
    members(serde_json::from_slice(bytes).map_err(|_| BadRequest::Malformed)?)
}

/// The parameters that stand in a JSON value, however it came.
pub(super) fn members(body: Value) -> Result<Parameters, BadRequest> {
    let Value::Object(mut members) = body else {
        return Err(BadRequest::NoObject);
    };
    let query = match members.remove("query") {
        Some(Value::String(query)) => Some(query),
        Some(Value::Null) | None => None,
        Some(_) => return Err(BadRequest::NoQuery),
    };
    let operation_name = match members.remove("operationName") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) | None => None,
        Some(_) => return Err(BadRequest::WrongType("operationName")),
    };
    let mut object = |name| match members.remove(name) {
        value @ Some(Value::Object(_)) => Ok(value.unwrap_or_default()),
        Some(Value::Null) | None => Ok(Value::Null),
        Some(_) => Err(BadRequest::WrongType(name)),
    };
    let variables = object("variables")?;
    let persisted = PersistedQuery::of(&object("extensions")?)?;
    let query = query.or_else(|| persisted.map(|_| String::new())).ok_or(BadRequest::NoQuery)?;
    Ok(Parameters { query, operation_name, variables, persisted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> BadRequest {
        parameters(body.as_bytes()).expect_err("no request")
    }

    #[test]
    fn a_request_is_one_object_with_a_query() {
        let read =
            parameters(br#"{"query": "{ __typename }", "variables": {"a": 1}, "operationName": null, "more": 1}"#);
        assert_eq!(read.expect("a request").variables, serde_json::json!({"a": 1}));
        assert_eq!(error("{"), BadRequest::Malformed);
        assert_eq!(error(""), BadRequest::Malformed);
        assert_eq!(error(r#"[{"query": "{ __typename }"}]"#), BadRequest::NoObject);
        assert_eq!(error("{}"), BadRequest::NoQuery);
        assert_eq!(error(r#"{"query": 1}"#), BadRequest::NoQuery);
        assert_eq!(error(r#"{"query": "", "variables": []}"#), BadRequest::WrongType("variables"));
        assert_eq!(error(r#"{"query": "", "operationName": 1}"#), BadRequest::WrongType("operationName"));
        assert_eq!(error(r#"{"query": "", "extensions": "a"}"#), BadRequest::WrongType("extensions"));
    }
}
