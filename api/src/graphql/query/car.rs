//! `car`: one car.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::CarId;

use crate::graphql::read::{read_fault, reads};
use crate::graphql::types::Car;

#[derive(Debug, Default)]
pub(crate) struct CarQuery;

#[Object]
impl CarQuery {
    /// A fleet; null when there is none with this id.
    async fn car(&self, ctx: &Context<'_>, #[graphql(desc = "The car's id.")] id: ID) -> Option<Result<Car>> {
        let id = id.parse().ok()?;
        read(ctx, id).await.transpose()
    }
}

async fn read(ctx: &Context<'_>, id: CarId) -> Result<Option<Car>> {
    Ok(reads(ctx)?.car(id).await.map_err(read_fault)?.map(Car::from))
}
