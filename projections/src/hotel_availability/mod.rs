//! The read model `hotel_availability`: hotels, what they sell, and what is left of it each night.

mod fold;
pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::{HotelId, StreamKind};

use crate::runtime::{FoldError, Projection, Recorded};
use rows::HotelBatch;

/// The projection of hotels. Its key is the hotel.
#[derive(Debug, Clone, Copy, Default)]
pub struct HotelAvailability;

impl Projection for HotelAvailability {
    const NAME: &'static str = "hotel_availability";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Hotel];
    type Batch = HotelBatch;

    fn key(recorded: &Recorded) -> Option<String> {
        hotel_event(recorded).map(|(hotel, _)| hotel.to_string())
    }

    /// What is sold is written as a difference, so the fold needs nothing of the present rows.
    async fn load(&self, _keys: &BTreeSet<String>, _connection: &mut PgConnection) -> Result<HotelBatch, sqlx::Error> {
        Ok(HotelBatch::default())
    }

    fn fold(&self, batch: &mut HotelBatch, recorded: &Recorded) -> Result<(), FoldError> {
        if let Some((hotel, event)) = hotel_event(recorded) {
            fold::fold(batch, hotel, event);
        }
        Ok(())
    }

    async fn flush(&self, batch: HotelBatch, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        batch.flush(connection).await
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
