//! What happens to the programme.

use serde::{Deserialize, Serialize};

use crate::campaign::Action;
use crate::id::CampaignId;
use crate::shape::event_shapes;

/// Events of the one stream `programme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgrammeEvent {
    /// There is a campaign for an action.
    CampaignAdded {
        /// Which.
        campaign: CampaignId,
        /// What it rewards.
        action: Action,
    },
    /// A campaign was closed for good.
    CampaignRemoved {
        /// Which.
        campaign: CampaignId,
    },
}

event_shapes! {
    ProgrammeEvent {
        CampaignAdded: [],
        CampaignRemoved: [],
    }
}
