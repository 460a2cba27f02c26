//! The saga of a payload: read once, at the payload's position.

use async_graphql::{Context, Result};
use tokio::sync::OnceCell;
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::runtime::ProjectionName;

use crate::graphql::fault::internal;
use crate::graphql::read::{read_fault, reads, wait_for};
use crate::graphql::scalars::Position;
use crate::graphql::types::Saga;
use crate::place::Place;

/// A saga that an operator has decided on.
#[derive(Debug)]
pub(crate) struct AcceptedSaga {
    id: BookingId,
    position: Place,
    read: OnceCell<Result<Saga>>,
}

impl AcceptedSaga {
    /// The saga of a trip at the position of the verb.
    pub(crate) fn new(id: BookingId, position: Place) -> Self {
        Self { id, position, read: OnceCell::new() }
    }

    /// Where the verb stands in the event log.
    pub(crate) const fn position(&self) -> Position {
        Position(self.position)
    }

    /// The saga as it stands there or later.
    pub(crate) async fn saga(&self, ctx: &Context<'_>) -> Result<Saga> {
        self.read.get_or_init(async || self.fetch(ctx).await).await.clone()
    }

    async fn fetch(&self, ctx: &Context<'_>) -> Result<Saga> {
        wait_for(ctx, ProjectionName::Booking, self.position).await?;
        let view = reads(ctx)?.saga(self.id).await.map_err(read_fault)?;
        let view = view.ok_or_else(|| internal(&format!("{} is in the log and not in its projection", self.id)))?;
        Ok(view.into())
    }
}
