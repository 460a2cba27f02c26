//! What a participant remembers, and up to which day: what ended long ago is forgotten, so that its state stays small.

use chrono::{Days, NaiveDate};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{REMEMBERED_DAYS, Reservations};

/// Shape and meaning of the stored states of hotels, flights, cars, points accounts and campaigns. Raise it with every change of what `apply`
/// makes of events or of how a state is written: snapshots of another version cannot be read then, and the whole stream tells instead.
pub const STATE_VERSION: u32 = 1;

/// The bookings of a participant and the latest business date that it has seen. `T` is what it holds for one booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory<T> {
    version: Version,
    /// The bookings remembered.
    pub bookings: Reservations<T>,
    latest_business_date: Option<NaiveDate>,
}

/// [`STATE_VERSION`] in a stored state. Takes no place in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(STATE_VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            STATE_VERSION => Ok(Self),
            _ => Err(D::Error::custom("a state of another version")),
        }
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { version: Version, bookings: Reservations::default(), latest_business_date: None }
    }
}

impl<T> Memory<T> {
    /// Takes the business date of an event. When it is the latest so far, what ended too long ago is forgotten, and the answer is the
    /// first day that is still remembered.
    pub fn reach(&mut self, business_date: NaiveDate) -> Option<NaiveDate> {
        if self.latest_business_date.is_some_and(|latest| business_date <= latest) {
            return None;
        }
        self.latest_business_date = Some(business_date);
        self.bookings.forget(business_date);
        Some(first_remembered(business_date))
    }

    /// Whether what ended on `day` is forgotten, or will be once something is decided `today`.
    pub fn has_forgotten(&self, day: NaiveDate, today: NaiveDate) -> bool {
        day < first_remembered(self.latest_business_date.map_or(today, |latest| latest.max(today)))
    }
}

fn first_remembered(latest_business_date: NaiveDate) -> NaiveDate {
    latest_business_date.checked_sub_days(Days::new(REMEMBERED_DAYS)).unwrap_or(NaiveDate::MIN)
}
