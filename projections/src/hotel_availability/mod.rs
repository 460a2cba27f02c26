//! The read model `hotel_availability`: hotels, what they sell, and what is left of it each night.

mod fold;
pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::{HotelId, StreamId, StreamKind};

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{HOTELS, HotelBatch, NIGHTS, ROOM_TYPES};

/// The projection of hotels. Its key is the hotel.
#[derive(Debug, Clone, Copy, Default)]
pub struct HotelAvailability;

impl Projection for HotelAvailability {
    const NAME: &'static str = "hotel_availability";
    const VERSION: u32 = 2;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Hotel];
    const TABLES: &'static [&'static Table] = &[&HOTELS, &ROOM_TYPES, &NIGHTS];
    type Batch = HotelBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        hotel_event(recorded).map(|(hotel, _)| hotel.stream())
    }

    /// Rows are written whole or as differences, so the fold needs nothing of the present ones.
    async fn load(
        &self,
        _keys: &BTreeSet<StreamId>,
        _batch: &mut HotelBatch,
        _connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn holds(_batch: &HotelBatch, _key: StreamId) -> bool {
        true
    }

    fn fold(&self, batch: &mut HotelBatch, recorded: &Recorded) -> Result<(), FoldError> {
        if let Some((hotel, event)) = hotel_event(recorded) {
            fold::fold(batch, hotel, event);
        }
        Ok(())
    }

    fn flush(&self, batch: &mut HotelBatch, part: Part, changes: &mut Changes) {
        if part != Part::Final {
            std::mem::take(batch).flush(changes);
        }
    }

    fn bytes(batch: &HotelBatch) -> usize {
        batch.bytes()
    }
}

/// What changes a row: requests that took nothing do not.
fn hotel_event(recorded: &Recorded) -> Option<(HotelId, &HotelEvent)> {
    match &recorded.told.event {
        Event::Hotel(
            HotelEvent::RoomsRefused { .. } | HotelEvent::ReservationBarred { .. } | HotelEvent::AnswerRepeated { .. },
        ) => None,
        Event::Hotel(event) => Some((HotelId(recorded.stream.uuid), event)),
        _ => None,
    }
}
