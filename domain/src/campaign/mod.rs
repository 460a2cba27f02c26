//! What is granted for which action, from when until when, and how often.

mod command;
mod error;
mod event;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use command::{
    BUDGET_MAX, CODE_CHARS_MAX, CampaignCommand, DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, REWARD_POINTS_MAX,
};
pub use error::CampaignError;
pub use event::{Action, CampaignDetails, CampaignEvent, ClosedBecause, RewardTerms};

use crate::aggregate::cqrs_aggregate;
use crate::discount::{Off, PERCENT_MAX, VALID_DAYS_MAX, VoucherTerms};
use crate::footprint::of_texts;
use crate::id::{RewardId, StreamKind};
use crate::occasion::Occasion;
use crate::reservation::Version;

/// The states of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Campaign {
    /// Not listed.
    #[default]
    Unlisted,
    /// Listed.
    Listed(Box<Listing>),
}

/// A campaign that is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    version: Version,
    details: CampaignDetails,
    /// Opened by hand.
    opened: bool,
    closed: Option<ClosedBecause>,
    /// Rewards granted, of those that are counted.
    granted: u32,
}

/// Where a campaign stands; the words of the reference system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CampaignStatus {
    /// Its date has not come.
    WillOpen,
    /// It grants.
    Active,
    /// Its end has come, it was closed, or nothing is left.
    Close,
}

impl CampaignStatus {
    /// The stored name, for example `WILL_OPEN`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WillOpen => "WILL_OPEN",
            Self::Active => "ACTIVE",
            Self::Close => "CLOSE",
        }
    }
}

impl Campaign {
    /// What the command makes happen. No events: it is so already.
    ///
    /// # Errors
    ///
    /// See [`CampaignError`].
    pub fn decide(&self, command: CampaignCommand) -> Result<Vec<CampaignEvent>, CampaignError> {
        match (self, command) {
            (_, CampaignCommand::List { details }) => self.list(details),
            (Self::Unlisted, _) => Err(CampaignError::NotFound),
            (Self::Listed(listing), CampaignCommand::Open { occasion }) => match listing.status(occasion.at) {
                CampaignStatus::WillOpen => Ok(vec![CampaignEvent::CampaignOpened]),
                CampaignStatus::Active => Ok(Vec::new()),
                CampaignStatus::Close => Err(CampaignError::Closed),
            },
            (Self::Listed(listing), CampaignCommand::Close) => Ok(match listing.closed {
                None => vec![CampaignEvent::CampaignClosed { because: ClosedBecause::ByHand }],
                Some(_) => Vec::new(),
            }),
            (Self::Listed(listing), CampaignCommand::Count { reward, occasion }) => listing.count(reward, occasion),
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &CampaignEvent) {
        match (&mut *self, event) {
            (
                Self::Listed(it),
                CampaignEvent::CampaignListed { details } | CampaignEvent::CampaignChanged { details },
            ) => {
                it.details = details.clone();
            }
            (
                Self::Unlisted,
                CampaignEvent::CampaignListed { details } | CampaignEvent::CampaignChanged { details },
            ) => {
                let listing =
                    Listing { version: Version, details: details.clone(), opened: false, closed: None, granted: 0 };
                *self = Self::Listed(Box::new(listing));
            }
            (Self::Listed(listing), CampaignEvent::CampaignOpened) => listing.opened = true,
            (Self::Listed(listing), CampaignEvent::CampaignClosed { because }) => listing.closed = Some(*because),
            (Self::Listed(listing), CampaignEvent::RewardCounted { .. }) => listing.granted += 1,
            (Self::Unlisted, _) => {}
        }
    }

    /// What is known of it; absent when it is not listed.
    pub const fn details(&self) -> Option<&CampaignDetails> {
        match self {
            Self::Unlisted => None,
            Self::Listed(listing) => Some(&listing.details),
        }
    }

    /// Where it stands at a moment; absent when it is not listed.
    pub fn status(&self, at: DateTime<Utc>) -> Option<CampaignStatus> {
        match self {
            Self::Unlisted => None,
            Self::Listed(listing) => Some(listing.status(at)),
        }
    }

    /// Whether the next reward is the last one.
    pub fn is_granting_last(&self) -> bool {
        matches!(self, Self::Listed(it) if it.details.budget.is_some_and(|budget| it.granted + 1 >= budget))
    }

    /// Bytes that it takes on the heap, about.
    pub(crate) fn footprint(&self) -> usize {
        match self {
            Self::Unlisted => 0,
            Self::Listed(listing) => {
                let CampaignDetails { supplier, code, name, description, .. } = &listing.details;
                size_of::<Listing>() + of_texts([supplier, code, name, description])
            }
        }
    }

    fn list(&self, details: CampaignDetails) -> Result<Vec<CampaignEvent>, CampaignError> {
        check(&details)?;
        let Self::Listed(listing) = self else { return Ok(vec![CampaignEvent::CampaignListed { details }]) };
        if listing.details == details {
            return Ok(Vec::new());
        }
        if listing.details.action != details.action {
            return Err(CampaignError::OtherAction);
        }
        if listing.closed.is_some() {
            return Err(CampaignError::Closed);
        }
        // What was granted without a budget was not counted.
        if details.budget.is_some() && listing.details.budget.is_none() {
            return Err(CampaignError::NotCounted);
        }
        if details.budget.is_some_and(|budget| budget < listing.granted) {
            return Err(CampaignError::BudgetBelowGranted);
        }
        let is_used = details.budget == Some(listing.granted);
        let last = is_used.then_some(CampaignEvent::CampaignClosed { because: ClosedBecause::BudgetUsed });
        Ok(std::iter::once(CampaignEvent::CampaignChanged { details }).chain(last).collect())
    }
}

impl Listing {
    fn status(&self, at: DateTime<Utc>) -> CampaignStatus {
        let has_ended = self.details.ends_at.is_some_and(|ends_at| ends_at <= at);
        if self.closed.is_some() || has_ended {
            CampaignStatus::Close
        } else if self.opened || self.details.opens_at <= at {
            CampaignStatus::Active
        } else {
            CampaignStatus::WillOpen
        }
    }

