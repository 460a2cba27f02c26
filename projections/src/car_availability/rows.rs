//! Fleets in the making.

use std::collections::BTreeMap;

use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::id::{BookingId, CarId};
use traveladvisor_domain::rental::Rental;

use crate::runtime::{Changes, Holds, Meeting, Rows, Table, column};

/// About how many bytes a fleet takes in memory.
const CAR_BYTES: usize = 1_024;
/// About how many bytes a rental takes.
const RENTAL_BYTES: usize = 160;

/// Fleets as they are last said.
pub(super) static CARS: Table = Table {
    name: "cars",
    columns: &[
        column("id", Holds::Uuid),
        column("supplier", Holds::Text),
        column("code", Holds::Text),
        column("name", Holds::Text),
        column("car_class", Holds::Text),
        column("car_class_key", Holds::Text),
        column("location", Holds::Text),
        column("location_key", Holds::Text),
        column("time_zone", Holds::Text),
        column("vehicles", Holds::Int),
        column("daily_minor", Holds::Int),
        column("currency", Holds::Text),
    ],
    meeting: Meeting::Merges(
        "(id) DO UPDATE SET (supplier, code, name, car_class, car_class_key, location, location_key, time_zone, vehicles, daily_minor, currency) = \
         (excluded.supplier, excluded.code, excluded.name, excluded.car_class, excluded.car_class_key, excluded.location, excluded.location_key, excluded.time_zone, excluded.vehicles, excluded.daily_minor, excluded.currency)",
    ),
};

/// Rentals that stand.
pub(super) static RENTALS: Table = Table {
    name: "car_rentals",
    columns: &[
        column("car_id", Holds::Uuid),
        column("booking_id", Holds::Uuid),
        column("pick_up_at", Holds::Instant),
        column("drop_off_at", Holds::Instant),
    ],
    meeting: Meeting::Merges(
        "(car_id, booking_id) DO UPDATE SET pick_up_at = excluded.pick_up_at, drop_off_at = excluded.drop_off_at",
    ),
};

/// Rentals that were given back.
static GIVEN_BACK: Table = Table {
    name: "car_rentals",
    columns: &[column("car_id", Holds::Uuid), column("booking_id", Holds::Uuid)],
    meeting: Meeting::Never,
};

/// What a batch of events changes.
#[derive(Debug, Default)]
pub struct CarBatch {
    /// Details as they are last said.
    pub(super) details: BTreeMap<CarId, CarDetails>,
    /// What each trip holds of a fleet at the end; nothing when it was given back.
    pub(super) rentals: BTreeMap<(CarId, BookingId), Option<Rental>>,
}

impl CarBatch {
    pub(super) fn bytes(&self) -> usize {
        self.details.len() * CAR_BYTES + self.rentals.len() * RENTAL_BYTES
    }

    pub(super) fn flush(self, changes: &mut Changes) {
        let mut cars = Rows::new(&CARS);
        for (id, car) in &self.details {
            write_car(&mut cars, *id, car);
        }
        let (mut held, mut given_back) = (Rows::new(&RENTALS), Rows::new(&GIVEN_BACK));
        for ((car, booking), rental) in &self.rentals {
            match rental {
                Some(rental) => {
                    held.row().uuid(car.0).uuid(booking.0).instant(rental.pick_up()).instant(rental.drop_off());
                }
                None => _ = given_back.row().uuid(car.0).uuid(booking.0),
            }
        }
        changes.write(cars);
        changes.write(held);
        changes.delete(given_back);
    }
}

fn write_car(rows: &mut Rows, id: CarId, car: &CarDetails) {
    let mut row = rows.row();
    row.uuid(id.0).text(&car.supplier).text(&car.code).text(&car.name);
    row.text(&car.car_class).text(&car.car_class.to_lowercase());
    row.text(&car.location).text(&car.location.to_lowercase()).text(car.time_zone.name());
    row.int(i64::from(car.vehicles)).int(car.daily_price.minor).text(car.daily_price.currency.as_str());
}
