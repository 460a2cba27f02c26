//! An event taken into its campaign.

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::campaign::{CampaignDetails, CampaignEvent};
use traveladvisor_domain::id::CampaignId;
use traveladvisor_domain::reward::RewardEvent;

use super::rows::{CampaignBatch, CampaignRow};
use crate::runtime::Recorded;

pub(super) fn fold(batch: &mut CampaignBatch, recorded: &Recorded) {
    match &recorded.told.event {
        Event::Campaign(event) => take(batch, CampaignId(recorded.stream.uuid), event, recorded),
        // Where nothing is listed there is nothing to show.
        Event::Reward(RewardEvent::RewardGranted { campaign, .. }) => {
            if let Some(row) = batch.campaigns.change(campaign) {
                row.granted += 1;
            }
        }
        _ => {}
    }
}

fn take(batch: &mut CampaignBatch, id: CampaignId, event: &CampaignEvent, recorded: &Recorded) {
    if let CampaignEvent::CampaignListed { details } | CampaignEvent::CampaignChanged { details } = event {
        list(batch, id, details, recorded);
    }
    let Some(row) = batch.campaigns.change(&id) else { return };
    match event {
        CampaignEvent::CampaignOpened => row.opened_by_hand = true,
        CampaignEvent::CampaignClosed { because } => row.closed = Some(*because),
        CampaignEvent::CampaignListed { .. }
        | CampaignEvent::CampaignChanged { .. }
        | CampaignEvent::RewardCounted { .. } => {}
    }
    row.version = recorded.sequence;
    row.updated_at = row.updated_at.max(recorded.told.occurred_at);
}

fn list(batch: &mut CampaignBatch, id: CampaignId, details: &CampaignDetails, recorded: &Recorded) {
    match batch.campaigns.change(&id) {
        Some(row) => row.details = details.clone(),
        None => _ = batch.campaigns.keep_new(id, CampaignRow::listed(details.clone(), recorded.told.occurred_at)),
    }
}
