//! What both ways to resolve share: the rules of verb, reason, reference and fingerprint.

use traveladvisor_commands::input::FieldError;
use traveladvisor_domain::booking::REASON_CHARS_MAX;
use traveladvisor_domain::trip_saga::attention::{Resolution, Verb};

use super::rules::free_text;
use crate::limits::{FILTER_CHARS_MAX, REFERENCE_CHARS_MAX};

/// An operator's words: 1 to 500 characters, at least one of them visible, without control characters, turns of direction and card numbers.
pub fn operator_reason(value: &str) -> Result<String, FieldError> {
    free_text(value, REASON_CHARS_MAX)
}

/// A verb with what it needs. Only a charge that was made has a reference, and a refund needs it.
pub fn resolution(verb: Verb, reference: Option<&str>) -> Result<Resolution, FieldError> {
    match (verb, reference.filter(|reference| !reference.trim().is_empty())) {
        (Verb::MarkDone, Some(reference)) => {
            Ok(Resolution::MarkDone { reference: free_text(reference, REFERENCE_CHARS_MAX)? })
        }
        (Verb::MarkDone, None) => {
            Err(FieldError::new("a charge that was made has a reference at the gateway: give it, a refund needs it"))
        }
        (_, Some(_)) => Err(FieldError::new("only a charge that is marked as done has a reference: leave it out")),
        (Verb::Retry, None) => Ok(Resolution::Retry),
        (Verb::MarkUndone, None) => Ok(Resolution::MarkUndone),
        (Verb::GiveUp, None) => Ok(Resolution::GiveUp),
    }
}

/// The fingerprint of what a saga waits for, as the program tells it.
pub fn reason_fingerprint(value: &str) -> Result<String, FieldError> {
    let is_one = !value.trim().is_empty() && value.chars().count() <= FILTER_CHARS_MAX;
    if is_one && !value.chars().any(char::is_control) {
        return Ok(value.to_owned());
    }
    Err(FieldError::new("no fingerprint: give one that the sagas tell"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_charge_that_is_marked_as_done_has_a_reference_and_it_must() {
        let marked = Resolution::MarkDone { reference: "ch_1".into() };
        assert_eq!(resolution(Verb::MarkDone, Some("ch_1")), Ok(marked));
        assert_eq!(resolution(Verb::GiveUp, None), Ok(Resolution::GiveUp));
        for (verb, reference) in [
            (Verb::MarkDone, None),
            (Verb::MarkDone, Some(" ")),
            (Verb::MarkDone, Some("ch\u{0}")),
            (Verb::MarkDone, Some("4242424242424242")),
            (Verb::Retry, Some("ch_1")),
        ] {
            assert!(resolution(verb, reference).is_err(), "{verb:?} {reference:?}");
        }
    }

    #[test]
    fn a_reason_is_seen_and_reads_as_it_is_written() {
        for text in [
            "\u{200b}",
            "\u{202e}",
            "\u{feff}\u{2060} \u{ad}",
            "\u{3164}",
            "\u{2800}",
            "\u{e0041}",
            "paid\u{202e}ton",
            "a\u{2066}b",
            "a\u{85}",
        ] {
            assert!(operator_reason(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_reason_has_1_to_500_characters_and_no_card_number() {
        assert!(operator_reason(&"é".repeat(REASON_CHARS_MAX)).is_ok());
        assert!(operator_reason("\u{5e9}\u{200f} 1").is_ok(), "a mark of a script that is written from the right");
        let long = "é".repeat(REASON_CHARS_MAX + 1);
        for text in ["", "  ", "a\u{0}", "a\nb", "paid with 4242 4242 4242 4242", &long] {
            assert!(operator_reason(text).is_err(), "{text:?}");
        }
    }
}
