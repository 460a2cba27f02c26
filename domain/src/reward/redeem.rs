//! What trips ask of a voucher: how much it takes off, to be used, and to be given back.

use super::{Reward, RewardEvent, TRIPS_MAX};
use crate::failure::{Code, Failure};
use crate::id::{BookingId, MemberId};
use crate::message::{Answer, Direction, Outcome};
use crate::money::Money;
use crate::occasion::Occasion;
use crate::reservation::{RequestVerdict, UndoVerdict};
use crate::trip::{Step, VoucherPart};

impl Reward {
    /// What the voucher takes off a trip of this total that this member books now.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` (there is none, or it is another's: which of both is not told), `VOUCHER_NOT_APPLICABLE`, `VOUCHER_USED`, then those of
    /// [`crate::discount::Voucher::off`].
    pub fn offer(&self, booker: MemberId, total: Money, occasion: Occasion) -> Result<Money, Failure> {
        if self.member() != Some(booker) {
            return Err(Failure::new(Code::NotFound, "You have no such voucher: check its id."));
        }
        let Some(voucher) = self.voucher() else {
            let message = "This reward is no voucher: points are used as payment, gifts are handed over.";
            return Err(Failure::new(Code::VoucherNotApplicable, message));
        };
        if self.is_used() {
            return Err(Failure::new(Code::VoucherUsed, "The voucher is used for another trip: book without it."));
        }
        if self.trips().len() >= TRIPS_MAX {
            let message = "The voucher was used and given back too often: book without it.";
            return Err(Failure::new(Code::VoucherNotApplicable, message));
        }
        voucher.off(total, occasion.at)
    }

    pub(super) fn redeem(
        &self,
        booking: BookingId,
        attempt: u32,
        part: VoucherPart,
        occasion: Occasion,
    ) -> Vec<RewardEvent> {
        let decided = match self.trips().on_request(booking, attempt) {
            RequestVerdict::Answered => return Vec::new(),
            RequestVerdict::Repeat(outcome) => return vec![repeated(booking, Direction::Request, attempt, outcome)],
            RequestVerdict::Refuse(failure) => Err(failure),
            RequestVerdict::Decide => self.grant(part, occasion),
        };
        vec![match decided {
            Ok(()) => RewardEvent::VoucherRedeemed { booking, attempt, discount: part.discount },
            Err(failure) => RewardEvent::VoucherRefused { booking, attempt, failure },
        }]
    }

    pub(super) fn give_back(&self, booking: BookingId, attempt: u32) -> Vec<RewardEvent> {
        vec![match self.trips().on_undo(booking, attempt) {
            UndoVerdict::Answered => return Vec::new(),
            UndoVerdict::Release(discount) => RewardEvent::VoucherReturned { booking, attempt, discount: *discount },
            UndoVerdict::Bar => RewardEvent::RedemptionBarred { booking, attempt },
            UndoVerdict::Repeat => repeated(booking, Direction::Undo, attempt, Outcome::Done),
        }]
    }

    /// Whether it takes off what the trip was quoted.
    fn grant(&self, part: VoucherPart, occasion: Occasion) -> Result<(), Failure> {
        let off = self.offer(part.member, part.total, occasion)?;
        if off != part.discount {
            let message = format!("The voucher takes {off} off now: book the trip anew.");
            return Err(Failure::new(Code::PriceChanged, message));
        }
        Ok(())
    }
}

fn repeated(booking: BookingId, direction: Direction, attempt: u32, outcome: Outcome) -> RewardEvent {
    RewardEvent::AnswerRepeated { booking, answer: Answer { step: Step::Voucher, direction, attempt, outcome } }
}
