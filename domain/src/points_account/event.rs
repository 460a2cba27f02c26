//! What happens to the points of a member.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::{BookingId, CampaignId, RewardId};
use crate::message::Answer;
use crate::money::Money;
use crate::points::PointsToRedeem;
use crate::shape::event_shapes;

/// Why points come to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EarnedFor {
    /// A campaign has granted them.
    Campaign {
        /// Which.
        campaign: CampaignId,
        /// As which reward.
        reward: RewardId,
    },
    /// A trip was approved.
    Booking {
        /// Which.
        booking: BookingId,
        /// The last day on which they may have to be taken back.
        until: NaiveDate,
    },
    /// An operator gave them; who stands in the metadata.
    Operator {
        /// Why.
        reason: String,
    },
}

/// Events of the stream `points_account`; its UUID is the member's. Each carries its business date: the day of the decision in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PointsAccountEvent {
    /// Points come.
    PointsEarned {
        /// How many.
        points: u64,
        /// Why.
        earned_for: EarnedFor,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// A trip is paid. Answers the payment.
    PointsRedeemed {
        /// Which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// Whose points, and how many.
        points: PointsToRedeem,
        /// What they pay.
        value: Money,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// Nothing was taken. Answers the payment.
    RedemptionRefused {
        /// Which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What was asked for.
        points: PointsToRedeem,
        /// Why not.
        failure: Failure,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// What a trip was paid with comes back. Answers the payment.
    PointsRestored {
        /// Which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// How many.
        points: u64,
        /// What they had paid.
        value: Money,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// A cancel came before its request: the request will be refused. Answers the payment.
    RedemptionBarred {
        /// Which trip.
        booking: BookingId,
        /// The attempt answered.
        attempt: u32,
        /// What will not be taken.
        points: PointsToRedeem,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// A new attempt of what is settled gets its answer.
    AnswerRepeated {
        /// Which trip.
        booking: BookingId,
        /// The answer, with the new attempt.
        answer: Answer,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// What a trip had brought is taken back, as far as it is there; the rest is owed and taken from what comes next.
    PointsReversed {
        /// Which trip.
        booking: BookingId,
        /// How many were taken; none where all was spent.
        points: u64,
        /// How many of this trip are still owed.
        owed: u64,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// A trip was cancelled before what it brings has come: it will not come.
    EarningBarred {
        /// Which trip.
        booking: BookingId,
        /// The last day on which it may come.
        until: NaiveDate,
        /// Day of the decision.
        business_date: NaiveDate,
    },
    /// The member has left: what is there expires, and nothing is earned or redeemed any more.
    AccountClosed {
        /// How many expire.
        expired: u64,
        /// Day of the decision.
        business_date: NaiveDate,
    },
}

impl PointsAccountEvent {
    /// The day of the decision.
    pub const fn business_date(&self) -> NaiveDate {
        match self {
            Self::PointsEarned { business_date, .. }
            | Self::PointsRedeemed { business_date, .. }
            | Self::RedemptionRefused { business_date, .. }
            | Self::PointsRestored { business_date, .. }
            | Self::RedemptionBarred { business_date, .. }
            | Self::AnswerRepeated { business_date, .. }
            | Self::PointsReversed { business_date, .. }
            | Self::EarningBarred { business_date, .. }
            | Self::AccountClosed { business_date, .. } => *business_date,
        }
    }
}

event_shapes! {
    PointsAccountEvent {
        PointsEarned: [],
        PointsRedeemed: [],
        RedemptionRefused: [],
        PointsRestored: [],
        RedemptionBarred: [],
        AnswerRepeated: [],
        PointsReversed: [],
        EarningBarred: [],
        AccountClosed: [],
    }
}
