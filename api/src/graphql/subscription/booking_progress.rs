//! `bookingProgress`: everything that happened to a trip and goes on happening, each thing once, in the order of the log.
//!
//! There is no seam between what has happened and what happens: one cursor walks along the trip's timeline, page by page, and sleeps at its
//! end until something new may be there. Nothing is read ahead of who listens, so that a slow listener costs one page of memory.

use std::collections::VecDeque;

use async_graphql::{Context, ID, Result, Subscription};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log;
use traveladvisor_projections::reads::{Reads, TripWatch};
use traveladvisor_projections::views::{self, TimelineEntry};

use super::trip::{ended, not_found, only_own_trip};
use crate::graphql::read::{read_fault, read_position, reads};
use crate::graphql::scalars::Position;
use crate::graphql::types::BookingProgress;
use crate::limits::PROGRESS_PAGE;

#[derive(Debug, Default)]
pub(crate) struct BookingProgressSubscription;

#[Subscription]
impl BookingProgressSubscription {
    /// Everything that happens to a trip, each thing once, in the order of the log: first what has happened, then what happens, without a
    /// gap between. Whoever hands back the `position` of the last item as `after` goes on right behind it, on any connection.
    ///
    /// An approved trip may still be cancelled, so the stream stays open until the client ends it; it completes once the booking is
    /// `CANCELLED` and its saga has ended, for then nothing changes any more. A trip of somebody else's is answered as one that is not there:
    /// `NOT_FOUND`.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn booking_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip's id.")] id: ID,
        #[graphql(desc = "Only what happened after this position; everything when it is left out.")] after: Option<
            Position,
        >,
    ) -> Result<BoxStream<'static, Result<BookingProgress>>> {
        let id: BookingId = id.parse().map_err(|_| not_found())?;
        let reads = reads(ctx)?.clone();
        // Before the first look, so that nothing happens unheard between that and the next.
        let watch = reads.watch_trip(id);
        only_own_trip(ctx, &reads, id).await?;
        let reached = match after {
            Some(Position(after)) => read_position(ctx, after).await?,
            None => event_log::Position::START,
        };
        let view = reads.without_history().booking(id).await.map_err(read_fault)?;
        let progress = Progress {
            reads,
            id,
            watch,
            reached,
            page: VecDeque::new(),
            is_over: view.is_some_and(|view| is_over(view.status, view.saga_status)),
        };
        Ok(stream::unfold(Some(progress), step).boxed())
    }
}

/// How far a listener has come.
struct Progress {
    reads: Reads,
    id: BookingId,
    watch: TripWatch,
    reached: event_log::Position,
    page: VecDeque<TimelineEntry>,
    /// What was read last says that nothing follows.
    is_over: bool,
}

impl Progress {
    /// The next line, as soon as there is one; none when there will be no other.
    async fn next(&mut self) -> Result<Option<TimelineEntry>> {
        loop {
            if let Some(line) = self.page.pop_front() {
                self.reached = line.position;
                self.is_over = is_over(line.status, line.saga_status);
                return Ok(Some(line));
            }
            self.watch.mark();
            let lines = self.reads.lines_after(self.id, self.reached, PROGRESS_PAGE).await.map_err(read_fault)?;
            self.page = lines.into();
            if !self.page.is_empty() {
                continue;
            }
            if self.is_over {
                return Ok(None);
            }
            self.watch.changed().await.map_err(|_| ended())?;
        }
    }
}

/// After an error the stream ends: the client goes on with the last position that it got.
async fn step(progress: Option<Progress>) -> Option<(Result<BookingProgress>, Option<Progress>)> {
    let mut progress = progress?;
    match progress.next().await {
        Ok(Some(line)) => Some((Ok(line.into()), Some(progress))),
        Ok(None) => None,
        Err(error) => Some((Err(error), None)),
    }
}

/// Nothing happens to a trip that is cancelled and whose saga has ended.
const fn is_over(status: views::BookingStatus, saga: views::SagaStatus) -> bool {
    matches!(status, views::BookingStatus::Cancelled)
        && matches!(saga, views::SagaStatus::Compensated | views::SagaStatus::Failed)
}
