//! `hotel`: one hotel.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::HotelId;
use traveladvisor_projections::runtime::ProjectionName;

use crate::graphql::read::{read_fault, reads, seen};
use crate::graphql::scalars::Position;
use crate::graphql::types::Hotel;

#[derive(Debug, Default)]
pub(crate) struct HotelQuery;

#[Object]
impl HotelQuery {
    /// A property; null when there is none with this id.
    #[graphql(visible = "crate::graphql::part::hotel")]
    async fn hotel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The hotel's id.")] id: ID,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Option<Result<Hotel>> {
        let id = id.parse().ok()?;
        read(ctx, id, at_least).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: HotelId, at_least: Option<Position>) -> Result<Option<Hotel>> {
    seen(ctx, ProjectionName::HotelAvailability, at_least).await?;
    Ok(reads(ctx)?.hotel(id).await.map_err(read_fault)?.map(Hotel::from))
}
