//! A rental: a half-open interval of instants; a started day is a started 24 h.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};

/// The longest rental, in started days.
pub const DAYS_MAX: i64 = 365;

/// From pick-up to drop-off, the latter excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "Instants", into = "Instants")]
pub struct Rental {
    pick_up: DateTime<Utc>,
    drop_off: DateTime<Utc>,
}

#[derive(Clone, Copy, Serialize, Deserialize, schemars::JsonSchema)]
struct Instants {
    pick_up: DateTime<Utc>,
    drop_off: DateTime<Utc>,
}

impl Rental {
    /// A rental that ends after it begins and takes at most [`DAYS_MAX`] started days; else `INVALID_INPUT`.
    pub fn new(pick_up: DateTime<Utc>, drop_off: DateTime<Utc>) -> Result<Self, Failure> {
        if drop_off <= pick_up {
            return Err(Failure::new(Code::InvalidInput, "Drop-off must be after pick-up: choose a later drop-off."));
        }
        if drop_off - pick_up > TimeDelta::days(DAYS_MAX) {
            return Err(Failure::new(Code::InvalidInput, format!("A rental has at most {DAYS_MAX} days: split it.")));
        }
        Ok(Self { pick_up, drop_off })
    }

    /// When the vehicle is taken.
    pub const fn pick_up(&self) -> DateTime<Utc> {
        self.pick_up
    }

    /// When the vehicle is back and free again.
    pub const fn drop_off(&self) -> DateTime<Utc> {
        self.drop_off
    }

    /// Started days: started 24 h from pick-up, 1 to [`DAYS_MAX`].
    pub fn started_days(&self) -> i64 {
        let length = self.drop_off - self.pick_up;
        let whole = length.num_days();
        if length > TimeDelta::days(whole) { whole + 1 } else { whole }
    }
}

impl TryFrom<Instants> for Rental {
    type Error = String;
    fn try_from(instants: Instants) -> Result<Self, String> {
        Self::new(instants.pick_up, instants.drop_off).map_err(|failure| failure.message)
    }
}

impl From<Rental> for Instants {
    fn from(rental: Rental) -> Self {
        Self { pick_up: rental.pick_up, drop_off: rental.drop_off }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::{DAYS_MAX, Rental};
    use crate::failure::Code;
    use crate::testing::samples::instant;

    fn of_seconds(seconds: i64) -> Result<Rental, crate::failure::Failure> {
        let pick_up = instant("2024-12-24T08:00:00Z");
        Rental::new(pick_up, pick_up + TimeDelta::seconds(seconds))
    }

    #[test]
    fn a_rental_ends_after_it_begins_and_within_a_year() {
        for seconds in [-1, 0, DAYS_MAX * 86_400 + 1] {
            assert_eq!(of_seconds(seconds).unwrap_err().code, Code::InvalidInput, "{seconds} s");
        }
        assert_eq!(of_seconds(1).unwrap().started_days(), 1);
        assert_eq!(of_seconds(DAYS_MAX * 86_400).unwrap().started_days(), DAYS_MAX);
    }

    #[test]
    fn a_started_day_counts_also_when_it_is_a_nanosecond() {
        let pick_up = instant("2024-12-24T08:00:00Z");
        let rental = Rental::new(pick_up, pick_up + TimeDelta::days(1) + TimeDelta::nanoseconds(1)).unwrap();
        assert_eq!(rental.started_days(), 2);
    }

    #[test]
    fn a_stored_rental_is_checked_as_it_is_read() {
        let stored = r#"{"pick_up":"2024-12-24T08:00:00Z","drop_off":"2024-12-24T08:00:01Z"}"#;
        assert_eq!(serde_json::from_str::<Rental>(stored).unwrap(), of_seconds(1).unwrap());
        let empty = r#"{"pick_up":"2024-12-24T08:00:00Z","drop_off":"2024-12-24T08:00:00Z"}"#;
        assert!(serde_json::from_str::<Rental>(empty).is_err());
    }

    proptest! {
        #[test]
        fn started_days_cover_the_rental_and_no_day_more(seconds in 1..DAYS_MAX * 86_400) {
            let days = of_seconds(seconds).unwrap().started_days();
            prop_assert!((days - 1) * 86_400 < seconds && seconds <= days * 86_400);
        }
    }
}
