//! Reading a traveller's trips, page by page.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::BookingId;
use uuid::Uuid;

use super::state::TripState;
use crate::booking::email_key;
use crate::cursor::{self, List};
use crate::reads::ReadError;
use crate::search::{Page, Slice, TravellerTrips};
use crate::sql::{Conditions, is_storable};
use crate::views::TravellerBookingView;

/// The trips of the traveller with this e-mail address, the newest first.
pub(crate) async fn trips(
    pool: &PgPool,
    wanted: &TravellerTrips<'_>,
    page: &Page,
) -> Result<Slice<TravellerBookingView>, ReadError> {
    let after: Option<(DateTime<Utc>, Uuid)> = cursor::read(List::TravellerBookings, page)?;
    if !is_storable([Some(wanted.email), wanted.owner]) {
        return Ok(Slice::empty(page));
    }
    let mut query = Conditions::after("SELECT booking_id, created_at, state FROM traveller_bookings");
    query.and("email_key = ").push_bind(email_key(wanted.email));
    if let Some(owner) = wanted.owner {
        query.and("state ->> 'owner' = ").push_bind(owner);
    }
    if let Some((created_at, id)) = after {
        query.and("(created_at, booking_id) < (").push_bind(created_at).push(", ").push_bind(id).push(")");
    }
    let mut query = query.into_builder();
    query.push(" ORDER BY created_at DESC, booking_id DESC LIMIT ").push_bind(page.rows_to_read());
    let rows = query.build().fetch_all(pool).await?;
    let trips = rows.iter().map(|row| {
        let trip = trip(row)?;
        Ok((cursor::write(List::TravellerBookings, &(trip.created_at, trip.booking.0)), trip))
    });
    Ok(Slice::cut(trips.collect::<Result<_, ReadError>>()?, page))
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
