//! What the programme can be asked.

use crate::campaign::Action;
use crate::id::CampaignId;

/// Commands of the aggregate `programme`. None is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgrammeCommand {
    /// There is a campaign. The same again changes nothing.
    Add {
        /// Which.
        campaign: CampaignId,
        /// What it rewards.
        action: Action,
    },
    /// A campaign was closed.
    Remove {
        /// Which.
        campaign: CampaignId,
    },
}
