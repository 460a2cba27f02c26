//! The caller's W3C trace context.

use axum::http::HeaderMap;

/// Header of the W3C trace context.
const TRACEPARENT: &str = "traceparent";
/// Lengths of the four parts of a traceparent: version, trace, parent, flags (W3C Trace Context, level 1).
const TRACEPARENT_PARTS: [usize; 4] = [2, 32, 16, 2];
/// The version that is forbidden.
const VERSION_FORBIDDEN: &str = "ff";

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

fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hexadecimal = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    parts.len() == TRACEPARENT_PARTS.len()
        && parts.iter().zip(TRACEPARENT_PARTS).all(|(part, length)| part.len() == length && hexadecimal(part))
        && parts[0] != VERSION_FORBIDDEN
        && !zero(parts[1])
        && !zero(parts[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_trace_is_taken_over() {
        assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "4242424242424242",
        ] {
            assert!(!is_traceparent(text), "{text:?}");
        }
    }

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
