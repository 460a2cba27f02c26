//! What is given to open a campaign.

use async_graphql::{ID, InputObject, OneofObject};

use crate::graphql::scalars::DateTime;
use crate::graphql::types::{CampaignAction, MoneyInput};

/// A campaign to open: either one that is listed, by `campaignId`, or a new one with `campaign`.
#[derive(InputObject)]
pub(crate) struct OpenCampaignInput {
    /// 1 to 255 characters. Same key and input: the same campaign. Same key, other input: `IDEMPOTENCY_KEY_REUSED`. A header
    /// `Idempotency-Key` must bear the same key.
    pub(crate) idempotency_key: String,
    /// One whose date has not come: it opens now. One that is open stays so.
    pub(crate) campaign_id: Option<ID>,
    /// A new one, or other details of one with the same supplier and code. It opens at its date.
    pub(crate) campaign: Option<CampaignInput>,
}

/// A campaign. (`supplier`, `code`) names the same campaign at every import.
#[derive(InputObject)]
pub(crate) struct CampaignInput {
    /// Who runs it.
    #[graphql(default = "own")]
    pub(crate) supplier: String,
    /// Its code.
    pub(crate) code: String,
    /// Name for people.
    pub(crate) name: String,
    /// What it is about, at most 2000 characters.
    pub(crate) description: String,
    /// What is rewarded. It cannot change once the campaign is listed.
    pub(crate) action: CampaignAction,
    /// What is granted.
    pub(crate) reward: RewardInput,
    /// From when on: an instant that has passed opens it at once.
    pub(crate) opens_at: DateTime,
    /// Until when, later than `opensAt`; without it until it is closed by hand.
    pub(crate) ends_at: Option<DateTime>,
    /// How many rewards there are, from 1 on: the last one closes the campaign. Without end when left out.
    pub(crate) budget: Option<i64>,
}

/// What a campaign grants: exactly one of these.
#[derive(OneofObject)]
pub(crate) enum RewardInput {
    /// Points: a whole number from 1 on, in digits.
    Points(String),
    /// A voucher for one trip.
    Voucher(VoucherInput),
    /// A discount on one trip: it is used as a voucher is.
    Discount(VoucherInput),
    /// Something that people hand over, in words, at most 2000 characters.
    Gift(String),
}

/// What a voucher takes off a trip: either `percent` or `amount`.
#[derive(InputObject)]
pub(crate) struct VoucherInput {
    /// Percent off the sum of the parts, 1 to 100; rounded down to the minor unit.
    pub(crate) percent: Option<i64>,
    /// An amount off, above zero and at most what the trip costs. Only trips in its currency can use it.
    pub(crate) amount: Option<MoneyInput>,
    /// What the parts must cost together at least. Only trips in its currency can use the voucher.
    pub(crate) minimum_total: Option<MoneyInput>,
    /// For how many days it is valid once it is granted, 1 to 3660; without it for ever.
    pub(crate) valid_days: Option<i64>,
}
