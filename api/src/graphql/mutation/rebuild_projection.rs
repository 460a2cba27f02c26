//! `rebuildProjection`: a read model's rows are made anew beside the live ones.

use async_graphql::{Context, Object, Result};

use super::changed_projection::{ProjectionPayload, named, payload, rebuilds};

#[derive(Debug, Default)]
pub(crate) struct RebuildProjection;

#[Object]
impl RebuildProjection {
    /// Begins to make the rows of a read model anew from the whole log, at a rate that leaves most to commands, and is answered at
    /// once. They take the place of the live ones when they are there; `projections` tells how far that has come.
    #[graphql(visible = "crate::graphql::part::read_models")]
    async fn rebuild_projection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The read model, for example `booking`.")] name: String,
    ) -> Result<ProjectionPayload> {
        match named(&name) {
            Ok(name) => payload(name, rebuilds(ctx)?.start(name).await),
            Err(unknown) => Ok(unknown),
        }
    }
}
