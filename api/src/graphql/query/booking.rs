//! `booking`: one trip, as it is or as it was.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::views::BookingView;

use crate::graphql::fault::argument_error;
use crate::graphql::read::{ITSELF, read_fault, reads_with, wait_for};
use crate::graphql::rights::caller;
use crate::graphql::scalars::{DateTime, Position};
use crate::graphql::types::Booking;

#[derive(Debug, Default)]
pub(crate) struct BookingQuery;

#[Object]
impl BookingQuery {
    /// A trip; null when the caller has none with this id, or had none yet. Operators see those of all callers.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn booking(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip's id.")] id: ID,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
        #[graphql(
            desc = "As it stood at this instant, by the time at which the log recorded what happened. Not together with `atLeast`."
        )]
        as_of: Option<DateTime>,
    ) -> Option<Result<Booking>> {
        let id = id.parse().ok()?;
        match (at_least, as_of) {
            (Some(_), Some(_)) => Some(Err(argument_error(
                &["asOf"],
                "Give atLeast or asOf: a trip is read as it is now, at a position or later, or as it was.",
            ))),
            (at_least, None) => read(ctx, id, at_least).await.transpose(),
            (None, Some(moment)) => read_as_of(ctx, id, moment).await.transpose(),
        }
    }
}

async fn read(ctx: &Context<'_>, id: BookingId, at_least: Option<Position>) -> Result<Option<Booking>> {
    if let Some(Position(position)) = at_least {
        wait_for(ctx, ProjectionName::Booking, position).await?;
    }
    let found = reads_with(ctx, "timeline", ITSELF)?.booking(id).await.map_err(read_fault)?;
    seen(ctx, found)
}

async fn read_as_of(ctx: &Context<'_>, id: BookingId, DateTime(moment): DateTime) -> Result<Option<Booking>> {
    let reads = reads_with(ctx, "timeline", ITSELF)?;
    let found = reads.booking_as_of(id, moment).await.map_err(read_fault)?;
    seen(ctx, found)
}

fn seen(ctx: &Context<'_>, found: Option<BookingView>) -> Result<Option<Booking>> {
    let caller = caller(ctx)?;
    Ok(found.filter(|view| caller.sees(&view.owner)).map(Booking::from))
}
