//! Campaigns, and what they grant.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime as Instant, Utc};
use traveladvisor_domain::campaign::RewardTerms;
use traveladvisor_domain::discount::{Off, VoucherTerms};
use traveladvisor_projections::views::CampaignView;

use super::{CampaignAction, CampaignStatus, Money, RewardKind};
use crate::graphql::scalars::DateTime;

/// What is granted for which action, from when until when, and how often.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Campaign {
    /// Derives from supplier and code: the same at every import.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// Who runs it.
    pub(crate) supplier: String,
    /// Its code.
    pub(crate) code: String,
    /// Name for people.
    pub(crate) name: String,
    /// What it is about.
    pub(crate) description: String,
    /// What is rewarded.
    pub(crate) action: CampaignAction,
    /// What is granted.
    pub(crate) reward: CampaignReward,
    /// Where it stands now.
    pub(crate) status: CampaignStatus,
    /// From when on, unless it was opened by hand before.
    pub(crate) opens_at: DateTime,
    /// Until when; null: until it is closed by hand.
    pub(crate) ends_at: Option<DateTime>,
    /// How many rewards there are; null: without end.
    pub(crate) budget: Option<u32>,
    /// How many rewards it has granted, as an integer in decimal text.
    pub(crate) granted: String,
    /// Sequence of the campaign's stream.
    pub(crate) version: u64,
}

/// What a campaign grants.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct CampaignReward {
    /// What it is.
    pub(crate) kind: RewardKind,
    /// How many points, as an integer in decimal text; null where it is none.
    pub(crate) points: Option<String>,
    /// Percent off the sum of a trip's parts; null where that is not what is granted.
    pub(crate) percent: Option<u8>,
    /// An amount off; null where that is not what is granted.
    pub(crate) amount: Option<Money>,
    /// What a trip's parts must cost together at least; null: anything.
    pub(crate) minimum_total: Option<Money>,
    /// For how many days a voucher is valid once it is granted; null: for ever, or it is none.
    pub(crate) valid_days: Option<u32>,
    /// What people hand over, in words; null where it is no gift.
    pub(crate) gift: Option<String>,
}

impl Campaign {
    /// A campaign as it stands at a moment.
    pub(crate) fn at(view: CampaignView, now: Instant<Utc>) -> Self {
        let status = view.status(now).into();
        let details = view.details;
        Self {
            id: ID(view.id.to_string()),
            supplier: details.supplier,
            code: details.code,
            name: details.name,
            description: details.description,
            action: details.action.into(),
            reward: details.reward.into(),
            status,
            opens_at: DateTime(details.opens_at),
            ends_at: details.ends_at.map(DateTime),
            budget: details.budget,
            granted: view.granted.to_string(),
            version: view.version,
        }
    }
}

impl From<RewardTerms> for CampaignReward {
    fn from(terms: RewardTerms) -> Self {
        let nothing = |kind| Self {
            kind,
            points: None,
            percent: None,
            amount: None,
            minimum_total: None,
            valid_days: None,
            gift: None,
        };
        match terms {
            RewardTerms::Point(points) => Self { points: Some(points.to_string()), ..nothing(RewardKind::Point) },
            RewardTerms::Gift(gift) => Self { gift: Some(gift), ..nothing(RewardKind::Gift) },
            RewardTerms::Voucher(terms) => nothing(RewardKind::Voucher).with(terms),
            RewardTerms::Discount(terms) => nothing(RewardKind::Discount).with(terms),
        }
    }
}

impl CampaignReward {
    fn with(self, terms: VoucherTerms) -> Self {
        let (percent, amount) = off(terms.off);
        let minimum_total = terms.minimum_total.map(Money::from);
        Self { percent, amount, minimum_total, valid_days: terms.valid_days, ..self }
    }
}

/// What is taken off, in one of two ways.
pub(super) fn off(off: Off) -> (Option<u8>, Option<Money>) {
    match off {
        Off::Percent(percent) => (Some(percent), None),
        Off::Amount(amount) => (None, Some(amount.into())),
    }
}
