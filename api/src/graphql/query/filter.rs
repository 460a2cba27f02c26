//! The rules of filters.

use async_graphql::{Error, Result};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use traveladvisor_commands::input::{FieldError, instant};
use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;

use crate::graphql::fault::{argument_error, coded_argument_error};
use crate::graphql::types::ErrorCode;
use crate::limits::FILTER_CHARS_MAX;

/// The argument that holds the filter.
const FILTER: &str = "filter";
/// How far the zone in which a day ends last is behind UTC.
const LAST_ZONE_BEHIND: TimeDelta = TimeDelta::hours(12);

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

/// A date that is today or later somewhere on earth. Which zone counts depends on what is found, so here only the last one does.
pub(super) fn day_to_come(field: &str, value: NaiveDate, now: DateTime<Utc>) -> Result<NaiveDate> {
    let value = date(field, value)?;
    let today = now.checked_sub_signed(LAST_ZONE_BEHIND).unwrap_or(DateTime::<Utc>::MIN_UTC).date_naive();
    if value < today { Err(past(field, "The date has passed: choose a later one.")) } else { Ok(value) }
}

/// An instant in the years that the program knows.
pub(super) fn moment(field: &str, value: DateTime<Utc>) -> Result<DateTime<Utc>> {
    instant(value).map_err(|error| rule(field, &error))
}

/// A stay to come, when both of its dates are given.
pub(super) fn stay(
    check_in: Option<NaiveDate>,
    check_out: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<Option<Stay>> {
    match (check_in, check_out) {
        (None, None) => Ok(None),
        (Some(check_in), Some(check_out)) => {
            let (check_in, check_out) = (date("checkIn", check_in)?, date("checkOut", check_out)?);
            let stay = Stay::new(check_in, check_out).map_err(|failure| refused("checkOut", &failure))?;
            day_to_come("checkIn", check_in, now).map(|_| Some(stay))
        }
        (Some(_), None) => Err(wrong("checkOut", "A stay needs both dates: give `checkOut` too.")),
        (None, Some(_)) => Err(wrong("checkIn", "A stay needs both dates: give `checkIn` too.")),
    }
}

/// A rental to come, when both of its instants are given.
pub(super) fn rental(
    pick_up: Option<DateTime<Utc>>,
    drop_off: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<Rental>> {
    match (pick_up, drop_off) {
        (None, None) => Ok(None),
        (Some(pick_up), Some(drop_off)) => {
            let (pick_up, drop_off) = (moment("pickUpAt", pick_up)?, moment("dropOffAt", drop_off)?);
            let rental = Rental::new(pick_up, drop_off).map_err(|failure| refused("dropOffAt", &failure))?;
            if pick_up < now {
                return Err(past("pickUpAt", "The pick-up time has passed: choose a later one."));
            }
            Ok(Some(rental))
        }
        (Some(_), None) => Err(wrong("dropOffAt", "A rental needs both instants: give `dropOffAt` too.")),
        (None, Some(_)) => Err(wrong("pickUpAt", "A rental needs both instants: give `pickUpAt` too.")),
    }
}

fn wrong(field: &str, message: &str) -> Error {
    argument_error(&[FILTER, field], message)
}

fn past(field: &str, message: &str) -> Error {
    coded_argument_error(ErrorCode::Past, &[FILTER, field], message)
}

fn rule(field: &str, error: &FieldError) -> Error {
    wrong(field, &error.message)
}

fn refused(field: &str, failure: &Failure) -> Error {
    wrong(field, &failure.message)
}
