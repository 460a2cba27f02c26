//! The scalars of the schema. Each checks its text before execution, so that a wrong one is answered with the path of its field.

use std::str::FromStr;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{NaiveDate, SecondsFormat, Utc};
use traveladvisor_infra::event_log;

use crate::place::Place;

/// Length of `2024-12-31`.
const DATE_BYTES: usize = 10;

/// A calendar date without a zone, written `2024-12-31` (ISO 8601).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date(pub(crate) NaiveDate);

/// An instant, written as RFC 3339 says. Any offset is read; answers are in UTC and end in `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime(pub(crate) chrono::DateTime<Utc>);

/// Opaque. A place in the event log: hand it back as `atLeast` to read your own writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position(pub(crate) Place);

/// ISO 4217, in capitals, for example `GBP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CurrencyCode(pub(crate) String);

/// A calendar date without a zone, written `2024-12-31` (ISO 8601).
#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        date(&value).map(Self).ok_or_else(|| InputValueError::custom("write a date such as 2024-12-31"))
    }

    fn is_valid(value: &Value) -> bool {
        date(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%Y-%m-%d").to_string())
    }
}

/// An instant, written as RFC 3339 says. Any offset is read; answers are in UTC and end in `Z`.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        instant(&value)
            .map(Self)
            .ok_or_else(|| InputValueError::custom("write an instant such as 2024-12-31T09:30:00Z"))
    }

    fn is_valid(value: &Value) -> bool {
        instant(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// Opaque. A place in the event log: hand it back as `atLeast` to read your own writes.
#[Scalar]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        position(&value).map(Self).ok_or_else(|| InputValueError::custom("hand back a position that the program gave"))
    }

    fn is_valid(value: &Value) -> bool {
        position(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// ISO 4217, in capitals, for example `GBP`.
#[Scalar]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(code) => Ok(Self(code)),
            _ => Err(InputValueError::custom("write an ISO 4217 code such as GBP")),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// chrono alone would also read years of six digits and dates without leading zeros.
fn date(value: &Value) -> Option<NaiveDate> {
    let text = text(value).filter(|text| text.len() == DATE_BYTES && text.as_bytes()[0].is_ascii_digit())?;
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn instant(value: &Value) -> Option<chrono::DateTime<Utc>> {
    chrono::DateTime::parse_from_rfc3339(text(value)?).ok().map(|instant| instant.to_utc())
}

fn position(value: &Value) -> Option<Place> {
    Place::from_str(text(value)?).ok()
}

impl From<event_log::Position> for Position {
    fn from(position: event_log::Position) -> Self {
        Self(position.into())
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn a_date_is_ten_characters_of_a_real_day() {
        assert!(Date::is_valid(&string("2024-02-29")));
        for text in ["2023-02-29", "2024-2-9", "+12024-12-31", "2024-12-31T00:00:00Z", "", "31.12.2024"] {
            assert!(!Date::is_valid(&string(text)), "{text:?}");
        }
        assert!(!Date::is_valid(&Value::from(20_241_231)));
    }

    #[test]
    fn instants_are_answered_in_utc() {
        let DateTime(instant) = DateTime::parse(string("2024-12-31T09:30:00+09:00")).expect("an instant");
        assert_eq!(DateTime(instant).to_value(), string("2024-12-31T00:30:00Z"));
        assert!(!DateTime::is_valid(&string("2024-12-31 09:30")));
    }

    #[test]
    fn a_position_comes_back_as_it_was_given() {
        let given = Position::from(event_log::Position(42)).to_value();
        assert_eq!(Position::parse(given).expect("reads"), Position::from(event_log::Position(42)));
        assert!(!Position::is_valid(&string("-1")));
        assert!(!Position::is_valid(&string("99999999999999999999")));
    }
}
