//! What `WWW-Authenticate` says with a refusal (RFC 6750, 3).

use axum::http::HeaderValue;

/// The name of what is protected (RFC 9110, 11.5).
const REALM: &str = "traveladvisor";

/// To a request without a token, which is not told of an error (RFC 6750, 3.1).
pub(super) fn sign_in() -> Option<HeaderValue> {
    value(&format!("Bearer realm=\"{REALM}\""))
}

/// To a token that is not taken.
pub(super) fn invalid_token(told: &str) -> Option<HeaderValue> {
    value(&format!("Bearer realm=\"{REALM}\", error=\"invalid_token\", error_description=\"{told}\""))
}

/// To a token that may not do what it is shown for: one of these scopes would do. Nothing when no scope would.
pub(crate) fn insufficient_scope(scopes: &[&str]) -> Option<HeaderValue> {
    if scopes.is_empty() {
        return None;
    }
    value(&format!("Bearer realm=\"{REALM}\", error=\"insufficient_scope\", scope=\"{}\"", scopes.join(" ")))
}

fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}
