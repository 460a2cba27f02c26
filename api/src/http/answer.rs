//! Answers as HTTP: every one is JSON, also those that no GraphQL request led to.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::negotiate::Media;
use super::request_id;
use crate::graphql::execute::{Answer, Stage};
use crate::graphql::types::ErrorCode;
use crate::identity::insufficient_scope;

/// Why a request is let go no further: what one stage of its way answers.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// The status.
    pub(crate) status: StatusCode,
    /// The code, for programs.
    pub(crate) code: ErrorCode,
    /// A sentence that says what to do.
    pub(crate) message: Cow<'static, str>,
    /// Headers that the answer has beside the usual ones.
    pub(crate) headers: HeaderMap,
}

impl Refusal {
    /// A refusal without headers of its own.
    pub(crate) fn new(status: StatusCode, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), headers: HeaderMap::new() }
    }

    /// The answer.
    pub(crate) fn respond(self, media: Media) -> Response {
        let mut response = refuse(self.status, self.code, &self.message, media);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// A GraphQL answer in the media type asked for.
pub(crate) fn graphql(answer: &Answer, media: Media) -> Response {
    let mut response = json(status(answer.stage, media), media, answer);
    if response.status() == StatusCode::FORBIDDEN {
        let challenge = insufficient_scope(&answer.scopes());
        response.headers_mut().extend(challenge.map(|challenge| (WWW_AUTHENTICATE, challenge)));
    }
    if let Some(rate) = answer.rate() {
        rate.tell(response.headers_mut());
    }
    response
}

/// A request that is none: the same shape, so that every client can read it.
pub(crate) fn refuse(status: StatusCode, code: ErrorCode, message: &str, media: Media) -> Response {
    let mut answer = Answer::of(Stage::Rejected, code, message);
    if let Some(id) = request_id::present() {
        answer.bear(&id);
    }
    json(status, media, &answer)
}

/// `application/json` promises 200 to whatever GraphQL answered, which never saw what is over its rate; the newer type tells by the status.
fn status(stage: Stage, media: Media) -> StatusCode {
    match (stage, media) {
        (Stage::NotAllowed, _) => StatusCode::METHOD_NOT_ALLOWED,
        (Stage::OverRate, _) => StatusCode::TOO_MANY_REQUESTS,
        (Stage::KeyMisplaced, _) | (Stage::Rejected, Media::GraphqlResponse) => StatusCode::BAD_REQUEST,
        (Stage::Executed, _) | (_, Media::Json) => StatusCode::OK,
        (Stage::Forbidden, Media::GraphqlResponse) => StatusCode::FORBIDDEN,
        (Stage::TimedOut, Media::GraphqlResponse) => StatusCode::GATEWAY_TIMEOUT,
        (Stage::Broken, Media::GraphqlResponse) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Any value as JSON. Answers speak of persons and of the present: nobody keeps them.
pub(crate) fn json(status: StatusCode, media: Media, value: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A browser must not take an answer for a page or a script, whatever a traveller's name holds.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;

    use super::*;
    use crate::graphql::fault::server_error;

    fn refused(scopes: &[&str], media: Media) -> Response {
        let mut error = server_error(ErrorCode::Forbidden, "This takes a scope.");
        let scopes = scopes.iter().copied().map(Value::from).collect();
        error.extensions.get_or_insert_default().set("scopes", Value::List(scopes));
        graphql(&Answer::refused(Stage::Forbidden, error), media)
    }

    #[test]
    fn who_lacks_a_scope_hears_which_one_to_ask_for() {
        let both = refused(&["bookings:read", "operations"], Media::GraphqlResponse);
        assert_eq!(both.status(), StatusCode::FORBIDDEN);
        let challenge =
            "Bearer realm=\"traveladvisor\", error=\"insufficient_scope\", scope=\"bookings:read operations\"";
        assert_eq!(both.headers()[WWW_AUTHENTICATE], challenge);
        let nobody = refused(&[], Media::GraphqlResponse);
        assert_eq!(nobody.headers().get(WWW_AUTHENTICATE), None, "what no scope opens asks for none");
        let told = refused(&["operations"], Media::Json);
        assert_eq!((told.status(), told.headers().get(WWW_AUTHENTICATE)), (StatusCode::OK, None));
    }
}
