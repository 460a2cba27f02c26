//! What an envelope says of where a message belongs: it is written into the metadata of events for ever, so others may fill it in forms of
//! ours only.

use uuid::Uuid;

use super::{Envelope, traceparent};

/// Longest id, in bytes: that of a stream has the name of its kind before its digits.
const ID_BYTES_MAX: usize = 64;
/// Longest causation, in bytes: an id, or a word and the id that a request came with.
const CAUSATION_BYTES_MAX: usize = 96;
/// Digits of an id of ours, behind the name of its kind.
const ID_DIGITS: usize = 26;
/// Bytes of a UUID as it is written here.
const UUID_BYTES: usize = 36;

/// Checks the forms. The reason quotes nothing.
pub(super) fn check(envelope: &Envelope) -> Result<(), String> {
    if !is_id(&envelope.correlation_id) {
        return Err("its correlation_id is neither an id of ours nor a UUID".to_owned());
    }
    if !envelope.causation_id.as_deref().is_none_or(is_causation) {
        return Err("its causation_id is no id, or too long for one".to_owned());
    }
    Ok(())
}

/// The envelope with a trace that is one: a malformed one is nobody's trace, and no reason to refuse a message.
pub(super) fn traced(mut envelope: Envelope) -> Envelope {
    envelope.traceparent = traceparent(Some(&envelope.traceparent), envelope.booking_id, envelope.message_id);
    envelope
}

/// A UUID, or the id of a stream; kinds that this program does not know are such as well.
fn is_id(text: &str) -> bool {
    if text.len() == UUID_BYTES && Uuid::try_parse(text).is_ok() {
        return true;
    }
    let Some((kind, digits)) = text.rsplit_once('_') else { return false };
    let is_digit = |byte: u8| byte.is_ascii_digit() || (byte.is_ascii_lowercase() && !b"ilou".contains(&byte));
    text.len() <= ID_BYTES_MAX
        && !kind.is_empty()
        && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && digits.len() == ID_DIGITS
        && digits.bytes().all(is_digit)
}

/// The id of a message, or of a request with a word before it. Requests' ids have many forms; all of them are made by machines.
fn is_causation(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=:".contains(&byte);
    (1..=CAUSATION_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_belongs_to_is_named_by_an_id() {
        for text in
            ["booking_01je5nw000e008000000000001", "trip_saga_01je5nw000e008000000000001", &Uuid::max().to_string()]
        {
            assert!(is_id(text), "{text}");
        }
        let long = format!("{}_01je5nw000e008000000000001", "x".repeat(ID_BYTES_MAX));
        for text in
            ["", "booking_0", "ada@example.com", "_01je5nw000e008000000000001", "Ada_01JE5NW000E008000000000001", &long]
        {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn what_a_message_comes_from_is_an_id_or_a_request() {
        for text in ["0f8fad5b-d9cb-469f-a165-70867728950e", "request:Root=1-67891233-abcdef012345678912345678"] {
            assert!(is_causation(text), "{text}");
        }
        for text in ["", "ada@example.com", "two words", &"x".repeat(CAUSATION_BYTES_MAX + 1)] {
            assert!(!is_causation(text), "{text}");
        }
    }
}
