//! What happened to a trip.

use async_graphql::SimpleObject;
use traveladvisor_projections::views;

use crate::graphql::scalars::{DateTime, Position};

/// One thing that happened to a trip.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct TimelineEntry {
    /// Its place in the event log.
    pub(crate) position: Position,
    /// When it happened.
    pub(crate) at: DateTime,
    /// The event's name, for example `RoomsReserved`.
    #[graphql(name = "type")]
    pub(crate) event_type: String,
    /// One sentence that a traveller or an operator understands.
    pub(crate) summary: String,
}

impl TimelineEntry {
    /// The same with what only operators read.
    pub(crate) fn for_operators(entry: views::TimelineEntry) -> Self {
        let summary = entry.for_operators();
        Self { summary, ..entry.into() }
    }
}

impl From<views::TimelineEntry> for TimelineEntry {
    fn from(entry: views::TimelineEntry) -> Self {
        Self {
            position: entry.position.into(),
            at: DateTime(entry.at),
            event_type: entry.event_type,
            summary: entry.summary,
        }
    }
}
