//! `flight`: one flight.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::FlightId;

use crate::graphql::read::{read_fault, reads};
use crate::graphql::types::Flight;

#[derive(Debug, Default)]
pub(crate) struct FlightQuery;

#[Object]
impl FlightQuery {
    /// A departure; null when there is none with this id.
    async fn flight(&self, ctx: &Context<'_>, #[graphql(desc = "The flight's id.")] id: ID) -> Option<Result<Flight>> {
        let id = id.parse().ok()?;
        read(ctx, id).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: FlightId) -> Result<Option<Flight>> {
    Ok(reads(ctx)?.flight(id).await.map_err(read_fault)?.map(Flight::from))
}
