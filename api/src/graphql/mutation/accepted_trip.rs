//! The trip of a payload: read once, at the payload's position, and only when more than its id is asked for.

use std::sync::Arc;

use async_graphql::{Context, Result};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::views::BookingView;

use crate::graphql::read::{booking_at, booking_finished};
use crate::graphql::scalars::Position;
use crate::graphql::types::{Booking, BookingWait};
use crate::place::Place;

/// Fields that an accepted trip has without a read.
const UNREAD: [&str; 2] = ["id", "__typename"];

/// A trip that a mutation has changed.
#[derive(Debug)]
pub(crate) struct AcceptedTrip {
    id: BookingId,
    position: Place,
    /// What came of the read: also a failed one is not tried again for the same answer.
    read: OnceCell<Result<Arc<BookingView>>>,
}

impl AcceptedTrip {
    /// The trip at the position of its change; with `FINISHED` once its saga has ended, or at `until` as it stands then.
    pub(crate) async fn new(
        ctx: &Context<'_>,
        (id, position): (BookingId, Place),
        wait: BookingWait,
        until: Instant,
    ) -> Result<Self> {
        let seen = match wait {
            BookingWait::Accepted => None,
            BookingWait::Finished => booking_finished(ctx, id, position, until).await?,
        };
        let read = OnceCell::new_with(seen.map(|view| Ok(Arc::new(view))));
        Ok(Self { id, position, read })
    }

    /// Where its change stands in the event log.
    pub(crate) fn position(&self) -> Position {
        Position(self.position)
    }

    /// The trip as far as the field of the context asks for it.
    pub(crate) async fn booking(&self, ctx: &Context<'_>) -> Result<Booking> {
        if ctx.field().selection_set().all(|field| UNREAD.contains(&field.name())) {
            return Ok(Booking::unread(self.id));
        }
        let read = async || booking_at(ctx, self.id, self.position).await.map(Arc::new);
        self.read.get_or_init(read).await.clone().map(Booking::from)
    }
}
