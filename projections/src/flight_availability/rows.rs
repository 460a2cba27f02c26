//! Flights in the making.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use traveladvisor_domain::flight::{CabinDetails, FlightDetails};
use traveladvisor_domain::id::FlightId;
use uuid::Uuid;

/// What a batch of events changes.
#[derive(Debug, Default)]
pub struct FlightBatch {
    /// Details as they are last said.
    pub(super) details: BTreeMap<FlightId, FlightDetails>,
    /// Seats sold, less seats given back.
    sold: BTreeMap<(FlightId, String), i64>,
}

const UPSERT_FLIGHTS: &str = "INSERT INTO flights (id, supplier, code, carrier, origin, origin_zone, destination, \
     destination_zone, departure_at, arrival_at, departure_date) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
                          $9::timestamptz[], $10::timestamptz[], $11::date[]) \
     ON CONFLICT (id) DO UPDATE SET (supplier, code, carrier, origin, origin_zone, destination, destination_zone, \
         departure_at, arrival_at, departure_date) = (excluded.supplier, excluded.code, excluded.carrier, excluded.origin, \
         excluded.origin_zone, excluded.destination, excluded.destination_zone, excluded.departure_at, \
         excluded.arrival_at, excluded.departure_date)";

const INSERT_CABINS: &str = "INSERT INTO flight_cabins (flight_id, cabin, cabin_key, place, seats, minor, currency) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])";

const UPSERT_SALES: &str = "INSERT INTO flight_sales AS known (flight_id, cabin, sold) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[]) \
     ON CONFLICT (flight_id, cabin) DO UPDATE SET sold = known.sold + excluded.sold";

impl FlightBatch {
    pub(super) fn sell(&mut self, flight: FlightId, cabin: &str, seats: i64) {
        *self.sold.entry((flight, cabin.to_owned())).or_default() += seats;
    }

    pub(super) async fn flush(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if !self.details.is_empty() {
            flush_flights(&self.details, connection).await?;
            flush_cabins(&self.details, connection).await?;
        }
        if !self.sold.is_empty() {
            sqlx::query(UPSERT_SALES)
                .bind(self.sold.keys().map(|(flight, _)| flight.0).collect::<Vec<_>>())
                .bind(self.sold.keys().map(|(_, cabin)| cabin.as_str()).collect::<Vec<_>>())
                .bind(self.sold.values().copied().collect::<Vec<_>>())
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}

async fn flush_flights(
    details: &BTreeMap<FlightId, FlightDetails>,
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let texts = |text: fn(&FlightDetails) -> &str| details.values().map(text).collect::<Vec<_>>();
    sqlx::query(UPSERT_FLIGHTS)
        .bind(details.keys().map(|id| id.0).collect::<Vec<_>>())
        .bind(texts(|flight| &flight.supplier))
        .bind(texts(|flight| &flight.code))
        .bind(texts(|flight| &flight.carrier))
        .bind(texts(|flight| &flight.origin))
        .bind(texts(|flight| flight.origin_zone.name()))
        .bind(texts(|flight| &flight.destination))
        .bind(texts(|flight| flight.destination_zone.name()))
        .bind(details.values().map(|flight| flight.departure_at).collect::<Vec<_>>())
        .bind(details.values().map(|flight| flight.arrival_at).collect::<Vec<_>>())
        .bind(details.values().map(FlightDetails::departure_date).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Replaced as a whole: what is withdrawn is gone.
async fn flush_cabins(
    details: &BTreeMap<FlightId, FlightDetails>,
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let flights: Vec<Uuid> = details.keys().map(|id| id.0).collect();
    sqlx::query("DELETE FROM flight_cabins WHERE flight_id = ANY($1)").bind(flights).execute(&mut *connection).await?;
    let cabins: Vec<(Uuid, i64, &CabinDetails)> = details
        .iter()
        .flat_map(|(id, flight)| (0_i64..).zip(&flight.cabins).map(move |(place, cabin)| (id.0, place, cabin)))
        .collect();
    sqlx::query(INSERT_CABINS)
        .bind(cabins.iter().map(|(flight, ..)| *flight).collect::<Vec<_>>())
        .bind(cabins.iter().map(|(.., cabin)| cabin.cabin.as_str()).collect::<Vec<_>>())
        .bind(cabins.iter().map(|(.., cabin)| cabin.cabin.to_lowercase()).collect::<Vec<_>>())
        .bind(cabins.iter().map(|(_, place, _)| *place).collect::<Vec<_>>())
        .bind(cabins.iter().map(|(.., cabin)| i64::from(cabin.seats)).collect::<Vec<_>>())
        .bind(cabins.iter().map(|(.., cabin)| cabin.price.minor).collect::<Vec<_>>())
        .bind(cabins.iter().map(|(.., cabin)| cabin.price.currency.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
