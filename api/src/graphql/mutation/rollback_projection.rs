//! `rollbackProjection`: back to the rows that were live before the last rebuild.

use async_graphql::{Context, Object, Result};

use super::changed_projection::{ProjectionPayload, named, payload, rebuilds};

#[derive(Debug, Default)]
pub(crate) struct RollbackProjection;

#[Object]
impl RollbackProjection {
    /// Goes back at once to the rows of a read model that were live before the last rebuild; what the log has brought since is taken in from
    /// there. Done twice it undoes itself.
    #[graphql(visible = "crate::graphql::part::read_models")]
    async fn rollback_projection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The read model, for example `booking`.")] name: String,
    ) -> Result<ProjectionPayload> {
        match named(&name) {
            Ok(name) => payload(name, rebuilds(ctx)?.rollback(name).await.map(drop)),
            Err(unknown) => Ok(unknown),
        }
    }
}
