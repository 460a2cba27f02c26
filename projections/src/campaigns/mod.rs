//! The read model `campaigns`: what is granted for which action, and how often it was.

mod fold;
pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{CampaignId, StreamId, StreamKind};
use traveladvisor_domain::reward::RewardEvent;

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{CAMPAIGNS, CampaignBatch};

/// The projection of campaigns. Its key is the campaign: its own stream, and of each reward that it was granted. A campaign without a
/// budget does not count its rewards itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Campaigns;

impl Projection for Campaigns {
    const NAME: &'static str = "campaigns";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Campaign, StreamKind::Reward];
    const TABLES: &'static [&'static Table] = &[&CAMPAIGNS];
    type Batch = CampaignBatch;

    // Which campaign an unreadable event of a reward belongs to is not known. It keeps the name of its own stream: nothing waits behind it,
    // and nothing has to, as rewards are only counted.
    fn key(recorded: &Recorded) -> Option<StreamId> {
        match &recorded.told.event {
            Event::Campaign(_) => Some(recorded.stream),
            Event::Reward(RewardEvent::RewardGranted { campaign, .. }) => Some(campaign.stream()),
            _ => None,
        }
    }

    async fn load(
        &self,
        keys: &BTreeSet<StreamId>,
        batch: &mut CampaignBatch,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        batch.load(keys, connection).await
    }

    fn begins(recorded: &Recorded) -> bool {
        recorded.sequence == 1 && recorded.stream.kind == StreamKind::Campaign
    }

    fn holds(batch: &CampaignBatch, key: StreamId) -> bool {
        batch.campaigns.holds(&CampaignId(key.uuid))
    }

    fn fold(&self, batch: &mut CampaignBatch, recorded: &Recorded) -> Result<(), FoldError> {
        fold::fold(batch, recorded);
        Ok(())
    }

    fn flush(&self, batch: &mut CampaignBatch, part: Part, changes: &mut Changes) {
        batch.flush(part, changes);
    }

    fn bytes(batch: &CampaignBatch) -> usize {
        batch.bytes()
    }
}
