//! Local times of airports and what they are in UTC.

use chrono::{DateTime, Datelike, Days, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::input::{YEAR_MAX, YEAR_MIN};

/// Days after departure on which an arrival is looked for: the day itself, in whatever zone, and two more.
const ARRIVAL_DAYS: u64 = 3;

/// The instant of a local time. Of a time that comes twice (clocks set back) the first counts; one that never comes is an error.
pub(super) fn instant(local: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>, String> {
    if !(YEAR_MIN..=YEAR_MAX).contains(&local.year()) {
        return Err(format!("the year is not from {YEAR_MIN} to {YEAR_MAX}"));
    }
    let earliest = local.and_local_timezone(zone).earliest();
    earliest
        .map(|instant| instant.with_timezone(&Utc))
        .ok_or_else(|| format!("{local} does not exist in {zone}: clocks are set forward over it"))
}

/// The first instant after `departure` at which clocks of the zone show this time.
pub(super) fn first_after(departure: DateTime<Utc>, time: NaiveTime, zone: Tz) -> Result<DateTime<Utc>, String> {
    let first_day = departure.with_timezone(&zone).date_naive();
    (0..ARRIVAL_DAYS)
        .filter_map(|days| first_day.checked_add_days(Days::new(days)))
        .filter_map(|day| instant(day.and_time(time), zone).ok())
        .find(|arrival| *arrival > departure)
        .ok_or_else(|| format!("{time} does not come in {zone} within {ARRIVAL_DAYS} days"))
}
