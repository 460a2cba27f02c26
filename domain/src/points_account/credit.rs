//! What brings points, and what takes back what was brought.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{EarnedFor, PointsAccount, PointsAccountError, PointsAccountEvent, today};
use crate::id::BookingId;
use crate::occasion::Occasion;
use crate::points::Earning;
use crate::reservation::{RequestVerdict, UndoVerdict};

impl PointsAccount {
    pub(super) fn earn(
        &self,
        points: u64,
        earned_for: EarnedFor,
        occasion: Occasion,
    ) -> Result<Vec<PointsAccountEvent>, PointsAccountError> {
        if self.is_closed {
            return Err(PointsAccountError::Closed);
        }
        if points == 0 || !self.has_room_for(points) {
            return Err(PointsAccountError::Points);
        }
        Ok(self
            .credited(PointsAccountEvent::PointsEarned { points, earned_for, business_date: today(occasion) }, points))
    }

    /// Nothing comes to an account that was closed or is full, nor for a trip that is forgotten: nobody waits for an answer.
    pub(super) fn earn_for_booking(
        &self,
        booking: BookingId,
        earning: Earning,
        occasion: Occasion,
    ) -> Vec<PointsAccountEvent> {
        let Earning { points, until, .. } = earning;
        let may_come =
            !self.is_closed && self.has_room_for(points) && !self.redeemed.has_forgotten(until, today(occasion));
        if !may_come || self.earned.on_request(booking, 1) != RequestVerdict::Decide {
            return Vec::new();
        }
        let earned_for = EarnedFor::Booking { booking, until };
        self.credited(PointsAccountEvent::PointsEarned { points, earned_for, business_date: today(occasion) }, points)
    }

    /// As much as is there; the rest is owed. What was not earned yet is barred.
    pub(super) fn reverse(&self, booking: BookingId, earning: Earning, occasion: Occasion) -> Vec<PointsAccountEvent> {
        let business_date = today(occasion);
        match self.earned.on_undo(booking, 1) {
            // The member has left: what was there has expired.
            UndoVerdict::Release(_) if self.is_closed => {
                vec![PointsAccountEvent::PointsReversed { booking, points: 0, owed: 0, business_date }]
            }
            UndoVerdict::Release(earned) => {
                let points = (*earned).min(self.balance);
                vec![PointsAccountEvent::PointsReversed { booking, points, owed: earned - points, business_date }]
            }
            // What it brought is forgotten; nobody waits for an answer.
            UndoVerdict::Bar if self.redeemed.has_forgotten(earning.until, business_date) => Vec::new(),
            UndoVerdict::Bar => {
                vec![PointsAccountEvent::EarningBarred { booking, until: earning.until, business_date }]
            }
            UndoVerdict::Answered | UndoVerdict::Repeat => Vec::new(),
        }
    }

    /// What is owed is taken from what comes, the oldest id first.
    pub(super) fn credited(&self, credit: PointsAccountEvent, points: u64) -> Vec<PointsAccountEvent> {
        let business_date = credit.business_date();
        let taken = taken_from(&self.owed, self.balance.saturating_add(points), business_date);
        std::iter::once(credit).chain(taken).collect()
    }
}

fn taken_from(
    owed: &BTreeMap<BookingId, u64>,
    mut balance: u64,
    business_date: NaiveDate,
) -> impl Iterator<Item = PointsAccountEvent> {
    owed.iter().map_while(move |(booking, owed)| {
        let points = balance.min(*owed);
        balance -= points;
        (points > 0).then_some(PointsAccountEvent::PointsReversed {
            booking: *booking,
            points,
            owed: owed - points,
            business_date,
        })
    })
}
