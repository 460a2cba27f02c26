//! The read model `supply_occupancy`: what is sold of each hotel and night, each flight, each fleet and day; what is left, and the revenue.

mod fold;
pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::{StreamId, StreamKind};

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{ALLOTMENTS, NIGHTS, OccupancyBatch, RENTALS, SEATS, UNITS};

/// The projection of what is sold. Its key is the hotel, the flight or the fleet.
#[derive(Debug, Clone, Copy, Default)]
pub struct SupplyOccupancy;

impl Projection for SupplyOccupancy {
    const NAME: &'static str = "supply_occupancy";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Hotel, StreamKind::Flight, StreamKind::Car];
    const TABLES: &'static [&'static Table] = &[&UNITS, &ALLOTMENTS, &NIGHTS, &SEATS, &RENTALS];
    type Batch = OccupancyBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        changes(&recorded.told.event).then_some(recorded.stream)
    }

    /// What is on sale is written whole, what is sold as differences: an event of a release says what it gives back, and for how much. So
    /// the fold needs nothing of the present rows.
    async fn load(
        &self,
        _keys: &BTreeSet<StreamId>,
        _batch: &mut OccupancyBatch,
        _connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn holds(_batch: &OccupancyBatch, _key: StreamId) -> bool {
        true
    }

    fn fold(&self, batch: &mut OccupancyBatch, recorded: &Recorded) -> Result<(), FoldError> {
        fold::fold(batch, recorded.stream.uuid, &recorded.told.event);
        Ok(())
    }

    fn flush(&self, batch: &mut OccupancyBatch, part: Part, changes: &mut Changes) {
        if part != Part::Final {
            std::mem::take(batch).flush(changes);
        }
    }

    fn bytes(batch: &OccupancyBatch) -> usize {
        batch.bytes()
    }
}

/// Whether an event changes a row: requests that took nothing do not.
const fn changes(event: &Event) -> bool {
    match event {
        Event::Hotel(event) => !matches!(
            event,
            HotelEvent::RoomsRefused { .. } | HotelEvent::ReservationBarred { .. } | HotelEvent::AnswerRepeated { .. }
        ),
        Event::Flight(event) => !matches!(
            event,
            FlightEvent::SeatsRefused { .. }
                | FlightEvent::ReservationBarred { .. }
                | FlightEvent::AnswerRepeated { .. }
        ),
        Event::Car(event) => !matches!(
            event,
            CarEvent::VehicleRefused { .. } | CarEvent::ReservationBarred { .. } | CarEvent::AnswerRepeated { .. }
        ),
        _ => false,
    }
}
