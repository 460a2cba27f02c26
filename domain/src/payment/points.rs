//! A payment with points: what is asked of the account, and what its answer leads to.

use serde::{Deserialize, Serialize};

use super::{Payment, PaymentEvent, Phase};
use crate::message::{Answer, Direction, Outcome};
use crate::money::Money;
use crate::points::{PointsOrder, PointsToRedeem};

/// What an account is asked for, and how often it was asked in the present direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Redemption {
    pub(super) points: PointsToRedeem,
    pub(super) value: Money,
    pub(super) asked: u32,
}

impl Redemption {
    /// The account is asked once more for the points: it knows whether it gave them.
    pub(super) const fn ask_again(self, direction: Direction, attempt: u32) -> PaymentEvent {
        PaymentEvent::PointsAsked { direction, attempt, order: self.order(Direction::Request, self.asked + 1) }
    }

    pub(super) const fn give_back(self, attempt: u32) -> PaymentEvent {
        PaymentEvent::PointsAsked { direction: Direction::Undo, attempt, order: self.order(Direction::Undo, 1) }
    }

    pub(super) const fn give_back_again(self, attempt: u32) -> PaymentEvent {
        let order = self.order(Direction::Undo, self.asked + 1);
        PaymentEvent::PointsAsked { direction: Direction::Undo, attempt, order }
    }

    /// The first undo waits for the account's answer; a later attempt asks for it again.
    pub(super) fn undo_in_flight(self, undo: Option<u32>, attempt: u32) -> Vec<PaymentEvent> {
        match undo {
            None => vec![PaymentEvent::UndoAwaited { attempt }],
            Some(_) => vec![self.ask_again(Direction::Undo, attempt)],
        }
    }

    const fn order(self, direction: Direction, attempt: u32) -> PointsOrder {
        PointsOrder { direction, attempt, points: self.points, value: self.value }
    }
}

impl Payment {
    /// What the account said. An answer that nobody waits for any more writes nothing.
    pub(super) fn points_answered(&self, answer: Answer) -> Vec<PaymentEvent> {
        let attempt = self.requested;
        match (&self.phase, answer.direction, answer.outcome) {
            (Phase::Redeeming(redemption, undo), Direction::Request, Outcome::Done) => {
                let completed = PaymentEvent::PaymentCompleted { attempt, amount: redemption.value, charge: None };
                let give_back = undo.map(|undo| redemption.give_back(undo));
                std::iter::once(completed).chain(give_back).collect()
            }
            (Phase::Redeeming(_, undo), Direction::Request, Outcome::Refused(failure)) => {
                let tombstone = undo.map(|attempt| PaymentEvent::PaymentBarred { attempt });
                std::iter::once(PaymentEvent::PaymentFailed { attempt, failure }).chain(tombstone).collect()
            }
            (Phase::Restoring(redemption), Direction::Undo, Outcome::Done) => {
                vec![PaymentEvent::PaymentCancelled { attempt: self.undone, refunded: redemption.value }]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn points_asked(&mut self, serves: Direction, order: &PointsOrder) {
        let PointsOrder { direction, attempt: asked, points, value } = *order;
        let redemption = Redemption { points, value, asked };
        self.phase = match (direction, &self.phase) {
            (Direction::Undo, _) => Phase::Restoring(redemption),
            (Direction::Request, Phase::Redeeming(_, undo)) => {
                let undo = if serves == Direction::Undo { Some(self.undone) } else { *undo };
                Phase::Redeeming(redemption, undo)
            }
            (Direction::Request, _) => Phase::Redeeming(redemption, None),
        };
    }
}
