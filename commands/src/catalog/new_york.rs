//! The week of departures from New York: a CSV without quotes, with times local to each airport.

use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::source::Numbered;
use super::{CatalogueItem, NEW_YORK_SUPPLIER, gaps, local_time};
use crate::input::{self, CabinInput, FlightInput};

/// By its first line the file is known.
pub(super) const HEADER: &str =
    "carrier,flight,tailnum,origin,dest,sched_dep_local,sched_arr_hhmm_local,air_time_min,distance_mi,seats";

/// Whole weeks by which departures are moved, so that weekdays stay and 2013-01-01 becomes 2024-12-31.
const WEEKS_MOVED: i64 = 626;
/// Minutes by which a flight's schedule may differ from the time it was in the air. Real ones differ by up to an hour less (the aircraft
/// was slow) and hours more (taxiing); an arrival read on the wrong day differs by a day.
const AIR_TIME_SLACK_MINUTES: i64 = 240;

/// Every line after the header that is not blank.
pub(super) fn read(text: &str) -> Vec<Numbered> {
    let lines = (1..).zip(text.lines()).skip(1).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| (at, departure(line))).collect()
}

fn departure(line: &str) -> Result<CatalogueItem, String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [carrier, flight, _, origin, destination, departs, arrives, air_minutes, miles, seats] = fields[..] else {
        return Err(format!("{} fields instead of 10", fields.len()));
    };
    let origin_zone = input::airport(origin).map_err(|error| format!("origin: {error}"))?.zone;
    let destination_zone = input::airport(destination).map_err(|error| format!("dest: {error}"))?.zone;
    let departs = moved(departs)?;
    let departure_at = local_time::instant(departs, origin_zone)?;
    let arrival_at = arrival(departure_at, arrives, destination_zone)?;
    check_air_time(arrival_at - departure_at, air_minutes)?;
    if flight.is_empty() {
        return Err("flight: missing".to_owned());
    }
    let code = format!("{carrier}{flight}-{origin}-{}", departs.date());
    let miles = miles.parse().map_err(|_| "distance_mi: not a number".to_owned())?;
    let cabin = CabinInput {
        cabin: "ECONOMY".to_owned(),
        seats: known(seats, "seats")?.unwrap_or_else(|| gaps::seats(&code)),
        price: gaps::new_york_fare(&code, miles),
    };
    let flight = FlightInput {
        supplier: NEW_YORK_SUPPLIER.to_owned(),
        carrier: carrier.to_owned(),
        origin: origin.to_owned(),
        destination: destination.to_owned(),
        departure_at,
        arrival_at,
        cabins: vec![cabin],
        code,
    };
    input::flight(&flight).map(CatalogueItem::Flight).map_err(|error| error.to_string())
}

/// The local calendar moves, not the instant, so that a change of summer time in between does not shift departures.
fn moved(text: &str) -> Result<NaiveDateTime, String> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M");
    let local = local.map_err(|_| "sched_dep_local: not a local time such as 2013-01-01T05:15".to_owned())?;
    let moved = local.checked_add_signed(TimeDelta::weeks(WEEKS_MOVED));
    moved.ok_or_else(|| "sched_dep_local: too far in the future".to_owned())
}

/// Hours and minutes without a separator, such as 5, 819 or 2400.
fn arrival(departure_at: DateTime<Utc>, hhmm: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    let malformed = || "sched_arr_hhmm_local: not hours and minutes such as 819".to_owned();
    let number: u32 = hhmm.parse().map_err(|_| malformed())?;
    let number = if number == 2400 { 0 } else { number };
    let time = NaiveTime::from_hms_opt(number / 100, number % 100, 0).ok_or_else(malformed)?;
    local_time::first_after(departure_at, time, zone)
}

fn check_air_time(scheduled: TimeDelta, air_minutes: &str) -> Result<(), String> {
    let Some(flown) = known(air_minutes, "air_time_min")? else { return Ok(()) };
    let scheduled = scheduled.num_minutes();
    if scheduled.abs_diff(flown) <= AIR_TIME_SLACK_MINUTES.unsigned_abs() {
        return Ok(());
    }
    Err(format!("scheduled for {scheduled} minutes but {flown} in the air: check the times"))
}

/// A number, or nothing where the source has none.
fn known(text: &str, field: &str) -> Result<Option<i64>, String> {
    if text.is_empty() || text == "NA" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("{field}: not a number"))
}
