//! The read model `flight_availability`: departures, their cabins, and the seats left.

pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::id::{FlightId, StreamId, StreamKind};

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{CABINS, FLIGHTS, FlightBatch, SALES};

/// The projection of flights. Its key is the flight.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlightAvailability;

impl Projection for FlightAvailability {
    const NAME: &'static str = "flight_availability";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Flight];
    const TABLES: &'static [&'static Table] = &[&FLIGHTS, &CABINS, &SALES];
    type Batch = FlightBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        flight_event(recorded).map(|(flight, _)| flight.stream())
    }

    /// Rows are written whole or as differences, so the fold needs nothing of the present ones.
    async fn load(
        &self,
        _keys: &BTreeSet<StreamId>,
        _batch: &mut FlightBatch,
        _connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn holds(_batch: &FlightBatch, _key: StreamId) -> bool {
        true
    }

    fn fold(&self, batch: &mut FlightBatch, recorded: &Recorded) -> Result<(), FoldError> {
        if let Some((flight, event)) = flight_event(recorded) {
            fold(batch, flight, event);
        }
        Ok(())
    }

    fn flush(&self, batch: &mut FlightBatch, part: Part, changes: &mut Changes) {
        if part != Part::Final {
            std::mem::take(batch).flush(changes);
        }
    }

    fn bytes(batch: &FlightBatch) -> usize {
        batch.bytes()
    }
}

/// What changes a row: requests that took nothing do not.
fn flight_event(recorded: &Recorded) -> Option<(FlightId, &FlightEvent)> {
    match &recorded.told.event {
        Event::Flight(
            FlightEvent::SeatsRefused { .. }
            | FlightEvent::ReservationBarred { .. }
            | FlightEvent::AnswerRepeated { .. },
        ) => None,
        Event::Flight(event) => Some((FlightId(recorded.stream.uuid), event)),
        _ => None,
    }
}

fn fold(batch: &mut FlightBatch, flight: FlightId, event: &FlightEvent) {
    match event {
        FlightEvent::FlightListed { details, .. } | FlightEvent::FlightChanged { details, .. } => {
            batch.details.insert(flight, details.clone());
        }
        FlightEvent::SeatsReserved { part, .. } => batch.sell(flight, &part.cabin, i64::from(part.seats)),
        FlightEvent::SeatsReleased { part, .. } => batch.sell(flight, &part.cabin, -i64::from(part.seats)),
        FlightEvent::SeatsRefused { .. }
        | FlightEvent::ReservationBarred { .. }
        | FlightEvent::AnswerRepeated { .. } => {}
    }
}
