//! `/commands`: what processes of the same installation hand over to be decided here. Callers have no business at this address.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use traveladvisor_commands::deciders::{Forwarded, take};

use super::Refusal;
use super::body::{self, BodyError};
use super::gate::same_origin;
use super::negotiate::Media;
use crate::api::Api;
use crate::graphql::types::ErrorCode;
use crate::limits::BODY_READ_TIMEOUT;

const STRANGER: &str = "Processes of this installation hand over commands here: show services.token, or ask /graphql.";
const NOT_JSON: &str = "A command is JSON: send it as application/json.";
const TOO_LARGE: &str = "The command is too large.";
const NOT_WHOLE: &str = "The command did not arrive whole: send it again.";
const ELSEWHERE: &str = "Another role decides on this command: compare the settings of the services.";
const UNREADABLE: &str = "The command cannot be read: compare the versions of the processes.";

/// Whose commands are taken from other processes.
#[derive(Debug, Clone, Default)]
pub enum Handover {
    /// Nobody's: this process decides for its own callers only.
    #[default]
    Closed,
    /// Those of this machine's processes: nobody proves who he is, as in development everybody may do everything.
    ThisMachine,
    /// Those of whoever shows this token.
    Shown(SecretString),
}

/// Has a command decided here.
pub(super) async fn post(State(api): State<Api>, headers: HeaderMap, given: Body) -> Response {
    if let Some(refusal) = refuses(&api.handover, &headers) {
        body::drain(&headers, given, BODY_READ_TIMEOUT).await;
        return refusal.respond(Media::Json);
    }
    let command = match body::read(given, BODY_READ_TIMEOUT).await {
        Ok(command) => command,
        Err(BodyError::TooLarge) => {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE).respond(Media::Json);
        }
        Err(BodyError::TooSlow | BodyError::Broken) => {
            return refusal(StatusCode::BAD_REQUEST, NOT_WHOLE).respond(Media::Json);
        }
    };
    match take(&api.deciders, &command).await {
        Forwarded::Decided(reply) => {
            let mut response = Response::new(Body::from(reply));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Forwarded::Misdirected => refusal(StatusCode::MISDIRECTED_REQUEST, ELSEWHERE).respond(Media::Json),
        Forwarded::Unreadable(reason) => {
            tracing::warn!(reason, "a command of another process cannot be read");
            refusal(StatusCode::BAD_REQUEST, UNREADABLE).respond(Media::Json)
        }
    }
}

/// Why a command goes no further. JSON keeps pages out: a browser would ask first, and hears no yes.
fn refuses(handover: &Handover, headers: &HeaderMap) -> Option<Refusal> {
    let is_open = match handover {
        Handover::Closed => false,
        Handover::ThisMachine => same_origin(headers),
        Handover::Shown(token) => shows(headers, token),
    };
    if !is_open {
        let mut stranger = Refusal::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, STRANGER);
        stranger.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"traveladvisor services\""));
        return Some(stranger);
    }
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    (!is_json).then(|| refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, NOT_JSON))
}

/// Hashes are compared, so that how long it takes tells nothing of the token.
fn shows(headers: &HeaderMap, token: &SecretString) -> bool {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    shown.is_some_and(|shown| Sha256::digest(shown) == Sha256::digest(token.expose_secret()))
}

fn refusal(status: StatusCode, message: &'static str) -> Refusal {
    Refusal::new(status, ErrorCode::InvalidInput, message)
}
