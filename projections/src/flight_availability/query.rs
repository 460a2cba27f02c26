//! Searching flights, and the seats left in their cabins.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, QueryBuilder, Row};
use traveladvisor_domain::id::FlightId;
use uuid::Uuid;

use crate::cursor::{self, List};
use crate::keyset::{Order, Way, Window};
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

/// By departure.
const BY_DEPARTURE: Order = Order { list: List::Flights, columns: &["departure_at", "id"], way: Way::Ascending };

/// Those of some flights that there are.
pub(crate) async fn flights_of_ids(pool: &PgPool, ids: &[FlightId]) -> Result<Vec<FlightView>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(format!("WITH page AS (SELECT {FLIGHT} FROM flights WHERE id = ANY("));
    query.push_bind(ids.iter().map(|id| id.0).collect::<Vec<_>>()).push("))").push(WITH_CABINS);
    let rows = query.build().fetch_all(pool).await?;
    Ok(flights_of(&rows)?.into_iter().map(|(_, flight)| flight).collect())
}

/// Flights by departure. Those are left out of which no cabin, or not the cabin asked for, has the seats.
pub(crate) async fn flights(pool: &PgPool, search: &FlightSearch, page: &Page) -> Result<Slice<FlightView>, ReadError> {
    let window: Window<'_, (DateTime<Utc>, Uuid)> = Window::of(BY_DEPARTURE, page)?;
    let is_askable = is_storable([search.origin.as_deref(), search.destination.as_deref(), search.cabin.as_deref()])
        && search.departure_date.is_none_or(is_storable_date)
        && search.departing_after.is_none_or(is_storable_instant);
    if !is_askable {
        return Ok(Slice::empty());
    }
    let mut query = window.statement(select(search, "WITH page AS ("));
    let rows = query.push(")").push(WITH_CABINS).build().fetch_all(pool).await?;
    let beyond = window.beyond(pool, || select(search, "")).await?;
    Ok(window.cut(flights_of(&rows)?, beyond))
}

fn select<'a>(search: &'a FlightSearch, beginning: &str) -> Conditions<'a> {
    let mut query = Conditions::after(&format!("{beginning}SELECT {FLIGHT} FROM flights f"));
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
    let query_of_seats = query.and(
        "EXISTS (SELECT FROM flight_cabins c LEFT JOIN flight_sales s ON s.flight_id = c.flight_id AND s.cabin = c.cabin \
          WHERE c.flight_id = f.id AND c.seats - coalesce(s.sold, 0) >= ",
    );
    query_of_seats.push_bind(i64::from(search.seats));
    if let Some(cabin) = &search.cabin {
        query_of_seats.push(" AND c.cabin_key = ").push_bind(cabin.to_lowercase());
    }
    query_of_seats.push(")");
    query
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
