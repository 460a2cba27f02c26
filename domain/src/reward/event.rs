//! What happens to a reward.

use serde::{Deserialize, Serialize};

use crate::discount::Voucher;
use crate::failure::Failure;
use crate::id::{BookingId, CampaignId, MemberId};
use crate::message::Answer;
use crate::money::Money;
use crate::shape::event_shapes;

/// What was granted; the words of the reference system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Grant {
    /// Points; they stand in the member's account.
    Point(u64),
    /// A voucher for one trip.
    Voucher(Voucher),
    /// A discount on one trip.
    Discount(Voucher),
    /// Something that people hand over, in words.
    Gift(String),
}

impl Grant {
    /// The stored name, for example `POINT`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Point(_) => "POINT",
            Self::Voucher(_) => "VOUCHER",
            Self::Discount(_) => "DISCOUNT",
            Self::Gift(_) => "GIFT",
        }
    }

    /// The voucher, where it is one.
    pub const fn voucher(&self) -> Option<&Voucher> {
        match self {
            Self::Voucher(voucher) | Self::Discount(voucher) => Some(voucher),
            Self::Point(_) | Self::Gift(_) => None,
        }
    }
}

/// Events of the stream `reward`; its UUID derives from the campaign and the cause, so that each cause is rewarded once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum RewardEvent {
    /// It was granted.
    RewardGranted {
        /// To whom.
        member: MemberId,
        /// By which campaign.
        campaign: CampaignId,
        /// For what: an opaque name without personal values.
        cause: String,
        /// What.
        grant: Grant,
    },
    /// The voucher makes a trip cheaper. Answers the request.
    VoucherRedeemed {
        /// Which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// By how much.
        discount: Money,
    },
    /// The voucher cannot be used for a trip. Answers the request.
    VoucherRefused {
        /// Which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// Why not.
        failure: Failure,
    },
    /// The trip does not stand: the voucher can be used again while it is valid. Answers the undo.
    VoucherReturned {
        /// Which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// By how much the trip was to be cheaper.
        discount: Money,
    },
    /// A cancel came before its request: the request will be refused. Answers the undo.
    RedemptionBarred {
        /// Which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
    },
    /// A new attempt of what is settled gets its answer.
    AnswerRepeated {
        /// Which trip.
        booking: BookingId,
        /// The answer, with the new attempt.
        answer: Answer,
    },
}

event_shapes! {
    RewardEvent {
        RewardGranted: [],
        VoucherRedeemed: [],
        VoucherRefused: [],
        VoucherReturned: [],
        RedemptionBarred: [],
        AnswerRepeated: [],
    }
}
