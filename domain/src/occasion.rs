//! What a decision may know of the outside: the time and a few random bits, drawn once for each job.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// The moment of one job. Handed in with the command, so that deciding it again decides the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// The program's time when the job was taken up.
    pub at: DateTime<Utc>,
    /// Random bits, for the jitter of retries.
    pub entropy: u64,
}

impl Occasion {
    /// The calendar day of this moment in a zone: the business date of what is decided there.
    pub fn date_in(&self, zone: Tz) -> NaiveDate {
        self.at.with_timezone(&zone).date_naive()
    }
}
