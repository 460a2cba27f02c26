//! A rental: a half-open interval of instants; a started day is a started 24 h.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};

/// The longest rental, in started days.
pub const DAYS_MAX: i64 = 365;

/// From pick-up to drop-off, the latter excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Instants", into = "Instants")]
pub struct Rental {
    pick_up: DateTime<Utc>,
    drop_off: DateTime<Utc>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
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
