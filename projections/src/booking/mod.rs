//! The read model `booking`: trips with their sagas, as owners and operators see them. One row for each trip, and its timeline.

pub(crate) mod as_of;
pub(crate) mod changes;
mod facts;
mod fold;
mod key;
pub(crate) mod owner;
pub(crate) mod query;
mod rows;
mod saga;
pub(crate) mod sagas;
pub(crate) mod settled;
mod shown;
mod state;
mod summary;
pub(crate) mod timeline;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
pub(crate) use fold::{after_cancellation, saga_status};
pub(crate) use rows::email_key;
use rows::{BOOKINGS, BookingBatch, TIMELINE};
pub(crate) use state::{Standing, public_status};

/// The projection of trips. Its key is the booking: everything that concerns a trip, in all streams, in order.
#[derive(Debug, Clone, Copy, Default)]
pub struct BookingProjection;

impl Projection for BookingProjection {
    const NAME: &'static str = "booking";
    const VERSION: u32 = 4;
    const STREAMS: &'static [StreamKind] = &key::STREAMS;
    const TABLES: &'static [&'static Table] = &[&BOOKINGS, &TIMELINE];
    type Batch = BookingBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        key::booking_of(recorded).map(BookingId::stream)
    }

    fn key_of_unreadable(stream: StreamId, correlation: &str) -> StreamId {
        key::of_unreadable(stream, correlation)
    }

    async fn load(
        &self,
        keys: &BTreeSet<StreamId>,
        batch: &mut BookingBatch,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        batch.load(keys, connection).await
    }

    fn begins(recorded: &Recorded) -> bool {
        recorded.sequence == 1 && matches!(recorded.told.event, Event::Booking(BookingEvent::BookingRequested { .. }))
    }

    fn holds(batch: &BookingBatch, key: StreamId) -> bool {
        batch.states.holds(&BookingId(key.uuid))
    }

    fn fold(&self, batch: &mut BookingBatch, recorded: &Recorded) -> Result<(), FoldError> {
        fold::fold(batch, recorded)
    }

    fn flush(&self, batch: &mut BookingBatch, part: Part, changes: &mut Changes) {
        batch.flush(part, changes);
    }

    fn bytes(batch: &BookingBatch) -> usize {
        batch.bytes()
    }
}
