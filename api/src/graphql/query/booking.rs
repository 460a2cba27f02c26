//! `booking`: one trip.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::runtime::ProjectionName;

use crate::graphql::read::{ITSELF, read_fault, reads_with, wait_for};
use crate::graphql::scalars::Position;
use crate::graphql::types::Booking;

#[derive(Debug, Default)]
pub(crate) struct BookingQuery;

#[Object]
impl BookingQuery {
    /// A trip; null when there is none with this id.
    async fn booking(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip's id.")] id: ID,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Option<Result<Booking>> {
        let id = id.parse().ok()?;
        read(ctx, id, at_least).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: BookingId, at_least: Option<Position>) -> Result<Option<Booking>> {
    if let Some(Position(position)) = at_least {
        wait_for(ctx, ProjectionName::Booking, position).await?;
    }
    Ok(reads_with(ctx, "timeline", ITSELF)?.booking(id).await.map_err(read_fault)?.map(Booking::from))
}
