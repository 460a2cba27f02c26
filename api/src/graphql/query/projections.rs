//! `projections`: how the read models are doing.

use async_graphql::{Context, Object, Result};

use crate::graphql::read::{read_fault, reads};
use crate::graphql::types::Projection;

#[derive(Debug, Default)]
pub(crate) struct ProjectionsQuery;

#[Object]
impl ProjectionsQuery {
    /// The read models and how they are doing, in whatever process they are followed.
    #[graphql(visible = "crate::graphql::part::read_models")]
    async fn projections(&self, ctx: &Context<'_>) -> Result<Vec<Projection>> {
        Ok(reads(ctx)?.projections().await.map_err(read_fault)?.into_iter().map(Projection::from).collect())
    }
}
