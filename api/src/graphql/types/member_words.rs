//! The enums of members, points and campaigns, in the reference system's names where it has them.

use async_graphql::Enum;
use traveladvisor_domain::{campaign, member};
use traveladvisor_projections::views;

/// A member's gender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "member::Gender")]
pub(crate) enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Another.
    Other,
    /// Not told.
    Undisclosed,
}

/// Where a membership stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::MemberStatus")]
pub(crate) enum MemberStatus {
    /// A member.
    Active,
    /// Has left, for good.
    Closed,
}

/// What became of some points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::PointsEntryType")]
pub(crate) enum PointsEntryType {
    /// They came, from a campaign, a trip or an operator.
    Earn,
    /// They paid a trip.
    Redeem,
    /// What had paid a trip came back.
    Restored,
    /// What a trip had brought was taken back.
    Reversed,
    /// They expired, as the member has left.
    Expired,
}

/// What a campaign rewards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "campaign::Action")]
pub(crate) enum CampaignAction {
    /// Becoming a member: granted by itself.
    Signup,
    /// Having referred a new member: granted by itself, when that one signs up.
    Referral,
    /// A review: granted by operators.
    Review,
}

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "campaign::CampaignStatus")]
pub(crate) enum CampaignStatus {
    /// Its date has not come.
    WillOpen,
    /// It grants.
    Active,
    /// Its end has come, it was closed, or nothing is left.
    Close,
}

/// What a reward is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RewardKind {
    /// Points; they stand in the member's account.
    Point,
    /// A voucher for one trip.
    Voucher,
    /// A discount on one trip: used as a voucher is.
    Discount,
    /// Something that people hand over.
    Gift,
}
