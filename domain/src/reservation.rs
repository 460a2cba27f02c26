//! How a participant remembers bookings: what was asked, which attempts, what it answered (L13).

#[cfg(test)]
mod golden;
mod memory;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod years;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

pub(crate) use memory::Version;
pub use memory::{Memory, STATE_VERSION};

use crate::failure::{Code, Failure};
use crate::footprint;
use crate::id::BookingId;
use crate::message::{Answer, Direction, Outcome};

/// Days after the end of a stay, departure or rental for which a participant still remembers it. Older ones are forgotten by `apply`.
pub const REMEMBERED_DAYS: u64 = 30;

/// The bookings that a participant remembers. `T` is what it holds for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservations<T>(BTreeMap<BookingId, Reservation<T>>);

/// A booking as a participant remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reservation<T> {
    /// The last attempt of the request that was answered; 0: none.
    requested: u32,
    /// The last attempt of the undo that was answered; 0: none.
    undone: u32,
    standing: Standing<T>,
    /// The last business date for which the thing matters; forgotten [`REMEMBERED_DAYS`] later.
    until: NaiveDate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Standing<T> {
    Held(T),
    Refused(Failure),
    Released,
    Barred,
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestVerdict {
    /// Never heard of: decide.
    Decide,
    /// Answered before: write nothing, the answer is in the log.
    Answered,
    /// A new attempt of what is settled: repeat this answer.
    Repeat(Outcome),
    /// Its cancel came first: refuse with this.
    Refuse(Failure),
}

/// What to do with an undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoVerdict<'a, T> {
    /// Give this back.
    Release(&'a T),
    /// Nothing is held: leave a tombstone.
    Bar,
    /// Answered before: write nothing, the answer is in the log.
    Answered,
    /// A new attempt of what is settled: say again that it is done.
    Repeat,
}

impl<T> Default for Reservations<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Reservations<T> {
    /// What to do with the `attempt`th request of a booking.
    pub fn on_request(&self, booking: BookingId, attempt: u32) -> RequestVerdict {
        let Some(known) = self.0.get(&booking) else { return RequestVerdict::Decide };
        if attempt <= known.requested {
            return RequestVerdict::Answered;
        }
        match &known.standing {
            Standing::Held(_) => RequestVerdict::Repeat(Outcome::Done),
            Standing::Refused(failure) => RequestVerdict::Repeat(Outcome::Refused(failure.clone())),
            Standing::Released | Standing::Barred => RequestVerdict::Refuse(Failure::new(
                Code::Conflict,
                "The trip was cancelled before this request came: book it anew.",
            )),
        }
    }

    /// What to do with the `attempt`th undo of a booking.
    pub fn on_undo(&self, booking: BookingId, attempt: u32) -> UndoVerdict<'_, T> {
        let Some(known) = self.0.get(&booking) else { return UndoVerdict::Bar };
        if attempt <= known.undone {
            return UndoVerdict::Answered;
        }
        match &known.standing {
            Standing::Held(held) => UndoVerdict::Release(held),
            Standing::Refused(_) => UndoVerdict::Bar,
            Standing::Released | Standing::Barred => UndoVerdict::Repeat,
        }
    }

    /// What is held, by booking.
    pub fn held(&self) -> impl Iterator<Item = (BookingId, &T)> {
        self.0.iter().filter_map(|(booking, known)| match &known.standing {
            Standing::Held(held) => Some((*booking, held)),
            _ => None,
        })
    }

    /// Number of bookings remembered, whatever became of them.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes that the bookings take in memory, about.
    pub(crate) fn footprint(&self) -> usize {
        footprint::of_entries_with_texts::<BookingId, Reservation<T>>(self.0.len())
    }

    /// Nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A request was granted.
    pub fn hold(&mut self, booking: BookingId, attempt: u32, held: T, until: NaiveDate) {
        let known = Reservation { requested: attempt, undone: 0, standing: Standing::Held(held), until };
        self.0.insert(booking, known);
    }

    /// A request was refused. What had been released or barred stays so.
    pub fn refuse(&mut self, booking: BookingId, attempt: u32, failure: Failure, until: NaiveDate) {
        let fresh = Reservation { requested: 0, undone: 0, standing: Standing::Refused(failure), until };
        self.0.entry(booking).or_insert(fresh).requested = attempt;
    }

    /// What was held is given back; returns it.
    pub fn release(&mut self, booking: BookingId, attempt: u32) -> Option<T> {
        let known = self.0.get_mut(&booking)?;
        known.undone = attempt;
        match std::mem::replace(&mut known.standing, Standing::Released) {
            Standing::Held(held) => Some(held),
            _ => None,
        }
    }

    /// Nothing was held; whatever comes later is refused.
    pub fn bar(&mut self, booking: BookingId, attempt: u32, until: NaiveDate) {
        let fresh = Reservation { requested: 0, undone: 0, standing: Standing::Barred, until };
        let known = self.0.entry(booking).or_insert(fresh);
        known.undone = attempt;
        known.standing = Standing::Barred;
    }

    /// An answer was repeated for a new attempt. Unknown bookings stay unknown: they are forgotten on purpose.
    pub fn repeat(&mut self, booking: BookingId, answer: &Answer) {
        let Some(known) = self.0.get_mut(&booking) else { return };
        match answer.direction {
            Direction::Request => known.requested = answer.attempt,
            Direction::Undo => known.undone = answer.attempt,
        }
    }

    /// What all bookings are about now ends on `day` at the earliest: none is forgotten before its time.
    pub fn keep_until(&mut self, day: NaiveDate) {
        for known in self.0.values_mut() {
            known.until = known.until.max(day);
        }
    }

    /// Forgets what ended more than [`REMEMBERED_DAYS`] before the latest business date.
    pub fn forget(&mut self, latest_business_date: NaiveDate) {
        self.0.retain(|_, known| !is_forgotten(known.until, latest_business_date));
    }
}

/// Whether a participant no longer remembers what mattered until a date.
pub fn is_forgotten(until: NaiveDate, latest_business_date: NaiveDate) -> bool {
    until.checked_add_days(Days::new(REMEMBERED_DAYS)).is_some_and(|kept_until| kept_until < latest_business_date)
}
