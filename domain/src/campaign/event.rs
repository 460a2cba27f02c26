//! What happens to a campaign.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::discount::VoucherTerms;
use crate::id::RewardId;
use crate::shape::event_shapes;

/// What is rewarded; the words of the reference system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// Becoming a member.
    Signup,
    /// Having referred a new member.
    Referral,
    /// A review.
    Review,
}

impl Action {
    /// The stored name, for example `SIGNUP`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signup => "SIGNUP",
            Self::Referral => "REFERRAL",
            Self::Review => "REVIEW",
        }
    }
}

/// What is granted; the words of the reference system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RewardTerms {
    /// Points, at least one.
    Point(u64),
    /// A voucher for one trip.
    Voucher(VoucherTerms),
    /// A discount on one trip: used as a voucher is.
    Discount(VoucherTerms),
    /// Something that people hand over, in words.
    Gift(String),
}

impl RewardTerms {
    /// The stored name, for example `POINT`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Point(_) => "POINT",
            Self::Voucher(_) => "VOUCHER",
            Self::Discount(_) => "DISCOUNT",
            Self::Gift(_) => "GIFT",
        }
    }
}

/// What is known of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignDetails {
    /// Who runs it; `own` for our own.
    pub supplier: String,
    /// Its code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What is rewarded.
    pub action: Action,
    /// What is granted.
    pub reward: RewardTerms,
    /// From when on.
    pub opens_at: DateTime<Utc>,
    /// Until when; absent: until it is closed by hand.
    pub ends_at: Option<DateTime<Utc>>,
    /// How many rewards there are; absent: without end.
    pub budget: Option<u32>,
}

/// Why a campaign was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClosedBecause {
    /// Somebody has closed it.
    ByHand,
    /// All its rewards were granted.
    BudgetUsed,
}

/// Events of the stream `campaign`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CampaignEvent {
    /// First seen.
    CampaignListed {
        /// All that is known of it.
        details: CampaignDetails,
    },
    /// Details replaced as a whole.
    CampaignChanged {
        /// All that is known of it.
        details: CampaignDetails,
    },
    /// Opened by hand, before its date.
    CampaignOpened,
    /// Closed for good, before its end.
    CampaignClosed {
        /// Why.
        because: ClosedBecause,
    },
    /// One of a bounded number of rewards was granted.
    RewardCounted {
        /// Which.
        reward: RewardId,
    },
}

event_shapes! {
    CampaignEvent {
        CampaignListed: [],
        CampaignChanged: [],
        CampaignOpened: [],
        CampaignClosed: [],
        RewardCounted: [],
    }
}
