//! Fleets in the making.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::id::{BookingId, CarId};
use traveladvisor_domain::rental::Rental;

/// What a batch of events changes.
#[derive(Debug, Default)]
pub struct CarBatch {
    /// Details as they are last said.
    pub(super) details: BTreeMap<CarId, CarDetails>,
    /// What each trip holds of a fleet at the end; nothing when it was given back.
    pub(super) rentals: BTreeMap<(CarId, BookingId), Option<Rental>>,
}

const UPSERT_CARS: &str = "INSERT INTO cars (id, supplier, code, name, car_class, car_class_key, location, location_key, \
     time_zone, vehicles, daily_minor, currency) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
                          $9::text[], $10::bigint[], $11::bigint[], $12::text[]) \
     ON CONFLICT (id) DO UPDATE SET (supplier, code, name, car_class, car_class_key, location, location_key, time_zone, \
         vehicles, daily_minor, currency) = (excluded.supplier, excluded.code, excluded.name, excluded.car_class, \
         excluded.car_class_key, excluded.location, excluded.location_key, excluded.time_zone, excluded.vehicles, \
         excluded.daily_minor, excluded.currency)";

const UPSERT_RENTALS: &str = "INSERT INTO car_rentals (car_id, booking_id, pick_up_at, drop_off_at) \
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) \
     ON CONFLICT (car_id, booking_id) DO UPDATE SET pick_up_at = excluded.pick_up_at, drop_off_at = excluded.drop_off_at";

const DELETE_RENTALS: &str = "DELETE FROM car_rentals r USING unnest($1::uuid[], $2::uuid[]) AS gone(car_id, booking_id) \
     WHERE r.car_id = gone.car_id AND r.booking_id = gone.booking_id";

impl CarBatch {
    pub(super) async fn flush(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if !self.details.is_empty() {
            flush_cars(&self.details, connection).await?;
        }
        let held: Vec<_> =
            self.rentals.iter().filter_map(|(key, rental)| rental.map(|rental| (*key, rental))).collect();
        if !held.is_empty() {
            sqlx::query(UPSERT_RENTALS)
                .bind(held.iter().map(|((car, _), _)| car.0).collect::<Vec<_>>())
                .bind(held.iter().map(|((_, booking), _)| booking.0).collect::<Vec<_>>())
                .bind(held.iter().map(|(_, rental)| rental.pick_up()).collect::<Vec<_>>())
                .bind(held.iter().map(|(_, rental)| rental.drop_off()).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        let given_back: Vec<_> =
            self.rentals.iter().filter(|(_, rental)| rental.is_none()).map(|(key, _)| key).collect();
        if !given_back.is_empty() {
            sqlx::query(DELETE_RENTALS)
                .bind(given_back.iter().map(|(car, _)| car.0).collect::<Vec<_>>())
                .bind(given_back.iter().map(|(_, booking)| booking.0).collect::<Vec<_>>())
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}

async fn flush_cars(details: &BTreeMap<CarId, CarDetails>, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let texts = |text: fn(&CarDetails) -> &str| details.values().map(text).collect::<Vec<_>>();
    sqlx::query(UPSERT_CARS)
        .bind(details.keys().map(|id| id.0).collect::<Vec<_>>())
        .bind(texts(|car| &car.supplier))
        .bind(texts(|car| &car.code))
        .bind(texts(|car| &car.name))
        .bind(texts(|car| &car.car_class))
        .bind(details.values().map(|car| car.car_class.to_lowercase()).collect::<Vec<_>>())
        .bind(texts(|car| &car.location))
        .bind(details.values().map(|car| car.location.to_lowercase()).collect::<Vec<_>>())
        .bind(texts(|car| car.time_zone.name()))
        .bind(details.values().map(|car| i64::from(car.vehicles)).collect::<Vec<_>>())
        .bind(details.values().map(|car| car.daily_price.minor).collect::<Vec<_>>())
        .bind(texts(|car| car.daily_price.currency.as_str()))
        .execute(connection)
        .await?;
    Ok(())
}
