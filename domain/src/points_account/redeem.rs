//! What payments ask of an account: points for a trip, and to give them back.

use chrono::NaiveDate;

use super::{PointsAccount, PointsAccountEvent, today};
use crate::failure::{Code, Failure};
use crate::id::BookingId;
use crate::message::{Answer, Direction, Outcome};
use crate::occasion::Occasion;
use crate::points::{PointsOrder, PointsToRedeem};
use crate::reservation::{RequestVerdict, UndoVerdict};
use crate::trip::Step;

impl PointsAccount {
    pub(super) fn order(&self, booking: BookingId, order: PointsOrder, occasion: Occasion) -> Vec<PointsAccountEvent> {
        match order.direction {
            Direction::Request => self.redeem(booking, order, occasion),
            Direction::Undo => self.restore(booking, order, occasion),
        }
    }

    fn redeem(&self, booking: BookingId, order: PointsOrder, occasion: Occasion) -> Vec<PointsAccountEvent> {
        let PointsOrder { attempt, points, value, .. } = order;
        let business_date = today(occasion);
        let decided = match self.redeemed.bookings.on_request(booking, attempt) {
            RequestVerdict::Answered => return Vec::new(),
            RequestVerdict::Repeat(outcome) => return vec![repeated(booking, order, outcome, occasion)],
            RequestVerdict::Refuse(failure) => Err(failure),
            RequestVerdict::Decide => self.grant(points, business_date),
        };
        vec![match decided {
            Ok(()) => PointsAccountEvent::PointsRedeemed { booking, attempt, points, value, business_date },
            Err(failure) => PointsAccountEvent::RedemptionRefused { booking, attempt, points, failure, business_date },
        }]
    }

    fn restore(&self, booking: BookingId, order: PointsOrder, occasion: Occasion) -> Vec<PointsAccountEvent> {
        let PointsOrder { attempt, points, .. } = order;
        let business_date = today(occasion);
        match self.redeemed.bookings.on_undo(booking, attempt) {
            UndoVerdict::Answered => Vec::new(),
            UndoVerdict::Release(held) => {
                let restored = PointsAccountEvent::PointsRestored {
                    booking,
                    attempt,
                    points: held.points,
                    value: held.value,
                    business_date,
                };
                // What comes back to somebody who has left expires like the rest.
                if self.is_closed {
                    return vec![restored, PointsAccountEvent::AccountClosed { expired: held.points, business_date }];
                }
                self.credited(restored, held.points)
            }
            UndoVerdict::Bar if !self.redeemed.has_forgotten(points.until, business_date) => {
                vec![PointsAccountEvent::RedemptionBarred { booking, attempt, points, business_date }]
            }
            UndoVerdict::Bar | UndoVerdict::Repeat => vec![repeated(booking, order, Outcome::Done, occasion)],
        }
    }

    fn grant(&self, points: PointsToRedeem, today: NaiveDate) -> Result<(), Failure> {
        // It may have been paid before: that would be forgotten by now.
        if self.redeemed.has_forgotten(points.until, today) {
            return Err(Failure::new(Code::Past, "The trip is long over: book a new one."));
        }
        if self.is_closed {
            return Err(Failure::new(Code::MemberClosed, "The member has left: pay in another way."));
        }
        if points.points > self.balance {
            let message = format!(
                "The trip costs {} points and the account holds {}: pay in another way.",
                points.points, self.balance
            );
            return Err(Failure::new(Code::InsufficientFunds, message));
        }
        Ok(())
    }
}

fn repeated(booking: BookingId, order: PointsOrder, outcome: Outcome, occasion: Occasion) -> PointsAccountEvent {
    let PointsOrder { direction, attempt, .. } = order;
    let answer = Answer { step: Step::Payment, direction, attempt, outcome };
    PointsAccountEvent::AnswerRepeated { booking, answer, business_date: today(occasion) }
}
