//! Every request has an id: its sender's `X-Request-Id` if that is one such as machines make, else a new one. The answer bears it as a
//! header and in its errors, log lines bear it in the span around them, and the events that it has caused in their metadata.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::api::Api;
use crate::caller::Trace;
use crate::graphql::holds_card_number;

/// The header, in requests and in answers.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Hexadecimal digits of an id that has nothing else: from a W3C span's to a SHA-256.
const HEX_DIGITS: RangeInclusive<usize> = 16..=64;
/// Letters and digits of a ULID. It begins with 0 to 7: the time in it has 48 bits.
const ULID_DIGITS: usize = 26;
/// Groups of hexadecimal digits, by their lengths: a UUID's, and those of the trace ids of AWS load balancers.
const GROUPED: [&[usize]; 2] = [&[8, 4, 4, 4, 12], &[1, 8, 24]];
/// What AWS load balancers write before a trace id.
const ROOT: &str = "Root=";

tokio::task_local! {
    static PRESENT: Arc<str>;
}

/// The id of the request that is being answered by this task; none outside of one.
pub(crate) fn present() -> Option<Arc<str>> {
    PRESENT.try_with(Arc::clone).ok()
}

/// The id that stands in the headers of a request once it has passed [`name`].
pub(crate) fn of(headers: &HeaderMap) -> Option<Arc<str>> {
    let mut values = headers.get_all(X_REQUEST_ID).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().filter(|text| is_id(text)).map(Arc::from),
        _ => None,
    }
}

/// Names every request and its answer.
pub(super) async fn name(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let id = of(request.headers()).unwrap_or_else(|| api.ids.uuid_v7(api.clock.now()).to_string().into());
    // An id is made of visible ASCII, and so it is a header's value.
    let header = HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static(""));
    request.headers_mut().insert(X_REQUEST_ID, header.clone());
    let trace = Trace::of(request.headers());
    // As an error's span it stands in every line, whatever is let through.
    let span = tracing::error_span!("request", id = &*id, traceparent = trace.0.as_deref());
    let mut response = PRESENT.scope(id, next.run(request)).instrument(span).await;
    response.headers_mut().insert(X_REQUEST_ID, header);
    response
}

/// Whether a text is an id that a machine made, by its shape. It is written into the log for ever, and what people write may be a name, an
/// account or a telephone number; so whatever else is sent, the request gets a new id.
fn is_id(text: &str) -> bool {
    is_ulid(text) || (is_hexadecimal(text.strip_prefix(ROOT).unwrap_or(text)) && !holds_card_number(text))
}

/// Digits alone could be somebody's number, letters alone somebody's name.
fn is_hexadecimal(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let has_shape = matches!(groups[..], [all] if HEX_DIGITS.contains(&all)) || GROUPED.contains(&&groups[..]);
    let digits = || text.bytes().filter(|byte| *byte != b'-');
    let is_mixed = digits().any(|byte| byte.is_ascii_digit()) && digits().any(|byte| byte.is_ascii_alphabetic());
    has_shape && is_mixed && digits().all(|byte| byte.is_ascii_hexdigit())
}

fn is_ulid(text: &str) -> bool {
    // Crockford's alphabet has no I, L, O and U.
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() && !b"ILOU".contains(&byte.to_ascii_uppercase());
    text.len() == ULID_DIGITS
        && text.as_bytes().first().is_some_and(|first| (b'0'..=b'7').contains(first))
        && text.bytes().all(is_digit)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_such_as_machines_make_and_says_nothing_about_a_person() {
        for text in [
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "0F8FAD5B-D9CB-469F-A165-70867728950E",
            "0f8fad5bd9cb469fa16570867728950e",
            "4bf92f3577b34da6",
            "01JDX3Z7Q4M8R2T6V9W0Y1A5BC",
            "01jdx3z7q4m8r2t6v9w0y1a5bc",
            "Root=1-67891233-abcdef012345678912345678",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert!(is_id(text), "{text:?}");
        }
        for text in [
            "",
            "a",
            "ada.lovelace",
            "Ada-Lovelace",
            "ada@example.com",
            "+447911123456",
            "447911123456",
            "00447911123456000",
            "110101199003078877",
            "GB29NWBK60161331926819",
            "1815-12-10",
            "order-7/2024.12.01",
            "4242424242424242",
            "4242424242424242a",
            "feedfacedeadbeef",
            "01234567890123456789012345",
            "81JDX3Z7Q4M8R2T6V9W0Y1A5BC",
            "7AdaLovelaceLondon18151210",
            "0f8fad5b-d9cb-469f-a165-70867728950",
            "0f8fad5b-d9cb-469f-a165-70867728950g",
            "a b",
            "é",
            &"0a".repeat(33),
        ] {
            assert!(!is_id(text), "{text:?}");
        }
    }

    #[test]
    fn two_ids_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(X_REQUEST_ID, HeaderValue::from_static("4bf92f3577b34da6"));
        assert_eq!(of(&headers).as_deref(), Some("4bf92f3577b34da6"));
        headers.append(X_REQUEST_ID, HeaderValue::from_static("00f067aa0ba902b7"));
        assert_eq!(of(&headers), None);
    }
}
