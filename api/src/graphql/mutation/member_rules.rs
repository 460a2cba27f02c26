//! Rules of fields that members, points and campaigns have.

use traveladvisor_commands::input::{FieldError, text};
use traveladvisor_domain::member::{CONTACT_NUMBER_CHARS_MAX, NAME_CHARS_MAX, ProfileChanges};
use traveladvisor_domain::points::POINTS_MAX;
use traveladvisor_domain::reward::CAUSE_CHARS_MAX;

use super::card_digits::{no_card_in_key, no_card_in_phone};
use super::rules::{email, free_text};
use super::submit::Findings;
use crate::graphql::types::Gender;

/// What is given of a profile; what is left out is not looked at.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) email: Option<String>,
    pub(super) nickname: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) contact_number: Option<String>,
    pub(super) gender: Option<Gender>,
}

/// Every field of a profile that is given, each by its rule. What breaks it is told and left out.
pub(super) fn profile(findings: &mut Findings, given: Given) -> ProfileChanges {
    let mut of = |field: &str, value: Option<String>, rule: fn(&str) -> Result<String, FieldError>| {
        value.and_then(|value| findings.check(&[field], rule(&value)))
    };
    ProfileChanges {
        email: of("email", given.email, email),
        nickname: of("nickname", given.nickname, name),
        first_name: of("firstName", given.first_name, name),
        last_name: of("lastName", given.last_name, name),
        contact_number: of("contactNumber", given.contact_number, contact_number),
        gender: given.gender.map(Into::into),
    }
}

/// A nickname, a first or a last name.
fn name(value: &str) -> Result<String, FieldError> {
    free_text(value, NAME_CHARS_MAX)
}

/// A telephone number as people write it.
fn contact_number(value: &str) -> Result<String, FieldError> {
    no_card_in_phone(text(value, CONTACT_NUMBER_CHARS_MAX)?)
}

/// Whole points above zero, in digits alone: no sign, no fraction, no exponent.
pub(super) fn points(value: &str) -> Result<u64, FieldError> {
    let digits = Some(value).filter(|value| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()));
    let points = digits.and_then(|digits| digits.parse().ok());
    points
        .filter(|points| (1..=POINTS_MAX).contains(points))
        .ok_or_else(|| FieldError::new(format!("points are whole: give digits, from 1 to {POINTS_MAX}")))
}

/// The name of what is rewarded: letters, digits, `-`, `_`, `:` and `.`, so that it reads the same wherever it stands.
pub(super) fn cause(value: &str) -> Result<String, FieldError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.');
    if value.is_empty() || value.len() > CAUSE_CHARS_MAX || !value.bytes().all(is_plain) {
        let message = format!("no cause: give 1 to {CAUSE_CHARS_MAX} letters, digits, -, _, : and .");
        return Err(FieldError::new(message));
    }
    no_card_in_key(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_whole_and_above_zero() {
        assert_eq!(points("1"), Ok(1));
        assert_eq!(points(&POINTS_MAX.to_string()), Ok(POINTS_MAX));
        let many = (POINTS_MAX + 1).to_string();
        let odd =
            ["", "0", "00", "-5", "+5", "1.5", "1,000", "1e3", " 7", "7 ", "٣", "0x10", "99999999999999999999999"];
        for text in odd.into_iter().chain([many.as_str()]) {
            assert!(points(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_cause_reads_the_same_wherever_it_stands() {
        for text in ["a", "review:2024-12.1_b", &"c".repeat(CAUSE_CHARS_MAX)] {
            assert_eq!(cause(text).as_deref(), Ok(text));
        }
        let long = "c".repeat(CAUSE_CHARS_MAX + 1);
        for text in ["", " ", "a b", "ä", "a/b", "a\u{0}", "a\u{200b}", "4242424242424242", &long] {
            assert!(cause(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_profile_tells_everything_that_is_wrong_with_it_at_once() {
        let mut findings = Findings::default();
        let long = Some("n".repeat(NAME_CHARS_MAX + 1));
        let given = Given {
            email: Some("ada".into()),
            nickname: Some(" \u{200b}".into()),
            first_name: long,
            last_name: Some("a\u{202e}b".into()),
            contact_number: Some("1".repeat(CONTACT_NUMBER_CHARS_MAX + 1)),
            gender: None,
        };
        profile(&mut findings, given);
        let errors = findings.settle(None::<()>).expect_err("refused");
        let paths: Vec<String> = errors.iter().map(|error| error.path.join(".")).collect();
        let wanted = ["email", "nickname", "firstName", "lastName", "contactNumber"];
        assert_eq!(paths, wanted.map(|field| format!("input.{field}")));
        let most = Given { nickname: Some("é".repeat(NAME_CHARS_MAX)), ..Given::default() };
        let mut findings = Findings::default();
        assert!(profile(&mut findings, most).nickname.is_some(), "characters are counted, not bytes");
    }
}
