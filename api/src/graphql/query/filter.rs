//! The rules of filters.

use async_graphql::{Error, Result};
use chrono::{DateTime, NaiveDate, Utc};
use traveladvisor_commands::input::{FieldError, instant};
use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;

use crate::graphql::fault::argument_error;
use crate::limits::FILTER_CHARS_MAX;

/// The argument that holds the filter.
const FILTER: &str = "filter";

/// A text to look for, if one is given: not too long, without control characters. An empty one filters nothing.
pub(super) fn text(field: &str, value: Option<String>) -> Result<Option<String>> {
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else { return Ok(None) };
    if value.chars().any(char::is_control) {
        return Err(wrong(field, "Control characters are not allowed: remove them."));
    }
    if value.chars().count() > FILTER_CHARS_MAX {
        return Err(wrong(field, &format!("The text is too long: give at most {FILTER_CHARS_MAX} characters.")));
    }
    Ok(Some(value))
}

/// A count from 1 to `max`; 1 when none is given.
pub(super) fn count(field: &str, value: Option<i64>, max: u32) -> Result<u32> {
    match u32::try_from(value.unwrap_or(1)) {
        Ok(count) if (1..=max).contains(&count) => Ok(count),
        _ => Err(wrong(field, &format!("Out of range: give 1 to {max}."))),
    }
}

/// A date in the years that the program knows.
pub(super) fn date(field: &str, value: NaiveDate) -> Result<NaiveDate> {
    let noon = value.and_hms_opt(12, 0, 0).unwrap_or_default().and_utc();
    instant(noon).map(|_| value).map_err(|error| rule(field, &error))
}

/// An instant in the years that the program knows.
pub(super) fn moment(field: &str, value: DateTime<Utc>) -> Result<DateTime<Utc>> {
    instant(value).map_err(|error| rule(field, &error))
}

/// A stay, when both of its dates are given.
pub(super) fn stay(check_in: Option<NaiveDate>, check_out: Option<NaiveDate>) -> Result<Option<Stay>> {
    match (check_in, check_out) {
        (None, None) => Ok(None),
        (Some(check_in), Some(check_out)) => {
            let (check_in, check_out) = (date("checkIn", check_in)?, date("checkOut", check_out)?);
            Stay::new(check_in, check_out).map(Some).map_err(|failure| refused("checkOut", &failure))
        }
        (Some(_), None) => Err(wrong("checkOut", "A stay needs both dates: give `checkOut` too.")),
        (None, Some(_)) => Err(wrong("checkIn", "A stay needs both dates: give `checkIn` too.")),
    }
}

/// A rental, when both of its instants are given.
pub(super) fn rental(pick_up: Option<DateTime<Utc>>, drop_off: Option<DateTime<Utc>>) -> Result<Option<Rental>> {
    match (pick_up, drop_off) {
        (None, None) => Ok(None),
        (Some(pick_up), Some(drop_off)) => {
            let (pick_up, drop_off) = (moment("pickUpAt", pick_up)?, moment("dropOffAt", drop_off)?);
            Rental::new(pick_up, drop_off).map(Some).map_err(|failure| refused("dropOffAt", &failure))
        }
        (Some(_), None) => Err(wrong("dropOffAt", "A rental needs both instants: give `dropOffAt` too.")),
        (None, Some(_)) => Err(wrong("pickUpAt", "A rental needs both instants: give `pickUpAt` too.")),
    }
}

fn wrong(field: &str, message: &str) -> Error {
    argument_error(&[FILTER, field], message)
}

fn rule(field: &str, error: &FieldError) -> Error {
    wrong(field, &error.message)
}

fn refused(field: &str, failure: &Failure) -> Error {
    wrong(field, &failure.message)
}
