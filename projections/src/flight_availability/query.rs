//! Searching flights, and the seats left in their cabins.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use traveladvisor_domain::id::FlightId;
use uuid::Uuid;

use crate::cursor::{self, List};
use crate::reads::ReadError;
use crate::search::{FlightSearch, Page, Slice};
use crate::sql::{Conditions, count, is_storable, is_storable_date, is_storable_instant, money, zone};
use crate::views::{CabinView, FlightView};

const FLIGHT: &str =
    "id, supplier, code, carrier, origin, origin_zone, destination, destination_zone, departure_at, arrival_at";

/// The flights of the page with their cabins: one row each, in order.
const WITH_CABINS: &str = " SELECT page.*, c.cabin, c.seats, c.minor, c.currency, \
            greatest(c.seats - coalesce(s.sold, 0), 0) AS seats_left \
       FROM page LEFT JOIN flight_cabins c ON c.flight_id = page.id \
            LEFT JOIN flight_sales s ON s.flight_id = c.flight_id AND s.cabin = c.cabin \
      ORDER BY page.departure_at, page.id, c.place";

/// A flight, or nothing.
pub(crate) async fn flight(pool: &PgPool, id: FlightId) -> Result<Option<FlightView>, ReadError> {
    let mut query = QueryBuilder::new(format!("WITH page AS (SELECT {FLIGHT} FROM flights WHERE id = "));
    query.push_bind(id.0).push(")").push(WITH_CABINS);
    let rows = query.build().fetch_all(pool).await?;
    Ok(flights_of(&rows)?.pop().map(|(_, flight)| flight))
}

/// Flights by departure. Those are left out of which no cabin, or not the cabin asked for, has the seats.
pub(crate) async fn flights(pool: &PgPool, search: &FlightSearch, page: &Page) -> Result<Slice<FlightView>, ReadError> {
    let after: Option<(DateTime<Utc>, Uuid)> = cursor::read(List::Flights, page)?;
    let is_askable = is_storable([search.origin.as_deref(), search.destination.as_deref(), search.cabin.as_deref()])
        && search.departure_date.is_none_or(is_storable_date)
        && search.departing_after.is_none_or(is_storable_instant);
    if !is_askable {
        return Ok(Slice::empty(page));
    }
    let mut query = select(search, after);
    query.push(" ORDER BY departure_at, id LIMIT ").push_bind(page.rows_to_read()).push(")").push(WITH_CABINS);
    let rows = query.build().fetch_all(pool).await?;
    Ok(Slice::cut(flights_of(&rows)?, page))
}

fn select(search: &FlightSearch, after: Option<(DateTime<Utc>, Uuid)>) -> QueryBuilder<'_, Postgres> {
    let mut query = Conditions::after(&format!("WITH page AS (SELECT {FLIGHT} FROM flights f"));
    // Airports are listed by their codes in capitals.
    if let Some(origin) = &search.origin {
        query.and("origin = ").push_bind(origin.to_uppercase());
    }
    if let Some(destination) = &search.destination {
        query.and("destination = ").push_bind(destination.to_uppercase());
    }
    if let Some(date) = search.departure_date {
        query.and("departure_date = ").push_bind(date);
    }
    if let Some(instant) = search.departing_after {
        query.and("departure_at > ").push_bind(instant);
    }
    if let Some((departure_at, id)) = after {
        query.and("(departure_at, id) > (").push_bind(departure_at).push(", ").push_bind(id).push(")");
    }
    let query_of_seats = query.and(
        "EXISTS (SELECT FROM flight_cabins c LEFT JOIN flight_sales s ON s.flight_id = c.flight_id AND s.cabin = c.cabin \
          WHERE c.flight_id = f.id AND c.seats - coalesce(s.sold, 0) >= ",
    );
    query_of_seats.push_bind(i64::from(search.seats));
    if let Some(cabin) = &search.cabin {
        query_of_seats.push(" AND c.cabin_key = ").push_bind(cabin.to_lowercase());
    }
    query_of_seats.push(")");
    query.into_builder()
}

fn flights_of(rows: &[PgRow]) -> Result<Vec<(String, FlightView)>, ReadError> {
    let mut flights: Vec<(String, FlightView)> = Vec::new();
    for row in rows {
        let id = FlightId(row.try_get("id")?);
        if flights.last().is_none_or(|(_, last)| last.id != id) {
            let flight = flight_of(row, id)?;
            flights.push((cursor::write(List::Flights, &(flight.departure_at, id.0)), flight));
        }
        let has_cabin = row.try_get::<Option<&str>, _>("cabin")?.is_some();
        if let Some((_, flight)) = flights.last_mut().filter(|_| has_cabin) {
            flight.cabins.push(cabin_of(row)?);
        }
    }
    Ok(flights)
}

fn flight_of(row: &PgRow, id: FlightId) -> Result<FlightView, ReadError> {
    Ok(FlightView {
        id,
        supplier: row.try_get("supplier")?,
        code: row.try_get("code")?,
        carrier: row.try_get("carrier")?,
        origin: row.try_get("origin")?,
        origin_zone: zone(row, "origin_zone")?,
        destination: row.try_get("destination")?,
        destination_zone: zone(row, "destination_zone")?,
        departure_at: row.try_get("departure_at")?,
        arrival_at: row.try_get("arrival_at")?,
        cabins: Vec::new(),
    })
}

fn cabin_of(row: &PgRow) -> Result<CabinView, ReadError> {
    Ok(CabinView {
        cabin: row.try_get("cabin")?,
        seats: count(row, "seats")?,
        seats_left: count(row, "seats_left")?,
        price: money(row, "minor")?,
    })
}
