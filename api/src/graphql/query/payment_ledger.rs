//! `paymentLedger`: what was taken for a trip and given back.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::runtime::ProjectionName;

use crate::graphql::read::{read_fault, reads, wait_for};
use crate::graphql::scalars::Position;
use crate::graphql::types::PaymentLedgerEntry;

#[derive(Debug, Default)]
pub(crate) struct PaymentLedgerQuery;

#[Object]
impl PaymentLedgerQuery {
    /// What was taken for a trip and given back, by currency: empty where no money moved, null when the id is not that of a trip.
    #[graphql(visible = "crate::graphql::part::payment")]
    async fn payment_ledger(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip's id.")] booking_id: ID,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Option<Result<Vec<PaymentLedgerEntry>>> {
        let id = booking_id.parse().ok()?;
        Some(read(ctx, id, at_least).await)
    }
}

async fn read(ctx: &Context<'_>, id: BookingId, at_least: Option<Position>) -> Result<Vec<PaymentLedgerEntry>> {
    if let Some(Position(position)) = at_least {
        wait_for(ctx, ProjectionName::PaymentLedger, position).await?;
    }
    let entries = reads(ctx)?.payment_ledger(id).await.map_err(read_fault)?;
    Ok(entries.into_iter().map(PaymentLedgerEntry::from).collect())
}
