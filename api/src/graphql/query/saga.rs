//! `saga`: the process manager of one trip.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::BookingId;

use crate::graphql::read::{ITSELF, read_fault, reads_with};
use crate::graphql::types::Saga;

#[derive(Debug, Default)]
pub(crate) struct SagaQuery;

#[Object]
impl SagaQuery {
    /// The process manager of a trip; null when there is no such trip.
    async fn saga(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip's id.")] booking_id: ID,
    ) -> Option<Result<Saga>> {
        let id = booking_id.parse().ok()?;
        read(ctx, id).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: BookingId) -> Result<Option<Saga>> {
    Ok(reads_with(ctx, "history", ITSELF)?.saga(id).await.map_err(read_fault)?.map(Saga::from))
}
