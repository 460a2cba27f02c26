//! `car`: one car.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::CarId;
use traveladvisor_projections::runtime::ProjectionName;

use crate::graphql::read::{read_fault, reads, seen};
use crate::graphql::scalars::Position;
use crate::graphql::types::Car;

#[derive(Debug, Default)]
pub(crate) struct CarQuery;

#[Object]
impl CarQuery {
    /// A fleet; null when there is none with this id.
    #[graphql(visible = "crate::graphql::part::car")]
    async fn car(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The car's id.")] id: ID,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Option<Result<Car>> {
        let id = id.parse().ok()?;
        read(ctx, id, at_least).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: CarId, at_least: Option<Position>) -> Result<Option<Car>> {
    seen(ctx, ProjectionName::CarAvailability, at_least).await?;
    Ok(reads(ctx)?.car(id).await.map_err(read_fault)?.map(Car::from))
}
