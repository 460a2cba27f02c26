//! The read model `vouchers`: what members were granted, of all kinds, and which trip uses what.

pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{RewardId, StreamId, StreamKind};
use traveladvisor_domain::reward::RewardEvent;

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{Use, VOUCHERS, VoucherBatch, VoucherRow};

/// The projection of rewards. Its key is the reward.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vouchers;

impl Projection for Vouchers {
    const NAME: &'static str = "vouchers";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Reward];
    const TABLES: &'static [&'static Table] = &[&VOUCHERS];
    type Batch = VoucherBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        reward_event(recorded).map(|_| recorded.stream)
    }

    async fn load(
        &self,
        keys: &BTreeSet<StreamId>,
        batch: &mut VoucherBatch,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        batch.load(keys, connection).await
    }

    fn begins(recorded: &Recorded) -> bool {
        matches!(recorded.told.event, Event::Reward(RewardEvent::RewardGranted { .. }))
    }

    fn holds(batch: &VoucherBatch, key: StreamId) -> bool {
        batch.vouchers.holds(&RewardId(key.uuid))
    }

    fn fold(&self, batch: &mut VoucherBatch, recorded: &Recorded) -> Result<(), FoldError> {
        let Some(event) = reward_event(recorded) else { return Ok(()) };
        let (id, at) = (RewardId(recorded.stream.uuid), recorded.told.occurred_at);
        if let RewardEvent::RewardGranted { member, campaign, cause, grant } = event {
            if batch.vouchers.holds(&id) {
                return Err(FoldError::new("the reward was granted twice"));
            }
            let row = VoucherRow {
                member: *member,
                campaign: *campaign,
                cause: cause.clone(),
                grant: grant.clone(),
                used: None,
                granted_at: at,
                version: recorded.sequence,
            };
            batch.vouchers.keep_new(id, row);
            return Ok(());
        }
        // What is asked of a reward that was not granted is refused: there is nothing to show.
        let Some(row) = batch.vouchers.change(&id) else { return Ok(()) };
        match event {
            RewardEvent::VoucherRedeemed { booking, discount, .. } => {
                row.used = Some(Use { booking: *booking, discount: *discount });
            }
            RewardEvent::VoucherReturned { booking, .. } => {
                row.used = row.used.filter(|used| used.booking != *booking);
            }
            _ => {}
        }
        row.version = recorded.sequence;
        Ok(())
    }

    fn flush(&self, batch: &mut VoucherBatch, part: Part, changes: &mut Changes) {
        batch.flush(part, changes);
    }

    fn bytes(batch: &VoucherBatch) -> usize {
        batch.bytes()
    }
}

/// What changes a row: what was refused, barred or told again does not.
fn reward_event(recorded: &Recorded) -> Option<&RewardEvent> {
    match &recorded.told.event {
        Event::Reward(
            RewardEvent::VoucherRefused { .. }
            | RewardEvent::RedemptionBarred { .. }
            | RewardEvent::AnswerRepeated { .. },
        ) => None,
        Event::Reward(event) => Some(event),
        _ => None,
    }
}
