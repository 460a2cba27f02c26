//! Members, their points, campaigns, and what was granted.

use chrono::{DateTime, Utc};
use traveladvisor_domain::campaign::{CampaignDetails, CampaignStatus, ClosedBecause};
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId, RewardId};
use traveladvisor_domain::member::Profile;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::reward::Grant;
use traveladvisor_infra::event_log::Position;

use super::{MemberStatus, PointsEntryType};

/// A person who has signed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Which member. The points account has the same UUID.
    pub id: MemberId,
    /// Who it is: the opaque name that the edge gives to issuer and subject. The owner of the member's trips.
    pub identity: String,
    /// Whether the member has left.
    pub status: MemberStatus,
    /// What the member says of itself; absent once it has left. `Debug` shows nothing of it.
    pub profile: Option<Profile>,
    /// Who has referred the member here, if anybody.
    pub referrer: Option<MemberId>,
    /// Sequence of the member's own stream; for `expectedVersion`.
    pub version: u64,
    /// When the member signed up, by the program's clock.
    pub created_at: DateTime<Utc>,
    /// When something last changed, by the program's clock.
    pub updated_at: DateTime<Utc>,
}

/// The points of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointsAccountView {
    /// Whose.
    pub member: MemberId,
    /// Points that can be used: the sum of the history.
    pub balance: u64,
    /// The member has left: nothing is earned or redeemed any more.
    pub is_closed: bool,
    /// When something last moved, by the program's clock.
    pub updated_at: DateTime<Utc>,
}

/// A line of the history of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsEntryView {
    /// Its place in the log. No other line of the account has it.
    pub position: Position,
    /// When, by the program's clock.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: PointsEntryType,
    /// What came, or below zero what went; never zero.
    pub points: i64,
    /// What the account held after it.
    pub balance: u64,
    /// Why.
    pub cause: PointsCause,
    /// What points were worth that paid a trip, or came back from it.
    pub value: Option<Money>,
}

/// Why points moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointsCause {
    /// A campaign has granted them.
    Campaign {
        /// Which.
        campaign: CampaignId,
        /// As which reward.
        reward: RewardId,
    },
    /// A trip that was paid with them, or has brought them, or was cancelled.
    Booking(BookingId),
    /// An operator gave them.
    Operator {
        /// Who: an opaque name.
        actor: String,
        /// Why, in the operator's words.
        reason: String,
    },
    /// The member has left.
    Closing,
}

/// What is granted for which action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignView {
    /// Which campaign.
    pub id: CampaignId,
    /// What is known of it.
    pub details: CampaignDetails,
    /// Opened by hand, before its date.
    pub opened_by_hand: bool,
    /// Why it was closed before its end, if it was.
    pub closed: Option<ClosedBecause>,
    /// Rewards that it has granted.
    pub granted: u64,
    /// Sequence of the campaign's own stream; for `expectedVersion`.
    pub version: u64,
    /// When it was listed, by the program's clock.
    pub created_at: DateTime<Utc>,
    /// When something last changed but what it has granted, by the program's clock.
    pub updated_at: DateTime<Utc>,
}

impl CampaignView {
    /// Where it stands at a moment: the campaign's own rules.
    pub fn status(&self, now: DateTime<Utc>) -> CampaignStatus {
        if self.closed.is_some() || self.details.ends_at.is_some_and(|ends_at| ends_at <= now) {
            CampaignStatus::Close
        } else if self.opened_by_hand || self.details.opens_at <= now {
            CampaignStatus::Active
        } else {
            CampaignStatus::WillOpen
        }
    }
}

/// What one member was granted for one cause: points, a gift, or a voucher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherView {
    /// Which reward.
    pub id: RewardId,
    /// To whom.
    pub member: MemberId,
    /// By which campaign.
    pub campaign: CampaignId,
    /// For what: an opaque name without personal values.
    pub cause: String,
    /// What: type and terms.
    pub grant: Grant,
    /// The trip that is cheaper by it; absent while it is free.
    pub used_by: Option<BookingId>,
    /// How much that trip is cheaper.
    pub discount: Option<Money>,
    /// When, by the program's clock.
    pub granted_at: DateTime<Utc>,
    /// Whether the member has left since, as far as the read model `members` has come: nobody can use it any more.
    pub member_has_left: bool,
    /// Sequence of what last changed it in the reward's own stream.
    pub version: u64,
}

impl VoucherView {
    /// From when on it is not valid any more; absent: never, or it is no voucher.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.grant.voucher().and_then(|voucher| voucher.expires_at)
    }

    /// Whether a trip can use it at a moment.
    pub fn is_usable(&self, now: DateTime<Utc>) -> bool {
        let is_valid = self.expires_at().is_none_or(|expires_at| expires_at > now);
        self.grant.voucher().is_some() && self.used_by.is_none() && is_valid && !self.member_has_left
    }
}
