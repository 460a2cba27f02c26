//! What comes in while a trip goes on.

use async_graphql::SimpleObject;
use traveladvisor_projections::views;

use super::{BookingStatus, SagaStatus};
use crate::graphql::scalars::{DateTime, Position};

/// One thing that happened to a trip, and where the trip stood after it.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct BookingProgress {
    /// Its place in the event log: hand it back as `after` to go on right behind it.
    pub(crate) position: Position,
    /// When it happened.
    pub(crate) at: DateTime,
    /// Where the booking stood after it.
    pub(crate) status: BookingStatus,
    /// Where its saga stood after it.
    pub(crate) saga_status: SagaStatus,
    /// One sentence that a traveller or an operator understands: the same as in the booking's timeline.
    pub(crate) summary: String,
}

impl From<views::TimelineEntry> for BookingProgress {
    fn from(line: views::TimelineEntry) -> Self {
        Self {
            position: line.position.into(),
            at: DateTime(line.at),
            status: line.status.into(),
            saga_status: line.saga_status.into(),
            summary: line.summary,
        }
    }
}
