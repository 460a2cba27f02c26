//! `bookings`: the trips of a traveller, each when it changes.

use async_graphql::{Context, Result, Subscription};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use traveladvisor_projections::reads::{Reads, TravellerWatch};

use super::trip::ended;
use crate::graphql::fault::argument_error;
use crate::graphql::read::{ITSELF, read_fault, reads_with};
use crate::graphql::rights::only_own;
use crate::graphql::types::Booking;
use crate::limits::EMAIL_CHARS_MAX;

#[derive(Debug, Default)]
pub(crate) struct BookingsSubscription;

#[expect(clippy::unused_async, reason = "the library awaits every field of a subscription")]
#[Subscription]
impl BookingsSubscription {
    /// The trips of a traveller that the caller may see, each when it changes, as it stands then. Changes that follow each other faster than
    /// they are read come as one, the latest: for everything that happens to one trip there is `bookingProgress`. It begins with the next
    /// change and stays open until the client ends it; what there is already tells the query `bookings`.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn bookings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The traveller's e-mail address; upper and lower case are the same.")] traveller_email: String,
    ) -> Result<BoxStream<'static, Result<Booking>>> {
        if traveller_email.chars().count() > EMAIL_CHARS_MAX {
            let message = format!("The address has more than {EMAIL_CHARS_MAX} characters: check it.");
            return Err(argument_error(&["travellerEmail"], message));
        }
        let reads = reads_with(ctx, "timeline", ITSELF)?;
        let watch = reads.watch_traveller(&traveller_email, only_own(ctx)?.as_deref());
        Ok(stream::unfold(Some((reads, watch)), step).boxed())
    }
}

/// After an error the stream ends.
async fn step(
    following: Option<(Reads, TravellerWatch)>,
) -> Option<(Result<Booking>, Option<(Reads, TravellerWatch)>)> {
    let (reads, mut watch) = following?;
    loop {
        let Some(trip) = watch.next().await else { return Some((Err(ended()), None)) };
        match reads.booking(trip).await {
            Ok(Some(view)) => return Some((Ok(Booking::from(view)), Some((reads, watch)))),
            // Rows of a former version have not come there yet: the trip is told again when they have.
            Ok(None) => {}
            Err(error) => return Some((Err(read_fault(error)), None)),
        }
    }
}
