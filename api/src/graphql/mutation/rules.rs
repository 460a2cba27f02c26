//! Rules of fields that only the API has.

use chrono::{Datelike, NaiveDate};
use traveladvisor_commands::input::{FieldError, YEAR_MAX, YEAR_MIN, code, text};

use super::card_digits::{no_card, no_card_in_key, no_card_in_phone};
use crate::limits::{EMAIL_CHARS_MAX, IDEMPOTENCY_KEY_CHARS_MAX, PHONE_CHARS_MAX};

/// A key of 1 to 255 characters without control characters and card numbers.
pub(crate) fn idempotency_key(value: &str) -> Result<String, FieldError> {
    no_card_in_key(text(value, IDEMPOTENCY_KEY_CHARS_MAX)?)
}

/// A text that is stored as it is given: without control characters and card numbers.
pub(crate) fn free_text(value: &str, characters_max: usize) -> Result<String, FieldError> {
    no_card(text(value, characters_max)?)
}

/// A telephone number as people write it.
pub(crate) fn phone(value: &str) -> Result<String, FieldError> {
    no_card_in_phone(text(value, PHONE_CHARS_MAX)?)
}

/// A room type's or a cabin's code, as a trip names it.
pub(crate) fn wanted_code(value: &str) -> Result<String, FieldError> {
    no_card(code(value)?)
}

/// Something, one `@`, something, and no spaces. Whether the address exists only a mail can tell.
pub(crate) fn email(value: &str) -> Result<String, FieldError> {
    let address = free_text(value, EMAIL_CHARS_MAX)?;
    let parts: Vec<&str> = address.split('@').collect();
    let well_formed = matches!(parts[..], [local, domain] if !local.is_empty() && !domain.is_empty());
    if !well_formed || address.chars().any(char::is_whitespace) {
        return Err(FieldError::new("not an e-mail address: write one such as name@example.com"));
    }
    Ok(address)
}

/// A date from [`YEAR_MIN`] to [`YEAR_MAX`].
pub(crate) fn date(value: NaiveDate) -> Result<NaiveDate, FieldError> {
    if (YEAR_MIN..=YEAR_MAX).contains(&value.year()) {
        return Ok(value);
    }
    Err(FieldError::new(format!("out of range: give a year from {YEAR_MIN} to {YEAR_MAX}")))
}

/// A sequence, from 0.
pub(crate) fn version(value: i64) -> Result<u64, FieldError> {
    u64::try_from(value).map_err(|_| FieldError::new("out of range: give the version that was read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_sign_between_two_parts() {
        assert!(email("a@b").is_ok());
        let long = format!("{}@example.com", "a".repeat(EMAIL_CHARS_MAX));
        for text in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\u{0}", "a@b\n", &long] {
            assert!(email(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_key_has_1_to_255_characters() {
        assert!(idempotency_key("k").is_ok());
        for made in ["2024-12-01-218928-1600", "20241201021545463"] {
            assert!(idempotency_key(made).is_ok(), "{made}");
        }
        assert!(idempotency_key("4242 4242 4242 4242").is_err());
        assert!(idempotency_key(&"é".repeat(IDEMPOTENCY_KEY_CHARS_MAX)).is_ok());
        for text in [String::new(), "k".repeat(IDEMPOTENCY_KEY_CHARS_MAX + 1), "a\u{0}".into(), "a\u{1b}".into()] {
            assert!(idempotency_key(&text).is_err(), "{text:?}");
        }
    }
}
