//! The read model `booking`: trips with their sagas, as owners and operators see them. One row for each trip, and its timeline.

mod fold;
mod key;
pub(crate) mod query;
mod rows;
mod saga;
pub(crate) mod sagas;
pub(crate) mod settled;
mod state;
mod summary;
pub(crate) mod timeline;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::id::StreamKind;

use crate::runtime::{FoldError, Projection, Recorded};
use rows::BookingBatch;

/// The projection of trips. Its key is the booking: everything that concerns a trip, in all streams, in order.
#[derive(Debug, Clone, Copy, Default)]
pub struct BookingProjection;

impl Projection for BookingProjection {
    const NAME: &'static str = "booking";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &StreamKind::ALL;
    type Batch = BookingBatch;

    fn key(recorded: &Recorded) -> Option<String> {
        key::booking_of(recorded).map(|booking| booking.to_string())
    }

    async fn load(&self, keys: &BTreeSet<String>, connection: &mut PgConnection) -> Result<BookingBatch, sqlx::Error> {
        BookingBatch::load(keys, connection).await
    }

    fn fold(&self, batch: &mut BookingBatch, recorded: &Recorded) -> Result<(), FoldError> {
        fold::fold(batch, recorded)
    }

    async fn flush(&self, batch: BookingBatch, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        batch.flush(connection).await
    }
}
