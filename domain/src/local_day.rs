//! Where a calendar day begins in a zone, also where the clocks skip midnight.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The longest stretch of local time that clocks have skipped: a whole day, when Samoa crossed the date line.
const SKIPPED_MINUTES_MAX: i64 = 24 * 60;

/// The first instant of a day in a zone. Where clocks skip midnight it is the moment they jump to; where midnight comes twice, the first.
pub fn start_of(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    (0..=SKIPPED_MINUTES_MAX)
        .map_while(|minutes| midnight.checked_add_signed(TimeDelta::minutes(minutes)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map_or_else(|| midnight.and_utc(), |start| start.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::start_of;

    #[test]
    fn a_day_begins_at_its_first_existing_moment() {
        let cases = [
            ("2024-12-24", Tz::Europe__London, "2024-12-24T00:00:00Z"),
            ("2024-12-24", Tz::America__New_York, "2024-12-24T05:00:00Z"),
            // Clocks jump from 00:00 to 01:00.
            ("2024-04-26", Tz::Africa__Cairo, "2024-04-25T22:00:00Z"),
            // Clocks go back from 01:00 to 00:00: midnight comes twice.
            ("2024-11-03", Tz::America__Havana, "2024-11-03T04:00:00Z"),
            // The whole day never was.
            ("2011-12-30", Tz::Pacific__Apia, "2011-12-30T10:00:00Z"),
        ];
        for (date, zone, start) in cases {
            assert_eq!(start_of(date.parse().unwrap(), zone), start.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_days_too() {
        start_of(chrono::NaiveDate::MAX, Tz::America__New_York);
        start_of(chrono::NaiveDate::MIN, Tz::Asia__Tokyo);
    }
}
