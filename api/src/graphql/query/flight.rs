//! `flight`: one flight.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::FlightId;
use traveladvisor_projections::runtime::ProjectionName;

use crate::graphql::read::{read_fault, reads, seen};
use crate::graphql::scalars::Position;
use crate::graphql::types::Flight;

#[derive(Debug, Default)]
pub(crate) struct FlightQuery;

#[Object]
impl FlightQuery {
    /// A departure; null when there is none with this id.
    #[graphql(visible = "crate::graphql::part::flight")]
    async fn flight(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The flight's id.")] id: ID,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Option<Result<Flight>> {
        let id = id.parse().ok()?;
        read(ctx, id, at_least).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: FlightId, at_least: Option<Position>) -> Result<Option<Flight>> {
    seen(ctx, ProjectionName::FlightAvailability, at_least).await?;
    Ok(reads(ctx)?.flight(id).await.map_err(read_fault)?.map(Flight::from))
}
