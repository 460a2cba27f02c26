//! The header `Authorization: Bearer <token>` (RFC 6750, 2.1). A token in the query or the body is not looked for: addresses get logged.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::unknown::Unknown;

/// The scheme, in whatever case.
const SCHEME: &str = "bearer";

/// The token that is shown, if any is.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<&str>, Unknown> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    // Two tokens may be of two callers, and whoever is in front of us may have looked at the other one.
    if values.next().is_some() {
        return Err(Unknown::NotBearer);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Unknown::NotBearer)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(Unknown::NotBearer);
    }
    let token = token.trim_start_matches(' ');
    if is_token(token) { Ok(Some(token)) } else { Err(Unknown::NotBearer) }
}

/// The alphabet of tokens: no white space, no comma, no second word.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    !body.is_empty() && body.bytes().all(is_allowed)
}
