//! Why a command to a campaign is refused.

use super::command::{BUDGET_MAX, REWARD_POINTS_MAX};
use crate::discount::{PERCENT_MAX, VALID_DAYS_MAX};
use crate::failure::Code;
use crate::programme::CAMPAIGNS_MAX;

/// Refusals of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CampaignError {
    /// The stream is empty.
    #[error("no such campaign: check the id")]
    NotFound,
    /// It has ended, was closed, or has nothing left.
    #[error("the campaign is closed: nothing is granted any more")]
    Closed,
    /// It has not begun.
    #[error("the campaign has not begun: open it, or wait for its date")]
    NotOpen,
    /// It would end before it begins.
    #[error("the campaign ends before it begins: give an end after its beginning")]
    EndsBeforeItBegins,
    /// A budget out of bounds.
    #[error("the budget is 1 to {max} rewards", max = BUDGET_MAX)]
    Budget,
    /// Fewer rewards than were granted.
    #[error("more rewards were granted already: give a larger budget, or close the campaign")]
    BudgetBelowGranted,
    /// What was granted before was not counted.
    #[error("a campaign that was listed without a budget does not get one: close it, and list another")]
    NotCounted,
    /// There are too many.
    #[error("there are {max} campaigns that were not closed: close one first", max = CAMPAIGNS_MAX)]
    TooMany,
    /// Points out of bounds.
    #[error("a reward is 1 to {max} points", max = REWARD_POINTS_MAX)]
    Points,
    /// Percent out of bounds.
    #[error("a voucher takes 1 to {max} percent off", max = PERCENT_MAX)]
    Percent,
    /// An amount of nothing or less.
    #[error("a voucher takes an amount above zero off, and its minimum is not below zero")]
    Amount,
    /// Minimum and amount in different currencies.
    #[error("amount and minimum of a voucher are in one currency")]
    Currencies,
    /// Validity out of bounds.
    #[error("a voucher is valid for 1 to {max} days", max = VALID_DAYS_MAX)]
    ValidDays,
    /// What is rewarded cannot change once it is listed.
    #[error("the action of a campaign does not change: list another campaign")]
    OtherAction,
}

impl CampaignError {
    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Closed => Code::CampaignClosed,
            Self::NotOpen => Code::CampaignNotOpen,
            Self::Currencies => Code::CurrencyMismatch,
            _ => Code::InvalidInput,
        }
    }

    /// The input field at fault, as the API names it; empty when no single field is.
    pub const fn field(self) -> &'static str {
        match self {
            Self::NotFound | Self::Closed | Self::NotOpen => "campaignId",
            Self::EndsBeforeItBegins => "endsAt",
            Self::Budget | Self::BudgetBelowGranted | Self::NotCounted => "budget",
            Self::TooMany => "",
            Self::Points | Self::Percent | Self::Amount | Self::Currencies | Self::ValidDays => "reward",
            Self::OtherAction => "action",
        }
    }
}
