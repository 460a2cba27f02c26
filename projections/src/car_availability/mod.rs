//! The read model `car_availability`: fleets and the rentals that stand.

pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::id::{CarId, StreamKind};

use crate::runtime::{FoldError, Projection, Recorded};
use rows::CarBatch;

/// The projection of fleets. Its key is the fleet.
#[derive(Debug, Clone, Copy, Default)]
pub struct CarAvailability;

impl Projection for CarAvailability {
    const NAME: &'static str = "car_availability";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Car];
    type Batch = CarBatch;

    fn key(recorded: &Recorded) -> Option<String> {
        car_event(recorded).map(|(car, _)| car.to_string())
    }

    /// Rows are written whole, so the fold needs nothing of the present ones.
    async fn load(&self, _keys: &BTreeSet<String>, _connection: &mut PgConnection) -> Result<CarBatch, sqlx::Error> {
        Ok(CarBatch::default())
    }

    fn fold(&self, batch: &mut CarBatch, recorded: &Recorded) -> Result<(), FoldError> {
        if let Some((car, event)) = car_event(recorded) {
            fold(batch, car, event);
        }
        Ok(())
    }

    async fn flush(&self, batch: CarBatch, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        batch.flush(connection).await
    }
}

/// What changes a row: requests that took nothing do not.
fn car_event(recorded: &Recorded) -> Option<(CarId, &CarEvent)> {
    match &recorded.told.event {
        Event::Car(
            CarEvent::VehicleRefused { .. } | CarEvent::ReservationBarred { .. } | CarEvent::AnswerRepeated { .. },
        ) => None,
        Event::Car(event) => Some((CarId(recorded.stream.uuid), event)),
        _ => None,
    }
}

fn fold(batch: &mut CarBatch, car: CarId, event: &CarEvent) {
    match event {
        CarEvent::CarListed { details, .. } | CarEvent::CarChanged { details, .. } => {
            batch.details.insert(car, details.clone());
        }
        CarEvent::VehicleReserved { booking, part, .. } => {
            batch.rentals.insert((car, *booking), Some(part.rental));
        }
        CarEvent::VehicleReleased { booking, .. } => {
            batch.rentals.insert((car, *booking), None);
        }
        CarEvent::VehicleRefused { .. } | CarEvent::ReservationBarred { .. } | CarEvent::AnswerRepeated { .. } => {}
    }
}
