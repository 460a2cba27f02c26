//! The rules of single fields.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_infra::airports::{self, Airport};

use super::{At, FieldError, MoneyInput};

/// Most characters of a name, a city or a place.
pub const NAME_CHARACTERS_MAX: usize = 200;
/// Most characters of a code.
pub const CODE_CHARACTERS_MAX: usize = 64;
/// The first year in which something can happen.
pub const YEAR_MIN: i32 = 1970;
/// The last year in which something can happen: far enough, and safe from the end of the calendar whatever is added.
pub const YEAR_MAX: i32 = 2199;

/// A text of 1 to `characters_max` characters, at least one of them visible, without control characters (U+0000 among them) and without
/// characters that turn the direction of what follows, which make a text read as something else.
pub fn text(value: &str, characters_max: usize) -> Result<String, FieldError> {
    if value.chars().any(char::is_control) {
        return Err(FieldError::new("control characters are not allowed: remove them"));
    }
    if value.chars().any(turns_direction) {
        return Err(FieldError::new("characters that turn the direction of the text are not allowed: remove them"));
    }
    if !value.chars().any(is_visible) {
        return Err(FieldError::new(format!("must not be empty: give 1 to {characters_max} characters")));
    }
    if value.chars().count() > characters_max {
        return Err(FieldError::new(format!("too long: give 1 to {characters_max} characters")));
    }
    Ok(value.to_owned())
}

/// Embeddings, overrides and isolates. The marks U+200E, U+200F and U+061C, which names in scripts written from the right need, are none.
const fn turns_direction(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a reader sees it. What is not seen is what Unicode tells a display to ignore, the blanks of Hangul and Braille, and white space.
fn is_visible(char: char) -> bool {
    let is_ignored = matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !is_ignored && !char.is_whitespace() && !char.is_control()
}

/// A name, a city or a place.
pub fn name(value: &str) -> Result<String, FieldError> {
    text(value, NAME_CHARACTERS_MAX)
}

/// A code.
pub fn code(value: &str) -> Result<String, FieldError> {
    text(value, CODE_CHARACTERS_MAX)
}

/// Two capital letters, ISO 3166-1 alpha-2. Whether the country exists is not looked up.
pub fn country(value: &str) -> Result<String, FieldError> {
    if value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(value.to_owned());
    }
    Err(FieldError::new("unknown country: use two capital letters such as KR"))
}

/// An IANA time zone.
pub fn zone(value: &str) -> Result<Tz, FieldError> {
    value.parse().map_err(|_| FieldError::new("unknown time zone: use an IANA name such as Asia/Seoul"))
}

/// An airport by its IATA code.
pub fn airport(value: &str) -> Result<&'static Airport, FieldError> {
    airports::lookup(value).ok_or_else(|| FieldError::new("unknown airport: use an IATA code such as ICN"))
}

/// An amount of at least zero. The error's path is `amount` or `currency`.
pub fn money(value: &MoneyInput) -> Result<Money, FieldError> {
    let currency: Currency = value.currency.parse().map_err(|error| refused(&error)).at("currency")?;
    Money::parse(&value.amount, currency).map_err(|error| refused(&error)).at("amount")
}

/// A count from 1 to `max`.
pub fn count(value: i64, max: u32) -> Result<u32, FieldError> {
    match u32::try_from(value) {
        Ok(count) if (1..=max).contains(&count) => Ok(count),
        _ => Err(FieldError::new(format!("out of range: give 1 to {max}"))),
    }
}

/// Degrees from `-limit` to `limit`: 90 for a latitude, 180 for a longitude.
pub fn degrees(value: Option<f64>, limit: f64) -> Result<Option<f64>, FieldError> {
    match value {
        Some(degrees) if !(-limit..=limit).contains(&degrees) => {
            Err(FieldError::new(format!("out of range: give -{limit} to {limit} degrees")))
        }
        within => Ok(within),
    }
}

/// An instant from [`YEAR_MIN`] to [`YEAR_MAX`].
pub fn instant(value: DateTime<Utc>) -> Result<DateTime<Utc>, FieldError> {
    if (YEAR_MIN..=YEAR_MAX).contains(&value.year()) {
        return Ok(value);
    }
    Err(FieldError::new(format!("out of range: give a year from {YEAR_MIN} to {YEAR_MAX}")))
}

fn refused(error: &dyn std::error::Error) -> FieldError {
    FieldError::new(error.to_string())
}
