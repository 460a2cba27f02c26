//! The points of one member: never below zero, the balance the sum of the history.

mod command;
mod credit;
mod error;
mod event;
mod redeem;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use command::{PointsAccountCommand, REASON_CHARS_MAX};
pub use error::PointsAccountError;
pub use event::{EarnedFor, PointsAccountEvent};

use crate::aggregate::cqrs_aggregate;
use crate::footprint;
use crate::id::{BookingId, StreamKind};
use crate::money::Money;
use crate::occasion::Occasion;
use crate::points::POINTS_MAX;
use crate::reservation::{Memory, Reservations};

/// A member's points.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PointsAccount {
    balance: u64,
    /// What was to be taken back and was not there, by trip.
    owed: BTreeMap<BookingId, u64>,
    is_closed: bool,
    /// What trips were paid with.
    redeemed: Memory<Redeemed>,
    /// What trips have brought.
    earned: Reservations<u64>,
}

/// What a trip was paid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Redeemed {
    points: u64,
    value: Money,
}

impl PointsAccount {
    /// What the command makes happen. No events: it is so already, or the answer is in the log.
    ///
    /// # Errors
    ///
    /// See [`PointsAccountError`].
    pub fn decide(&self, command: PointsAccountCommand) -> Result<Vec<PointsAccountEvent>, PointsAccountError> {
        match command {
            PointsAccountCommand::Earn { points, earned_for, occasion } => self.earn(points, earned_for, occasion),
            PointsAccountCommand::Order { booking, order, occasion } => Ok(self.order(booking, order, occasion)),
            PointsAccountCommand::EarnForBooking { booking, earning, occasion } => {
                Ok(self.earn_for_booking(booking, earning, occasion))
            }
            PointsAccountCommand::Reverse { booking, earning, occasion } => {
                Ok(self.reverse(booking, earning, occasion))
            }
            PointsAccountCommand::Close { .. } if self.is_closed => Ok(Vec::new()),
            PointsAccountCommand::Close { occasion } => {
                Ok(vec![PointsAccountEvent::AccountClosed { expired: self.balance, business_date: today(occasion) }])
            }
        }
    }

    /// Takes an event into the state, and forgets what cannot matter any more on its business date.
    pub fn apply(&mut self, event: &PointsAccountEvent) {
        let business_date = event.business_date();
        if self.redeemed.reach(business_date).is_some() {
            self.earned.forget(business_date);
        }
        match event {
            PointsAccountEvent::PointsEarned { points, earned_for, .. } => {
                self.credit(*points);
                if let EarnedFor::Booking { booking, until } = earned_for {
                    self.earned.hold(*booking, 1, *points, *until);
                }
            }
            PointsAccountEvent::PointsRedeemed { booking, attempt, points, value, .. } => {
                self.debit(points.points);
                let held = Redeemed { points: points.points, value: *value };
                self.redeemed.bookings.hold(*booking, *attempt, held, points.until);
            }
            PointsAccountEvent::RedemptionRefused { booking, attempt, points, failure, .. } => {
                self.redeemed.bookings.refuse(*booking, *attempt, failure.clone(), points.until);
            }
            PointsAccountEvent::PointsRestored { booking, attempt, points, .. } => {
                self.credit(*points);
                self.redeemed.bookings.release(*booking, *attempt);
            }
            PointsAccountEvent::RedemptionBarred { booking, attempt, points, .. } => {
                self.redeemed.bookings.bar(*booking, *attempt, points.until);
            }
            PointsAccountEvent::AnswerRepeated { booking, answer, .. } => {
                self.redeemed.bookings.repeat(*booking, answer);
            }
            PointsAccountEvent::PointsReversed { booking, points, owed, .. } => {
                self.debit(*points);
                self.earned.release(*booking, 1);
                self.owe(*booking, *owed);
            }
            PointsAccountEvent::EarningBarred { booking, until, .. } => self.earned.bar(*booking, 1, *until),
            PointsAccountEvent::AccountClosed { expired, .. } => {
                self.debit(*expired);
                self.is_closed = true;
            }
        }
    }

    /// Points that can be used now.
    pub const fn balance(&self) -> u64 {
        self.balance
    }

    /// Bytes that it takes on the heap, about.
    pub(crate) fn footprint(&self) -> usize {
        footprint::of_entries::<BookingId, u64>(self.owed.len())
            + self.redeemed.bookings.footprint()
            + self.earned.footprint()
    }

    /// Nothing is earned beyond [`POINTS_MAX`]; what comes back may exceed it, far below an overflow.
    const fn credit(&mut self, points: u64) {
        self.balance = self.balance.saturating_add(points);
    }

    /// An account is never overdrawn: decisions see to it.
    const fn debit(&mut self, points: u64) {
        self.balance = self.balance.saturating_sub(points);
    }

    fn owe(&mut self, booking: BookingId, points: u64) {
        if points == 0 {
            self.owed.remove(&booking);
        } else {
            self.owed.insert(booking, points);
        }
    }

    /// Whether so many points can be given to it.
    pub const fn takes(&self, points: u64) -> bool {
        !self.is_closed && self.has_room_for(points)
    }

    const fn has_room_for(&self, points: u64) -> bool {
        self.balance.saturating_add(points) <= POINTS_MAX
    }
}

/// The business date of a decision: the day in UTC, as a member is at no place.
fn today(occasion: Occasion) -> NaiveDate {
    occasion.at.date_naive()
}

cqrs_aggregate!(
    PointsAccount,
    StreamKind::PointsAccount,
    PointsAccountCommand,
    PointsAccountEvent,
    PointsAccountError,
    |state, command| state.decide(command)
);
