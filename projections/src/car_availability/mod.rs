//! The read model `car_availability`: fleets and the rentals that stand.

pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::id::{CarId, StreamId, StreamKind};

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{CARS, CarBatch, RENTALS};

/// The projection of fleets. Its key is the fleet.
#[derive(Debug, Clone, Copy, Default)]
pub struct CarAvailability;

impl Projection for CarAvailability {
    const NAME: &'static str = "car_availability";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Car];
    const TABLES: &'static [&'static Table] = &[&CARS, &RENTALS];
    type Batch = CarBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        car_event(recorded).map(|(car, _)| car.stream())
    }

    /// Rows are written whole or as differences, so the fold needs nothing of the present ones.
    async fn load(
        &self,
        _keys: &BTreeSet<StreamId>,
        _batch: &mut CarBatch,
        _connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn holds(_batch: &CarBatch, _key: StreamId) -> bool {
        true
    }

    fn fold(&self, batch: &mut CarBatch, recorded: &Recorded) -> Result<(), FoldError> {
        if let Some((car, event)) = car_event(recorded) {
            fold(batch, car, event);
        }
        Ok(())
    }

    fn flush(&self, batch: &mut CarBatch, part: Part, changes: &mut Changes) {
        if part != Part::Final {
            std::mem::take(batch).flush(changes);
        }
    }

    fn bytes(batch: &CarBatch) -> usize {
        batch.bytes()
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
