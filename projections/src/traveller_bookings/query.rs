//! Reading a traveller's trips, page by page.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::BookingId;
use uuid::Uuid;

use super::state::TripState;
use crate::booking::email_key;
use crate::cursor::List;
use crate::keyset::{Order, Way, Window};
use crate::reads::ReadError;
use crate::search::{Page, Slice, TravellerTrips};
use crate::sql::{Conditions, is_storable};
use crate::views::TravellerBookingView;

/// The newest first.
const NEWEST: Order =
    Order { list: List::TravellerBookings, columns: &["created_at", "booking_id"], way: Way::Descending };

/// The trips of the traveller with this e-mail address, the newest first.
pub(crate) async fn trips(
    pool: &PgPool,
    wanted: &TravellerTrips<'_>,
    page: &Page,
) -> Result<Slice<TravellerBookingView>, ReadError> {
    let window: Window<'_, (DateTime<Utc>, Uuid)> = Window::of(NEWEST, page)?;
    if !is_storable([Some(wanted.email), wanted.owner]) {
        return Ok(Slice::empty());
    }
    let rows = window.rows(pool, select(wanted)).await?;
    let beyond = window.beyond(pool, || select(wanted)).await?;
    let trips = rows.iter().map(|row| {
        let trip = trip(row)?;
        Ok((window.cursor(&(trip.created_at, trip.booking.0)), trip))
    });
    Ok(window.cut(trips.collect::<Result<_, ReadError>>()?, beyond))
}

/// Those of some trips that there are.
pub(crate) async fn trips_of(pool: &PgPool, ids: &[BookingId]) -> Result<Vec<TravellerBookingView>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let sql = "SELECT booking_id, created_at, state FROM traveller_bookings WHERE booking_id = ANY($1)";
    sqlx::query(sql).bind(ids).fetch_all(pool).await?.iter().map(trip).collect()
}

fn select<'a>(wanted: &TravellerTrips<'a>) -> Conditions<'a> {
    let mut query = Conditions::after("SELECT booking_id, created_at, state FROM traveller_bookings");
    query.and("email_key = ").push_bind(email_key(wanted.email));
    if let Some(owner) = wanted.owner {
        query.and("state ->> 'owner' = ").push_bind(owner);
    }
    query
}

fn trip(row: &PgRow) -> Result<TravellerBookingView, ReadError> {
    let Json(TripState { owner, total, starts_at, stay, parts, way }) = row.try_get("state")?;
    Ok(TravellerBookingView {
        booking: BookingId(row.try_get("booking_id")?),
        owner,
        created_at: row.try_get("created_at")?,
        status: way.status(),
        saga_status: way.saga_status(),
        total,
        starts_at,
        stay,
        parts,
    })
}
