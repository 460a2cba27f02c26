//! What a campaign can be asked.

use super::event::CampaignDetails;
use crate::id::RewardId;
use crate::occasion::Occasion;

/// Most rewards of one campaign whose number is bounded.
pub const BUDGET_MAX: u32 = 10_000_000;
/// Most points of one reward: all campaigns together fit into one account.
pub const REWARD_POINTS_MAX: u64 = 1_000_000_000_000;
/// Longest code of a campaign, in characters.
pub const CODE_CHARS_MAX: usize = 100;
/// Longest name of a campaign, in characters.
pub const NAME_CHARS_MAX: usize = 255;
/// Longest description of a campaign or a gift, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;

/// Commands of the aggregate `campaign`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CampaignCommand {
    /// List it, or replace its details. The same details again change nothing.
    List {
        /// All that is known of it.
        details: CampaignDetails,
    },
    /// Open it by hand, before its date.
    Open {
        /// When.
        occasion: Occasion,
    },
    /// Close it by hand, for good.
    Close,
    /// Count a reward that is being granted.
    Count {
        /// Which.
        reward: RewardId,
        /// When.
        occasion: Occasion,
    },
}
