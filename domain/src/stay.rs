//! A stay in a hotel: check-in to check-out, half open, dates of the property.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};

/// The longest stay, in nights.
pub const NIGHTS_MAX: i64 = 365;

/// The nights from check-in to check-out, the last excluded: 1 to [`NIGHTS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "Dates", into = "Dates")]
pub struct Stay {
    check_in: NaiveDate,
    check_out: NaiveDate,
}

#[derive(Clone, Copy, Serialize, Deserialize, schemars::JsonSchema)]
struct Dates {
    check_in: NaiveDate,
    check_out: NaiveDate,
}

impl Stay {
    /// A stay of at least one night and at most [`NIGHTS_MAX`]; else `INVALID_INPUT`.
    pub fn new(check_in: NaiveDate, check_out: NaiveDate) -> Result<Self, Failure> {
        let nights = (check_out - check_in).num_days();
        if nights < 1 {
            return Err(Failure::new(
                Code::InvalidInput,
                "Check-out must be after check-in: choose a later check-out.",
            ));
        }
        if nights > NIGHTS_MAX {
            return Err(Failure::new(Code::InvalidInput, format!("A stay has at most {NIGHTS_MAX} nights: split it.")));
        }
        Ok(Self { check_in, check_out })
    }

    /// First night.
    pub const fn check_in(&self) -> NaiveDate {
        self.check_in
    }

    /// The morning of departure, no longer a night of the stay.
    pub const fn check_out(&self) -> NaiveDate {
        self.check_out
    }

    /// Number of nights, 1 to [`NIGHTS_MAX`].
    pub fn night_count(&self) -> i64 {
        (self.check_out - self.check_in).num_days()
    }

    /// Every night, in order.
    pub fn nights(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let stay = *self;
        (0..stay.night_count()).filter_map(move |n| stay.check_in.checked_add_days(Days::new(n.unsigned_abs())))
    }
}

impl TryFrom<Dates> for Stay {
    type Error = String;
    fn try_from(dates: Dates) -> Result<Self, String> {
        Self::new(dates.check_in, dates.check_out).map_err(|failure| failure.message)
    }
}

impl From<Stay> for Dates {
    fn from(stay: Stay) -> Self {
        Self { check_in: stay.check_in, check_out: stay.check_out }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::{NIGHTS_MAX, Stay};
    use crate::failure::Code;
    use crate::testing::samples::day;

    #[test]
    fn a_stay_has_1_to_365_nights() {
        let check_in = day("2024-12-24");
        let length = |nights: i64| Stay::new(check_in, check_in + chrono::TimeDelta::days(nights));
        for nights in [-1, 0, NIGHTS_MAX + 1] {
            assert_eq!(length(nights).unwrap_err().code, Code::InvalidInput, "{nights} nights");
        }
        for nights in [1, NIGHTS_MAX] {
            assert_eq!(length(nights).unwrap().night_count(), nights);
        }
        assert!(Stay::new(NaiveDate::MIN, NaiveDate::MAX).is_err());
    }

    #[test]
    fn the_morning_of_departure_is_no_night() {
        let stay = Stay::new(day("2024-02-28"), day("2024-03-01")).unwrap();
        assert_eq!(stay.nights().collect::<Vec<_>>(), [day("2024-02-28"), day("2024-02-29")]);
        let last = Stay::new(NaiveDate::MAX - Days::new(1), NaiveDate::MAX).unwrap();
        assert_eq!(last.nights().count(), 1);
    }

    #[test]
    fn a_stored_stay_is_checked_as_it_is_read() {
        let stay = Stay::new(day("2024-12-24"), day("2024-12-26")).unwrap();
        let stored = r#"{"check_in":"2024-12-24","check_out":"2024-12-26"}"#;
        assert_eq!(serde_json::to_string(&stay).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Stay>(stored).unwrap(), stay);
        assert!(serde_json::from_str::<Stay>(r#"{"check_in":"2024-12-24","check_out":"2024-12-24"}"#).is_err());
    }
}