    /// The last reward of a budget closes the campaign.
    fn count(&self, reward: RewardId, occasion: Occasion) -> Result<Vec<CampaignEvent>, CampaignError> {
        match self.status(occasion.at) {
            CampaignStatus::WillOpen => return Err(CampaignError::NotOpen),
            CampaignStatus::Close => return Err(CampaignError::Closed),
            CampaignStatus::Active => {}
        }
        let Some(budget) = self.details.budget else { return Ok(Vec::new()) };
        let Some(left) = budget.checked_sub(self.granted).filter(|left| *left > 0) else {
            return Err(CampaignError::Closed);
        };
        let last = (left == 1).then_some(CampaignEvent::CampaignClosed { because: ClosedBecause::BudgetUsed });
        Ok(std::iter::once(CampaignEvent::RewardCounted { reward }).chain(last).collect())
    }
}

fn check(details: &CampaignDetails) -> Result<(), CampaignError> {
    if details.ends_at.is_some_and(|ends_at| ends_at <= details.opens_at) {
        return Err(CampaignError::EndsBeforeItBegins);
    }
    if details.budget.is_some_and(|budget| budget == 0 || budget > BUDGET_MAX) {
        return Err(CampaignError::Budget);
    }
    match &details.reward {
        RewardTerms::Point(points) if *points == 0 || *points > REWARD_POINTS_MAX => Err(CampaignError::Points),
        RewardTerms::Voucher(terms) | RewardTerms::Discount(terms) => check_voucher(terms),
        RewardTerms::Point(_) | RewardTerms::Gift(_) => Ok(()),
    }
}

fn check_voucher(terms: &VoucherTerms) -> Result<(), CampaignError> {
    if terms.valid_days.is_some_and(|days| days == 0 || days > VALID_DAYS_MAX) {
        return Err(CampaignError::ValidDays);
    }
    if terms.minimum_total.is_some_and(|minimum| minimum.minor < 0) {
        return Err(CampaignError::Amount);
    }
    match terms.off {
        Off::Percent(percent) if percent == 0 || percent > PERCENT_MAX => Err(CampaignError::Percent),
        Off::Amount(amount) if amount.minor <= 0 => Err(CampaignError::Amount),
        Off::Amount(amount) if terms.minimum_total.is_some_and(|minimum| minimum.currency != amount.currency) => {
            Err(CampaignError::Currencies)
        }
        Off::Percent(_) | Off::Amount(_) => Ok(()),
    }
}

cqrs_aggregate!(Campaign, StreamKind::Campaign, CampaignCommand, CampaignEvent, CampaignError, |state, command| state
    .decide(command));
