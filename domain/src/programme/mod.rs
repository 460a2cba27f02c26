//! Which campaigns there are for which action. One stream: so whoever signs up finds in the log itself what is granted for it, however far
//! behind the read models are.

mod command;
mod event;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde::{Deserialize, Serialize};

pub use command::ProgrammeCommand;
pub use event::ProgrammeEvent;

use crate::aggregate::cqrs_aggregate;
use crate::campaign::Action;
use crate::footprint;
use crate::id::{CampaignId, StreamKind};

/// Most campaigns that are not closed: whoever signs up reads those of an action.
pub const CAMPAIGNS_MAX: usize = 1_000;

/// The campaigns that were not closed, and what each rewards. One whose end has come stands here until a sign-up that looks at it finds
/// that, or until it is closed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Programme(BTreeMap<CampaignId, Action>);

impl Programme {
    /// What the command makes happen. No events: it is so already.
    pub fn decide(&self, command: ProgrammeCommand) -> Vec<ProgrammeEvent> {
        match command {
            ProgrammeCommand::Add { campaign, action } if self.0.get(&campaign) != Some(&action) => {
                vec![ProgrammeEvent::CampaignAdded { campaign, action }]
            }
            ProgrammeCommand::Remove { campaign } if self.0.contains_key(&campaign) => {
                vec![ProgrammeEvent::CampaignRemoved { campaign }]
            }
            ProgrammeCommand::Add { .. } | ProgrammeCommand::Remove { .. } => Vec::new(),
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &ProgrammeEvent) {
        match event {
            ProgrammeEvent::CampaignAdded { campaign, action } => {
                self.0.insert(*campaign, *action);
            }
            ProgrammeEvent::CampaignRemoved { campaign } => {
                self.0.remove(campaign);
            }
        }
    }

    /// The campaigns for an action, in the order of their ids.
    pub fn campaigns(&self, action: Action) -> impl Iterator<Item = CampaignId> {
        self.0.iter().filter(move |(_, rewarded)| **rewarded == action).map(|(campaign, _)| *campaign)
    }

    /// Whether one more may be listed.
    pub fn has_room_for(&self, campaign: CampaignId) -> bool {
        self.0.len() < CAMPAIGNS_MAX || self.0.contains_key(&campaign)
    }

    /// Bytes that it takes on the heap, about.
    pub(crate) fn footprint(&self) -> usize {
        footprint::of_entries::<CampaignId, Action>(self.0.len())
    }
}

cqrs_aggregate!(Programme, StreamKind::Programme, ProgrammeCommand, ProgrammeEvent, Infallible, |state, command| Ok(
    state.decide(command)
));
