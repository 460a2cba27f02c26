//! What members were granted.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime as Instant, Utc};
use traveladvisor_domain::discount::Voucher;
use traveladvisor_domain::reward::Grant;
use traveladvisor_projections::views::VoucherView;

use super::campaign::off;
use super::{Money, RewardKind};
use crate::graphql::scalars::DateTime;

/// What a member was granted for one cause: points, a gift, or a voucher that makes one trip cheaper.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Reward {
    /// Derives from campaign and cause. That of a voucher is what `bookTrip` takes.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// To whom.
    pub(crate) member_id: ID,
    /// By which campaign.
    pub(crate) campaign_id: ID,
    /// For what.
    pub(crate) cause: String,
    /// What it is.
    pub(crate) kind: RewardKind,
    /// How many points, as an integer in decimal text; null where it is none.
    pub(crate) points: Option<String>,
    /// Percent off the sum of a trip's parts; null where that is not what was granted.
    pub(crate) percent: Option<u8>,
    /// An amount off; null where that is not what was granted.
    pub(crate) amount: Option<Money>,
    /// What a trip's parts must cost together at least; null: anything.
    pub(crate) minimum_total: Option<Money>,
    /// What people hand over, in words; null where it is no gift.
    pub(crate) gift: Option<String>,
    /// When it was granted.
    pub(crate) granted_at: DateTime,
    /// From when on it is not valid any more; null: never, or it is no voucher.
    pub(crate) expires_at: Option<DateTime>,
    /// Whether a trip can use it now.
    pub(crate) is_usable: bool,
    /// The trip that is cheaper by it; null while it is free.
    pub(crate) booking_id: Option<ID>,
    /// By how much that trip is cheaper; null while it is free.
    pub(crate) discount: Option<Money>,
}

impl Reward {
    /// A reward as it stands at a moment.
    pub(crate) fn at(view: VoucherView, now: Instant<Utc>) -> Self {
        let is_usable = view.is_usable(now);
        let expires_at = view.expires_at().map(DateTime);
        let kind = match &view.grant {
            Grant::Point(_) => RewardKind::Point,
            Grant::Voucher(_) => RewardKind::Voucher,
            Grant::Discount(_) => RewardKind::Discount,
            Grant::Gift(_) => RewardKind::Gift,
        };
        let (percent, amount, minimum_total) = view.grant.voucher().map_or((None, None, None), |voucher: &Voucher| {
            let (percent, amount) = off(voucher.off);
            (percent, amount, voucher.minimum_total.map(Money::from))
        });
        let (points, gift) = match view.grant {
            Grant::Point(points) => (Some(points.to_string()), None),
            Grant::Gift(gift) => (None, Some(gift)),
            Grant::Voucher(_) | Grant::Discount(_) => (None, None),
        };
        Self {
            id: ID(view.id.to_string()),
            member_id: ID(view.member.to_string()),
            campaign_id: ID(view.campaign.to_string()),
            cause: view.cause,
            kind,
            points,
            percent,
            amount,
            minimum_total,
            gift,
            granted_at: DateTime(view.granted_at),
            expires_at,
            is_usable,
            booking_id: view.used_by.map(|booking| ID(booking.to_string())),
            discount: view.discount.map(Money::from),
        }
    }
}
