//! The caller's W3C trace context.

use axum::http::HeaderMap;
use traveladvisor_domain::bus::is_traceparent;

/// Header of the W3C trace context.
const TRACEPARENT: &str = "traceparent";
/// The caller's W3C trace context, if it sent a valid one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Trace(pub(crate) Option<String>);

impl Trace {
    /// The trace context of a request. One that is malformed, or sent twice, is ignored as the standard asks.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Self(None);
        };
        Self(value.to_str().ok().filter(|text| is_traceparent(text)).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_traces_are_none() {
        let mut headers = HeaderMap::new();
        let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.append(TRACEPARENT, value.parse().expect("a value"));
        assert_eq!(Trace::of(&headers).0.as_deref(), Some(value));
        headers.append(TRACEPARENT, value.parse().expect("a value"));
        assert_eq!(Trace::of(&headers).0, None);
    }
}
