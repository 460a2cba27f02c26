//! W3C trace context of a message.

use uuid::Uuid;

use crate::id::BookingId;

/// Lengths of the four parts of a traceparent: version, trace, parent, flags (W3C Trace Context, level 1).
const PARTS: [usize; 4] = [2, 32, 16, 2];
/// The version that is forbidden.
const VERSION_FORBIDDEN: &str = "ff";

/// The trace that a message belongs to: that of the request that began it all, else one that derives from the trip and the message, so that
/// whoever follows traces sees the same at every delivery. One that is malformed is ignored, as the recommendation asks.
pub fn traceparent(given: Option<&str>, booking: Option<BookingId>, message_id: Uuid) -> String {
    if let Some(given) = given.filter(|given| is_traceparent(given)) {
        return given.to_owned();
    }
    let trace = booking.map_or(message_id, |booking| booking.0);
    let span = message_id.simple().to_string();
    // Ids of zeros only are not valid, and neither UUIDs of version 5 nor of version 7 are such.
    format!("00-{}-{}-01", trace.simple(), &span[..16])
}

/// Whether a text is a trace context: four parts of hexadecimal digits, and neither trace nor parent nothing but zeros.
pub fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').take(PARTS.len() + 1).collect();
    let hexadecimal = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    parts.len() == PARTS.len()
        && parts.iter().zip(PARTS).all(|(part, length)| part.len() == length && hexadecimal(part))
        && parts[0] != VERSION_FORBIDDEN
        && !zero(parts[1])
        && !zero(parts[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_a_well_formed_trace_is_taken_over() {
        assert!(is_traceparent(SOUND));
        let derived = traceparent(None, None, Uuid::from_u128(7));
        assert_eq!(traceparent(Some(SOUND), None, Uuid::from_u128(7)), SOUND);
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "4242424242424242",
        ] {
            assert!(!is_traceparent(text), "{text:?}");
            assert_eq!(traceparent(Some(text), None, Uuid::from_u128(7)), derived, "{text:?}");
        }
    }
}
