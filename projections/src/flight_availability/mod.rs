//! The read model `flight_availability`: departures, their cabins, and the seats left.

pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::id::{FlightId, StreamKind};

use crate::runtime::{FoldError, Projection, Recorded};
use rows::FlightBatch;

/// The projection of flights. Its key is the flight.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlightAvailability;

impl Projection for FlightAvailability {
    const NAME: &'static str = "flight_availability";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Flight];
    type Batch = FlightBatch;

    fn key(recorded: &Recorded) -> Option<String> {
        flight_event(recorded).map(|(flight, _)| flight.to_string())
    }

    /// What is sold is written as a difference, so the fold needs nothing of the present rows.
    async fn load(&self, _keys: &BTreeSet<String>, _connection: &mut PgConnection) -> Result<FlightBatch, sqlx::Error> {
        Ok(FlightBatch::default())
    }

    fn fold(&self, batch: &mut FlightBatch, recorded: &Recorded) -> Result<(), FoldError> {
        if let Some((flight, event)) = flight_event(recorded) {
            fold(batch, flight, event);
        }
        Ok(())
    }

    async fn flush(&self, batch: FlightBatch, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        batch.flush(connection).await
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
