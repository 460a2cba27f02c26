//! What an event of an account moves, taken into its balance and its history.

use serde::{Deserialize, Serialize};
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId, RewardId};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::points_account::{EarnedFor, PointsAccountEvent};

use super::rows::{Account, Line, PointsBatch};
use crate::runtime::{FoldError, Recorded};
use crate::views::PointsEntryType;

/// Why points moved, as it is stored. Who the operator was stands beside the event: see [`super::query`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Cause {
    /// A reward of a campaign.
    Campaign { campaign: CampaignId, reward: RewardId },
    /// A trip.
    Booking(BookingId),
    /// An operator, for this reason.
    Operator { reason: String },
    /// The member has left.
    Closing,
}

/// What an event moves.
#[derive(Debug)]
pub(super) struct Moved {
    kind: PointsEntryType,
    /// None where an account is closed that holds nothing: that is no line of its history.
    points: i128,
    cause: Cause,
    value: Option<Money>,
    closes: bool,
}

/// What an event moves; nothing for what was refused, barred or only told again, and where nothing was there to be taken back.
pub(super) fn moved(event: &PointsAccountEvent) -> Option<Moved> {
    let (kind, points, cause, value) = match event {
        PointsAccountEvent::PointsEarned { points, earned_for, .. } => {
            (PointsEntryType::Earn, i128::from(*points), earned(earned_for), None)
        }
        PointsAccountEvent::PointsRedeemed { booking, points, value, .. } => {
            (PointsEntryType::Redeem, -i128::from(points.points), Cause::Booking(*booking), Some(*value))
        }
        PointsAccountEvent::PointsRestored { booking, points, value, .. } => {
            (PointsEntryType::Restored, i128::from(*points), Cause::Booking(*booking), Some(*value))
        }
        PointsAccountEvent::PointsReversed { booking, points, .. } if *points > 0 => {
            (PointsEntryType::Reversed, -i128::from(*points), Cause::Booking(*booking), None)
        }
        PointsAccountEvent::AccountClosed { expired, .. } => {
            (PointsEntryType::Expired, -i128::from(*expired), Cause::Closing, None)
        }
        PointsAccountEvent::PointsReversed { .. }
        | PointsAccountEvent::RedemptionRefused { .. }
        | PointsAccountEvent::RedemptionBarred { .. }
        | PointsAccountEvent::AnswerRepeated { .. }
        | PointsAccountEvent::EarningBarred { .. } => return None,
    };
    Some(Moved { kind, points, cause, value, closes: matches!(event, PointsAccountEvent::AccountClosed { .. }) })
}

fn earned(earned_for: &EarnedFor) -> Cause {
    match earned_for {
        EarnedFor::Campaign { campaign, reward } => Cause::Campaign { campaign: *campaign, reward: *reward },
        EarnedFor::Booking { booking, .. } => Cause::Booking(*booking),
        EarnedFor::Operator { reason } => Cause::Operator { reason: reason.clone() },
    }
}

/// Errors: the account would hold less than nothing, or more than can be counted.
pub(super) fn fold(batch: &mut PointsBatch, recorded: &Recorded, moved: Moved) -> Result<(), FoldError> {
    let (member, at) = (MemberId(recorded.stream.uuid), recorded.told.occurred_at);
    let Moved { kind, points, cause, value, closes } = moved;
    let before = batch.accounts.get(&member).map_or(0, |account| account.balance);
    let after = i64::try_from(i128::from(before) + points).ok().filter(|after| *after >= 0);
    let (Some(balance), Ok(points)) = (after, i64::try_from(points)) else {
        return Err(FoldError::new("the account would hold less than nothing, or more than can be counted"));
    };
    if !batch.accounts.holds(&member) {
        batch.accounts.keep_new(member, Account::empty(at));
    }
    if let Some(account) = batch.accounts.change(&member) {
        account.balance = balance;
        account.is_closed |= closes;
        account.updated_at = account.updated_at.max(at);
    }
    if points != 0 {
        batch.tell(&Line { member, position: recorded.position, at, kind, points, balance, cause, value });
    }
    Ok(())
}
