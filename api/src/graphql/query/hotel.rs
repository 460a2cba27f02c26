//! `hotel`: one hotel.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::HotelId;

use crate::graphql::read::{read_fault, reads};
use crate::graphql::types::Hotel;

#[derive(Debug, Default)]
pub(crate) struct HotelQuery;

#[Object]
impl HotelQuery {
    /// A property; null when there is none with this id.
    async fn hotel(&self, ctx: &Context<'_>, #[graphql(desc = "The hotel's id.")] id: ID) -> Option<Result<Hotel>> {
        let id = id.parse().ok()?;
        read(ctx, id).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: HotelId) -> Result<Option<Hotel>> {
    Ok(reads(ctx)?.hotel(id).await.map_err(read_fault)?.map(Hotel::from))
}
