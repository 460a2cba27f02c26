//! `saga`: the process manager of one trip.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::runtime::ProjectionName;

use crate::caller::Scope;
use crate::graphql::read::{ITSELF, read_fault, reads_with, seen};
use crate::graphql::rights::caller;
use crate::graphql::scalars::Position;
use crate::graphql::types::Saga;

#[derive(Debug, Default)]
pub(crate) struct SagaQuery;

#[Object]
impl SagaQuery {
    /// The process manager of a trip; null when the caller has no such trip. Operators see those of all callers, and in the history what is
    /// for them alone.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn saga(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip's id.")] booking_id: ID,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Option<Result<Saga>> {
        let id = booking_id.parse().ok()?;
        read(ctx, id, at_least).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: BookingId, at_least: Option<Position>) -> Result<Option<Saga>> {
    let caller = caller(ctx)?;
    seen(ctx, ProjectionName::Booking, at_least).await?;
    let found = reads_with(ctx, "history", ITSELF)?.saga(id).await.map_err(read_fault)?;
    let found = found.filter(|view| caller.sees(&view.owner));
    Ok(found.map(|view| if caller.may(Scope::Operations) { Saga::from(view) } else { Saga::for_owner(view) }))
}
