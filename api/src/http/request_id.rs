//! Every request has an id: its sender's `X-Request-Id` if that is one, else a new one. The answer bears it as a header and in its errors,
//! log lines as the span around them, and the events that it has caused in their metadata.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::api::Api;
use crate::caller::Trace;
use crate::graphql::holds_card_number;
use crate::limits::REQUEST_ID_BYTES_MAX;

/// The header, in requests and in answers.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What an id may have beside letters and digits: no `@`, so that it is nobody's address.
const MARKS: &[u8] = b"-._~:/+=";

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

/// 1 to [`REQUEST_ID_BYTES_MAX`] letters, digits and a few marks, among them no card number: it is written into the log for ever.
fn is_id(text: &str) -> bool {
    let is_mark = |byte: u8| byte.is_ascii_alphanumeric() || MARKS.contains(&byte);
    (1..=REQUEST_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_mark) && !holds_card_number(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_says_nothing_about_a_person() {
        for text in
            ["a", "0f8fad5b-d9cb-469f-a165-70867728950e", "Root=1-67891233-abcdef012345678912345678", &"a".repeat(128)]
        {
            assert!(is_id(text), "{text:?}");
        }
        for text in ["", "a b", "ada@example.com", "a\"b", "é", "a;b", "4242424242424242", &"a".repeat(129)] {
            assert!(!is_id(text), "{text:?}");
        }
    }

    #[test]
    fn two_ids_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(X_REQUEST_ID, HeaderValue::from_static("a"));
        assert_eq!(of(&headers).as_deref(), Some("a"));
        headers.append(X_REQUEST_ID, HeaderValue::from_static("b"));
        assert_eq!(of(&headers), None);
    }
}
