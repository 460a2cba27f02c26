//! Reading trips: one, a page.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::BookingId;
use uuid::Uuid;

use super::rows::email_key;
use super::state::BookingState;
use super::timeline::{Lines, timelines, until};
use crate::cursor::List;
use crate::keyset::{Order, Way, Window};
use crate::reads::ReadError;
use crate::search::{BookingFilter, Page, Slice};
use crate::sql::{Conditions, is_storable, is_storable_instant};
use crate::views::{BookingView, TimelineEntry, TravellerView};

/// The newest first.
const NEWEST: Order = Order { list: List::Bookings, columns: &["created_at", "id"], way: Way::Descending };

/// A trip, or nothing.
pub(crate) async fn booking(pool: &PgPool, id: BookingId, lines: Lines) -> Result<Option<BookingView>, ReadError> {
    let Some(state) = state_of(pool, id).await? else { return Ok(None) };
    let timeline = timelines(pool, &[id], None, lines).await?.remove(&id).unwrap_or_default();
    Ok(Some(view(id, state, timeline)))
}

/// Those of some trips that there are.
pub(crate) async fn bookings_of(pool: &PgPool, ids: &[BookingId], lines: Lines) -> Result<Vec<BookingView>, ReadError> {
    let states = states_of(pool, ids).await?;
    let mut timelines = timelines(pool, ids, None, lines).await?;
    let views = states.into_iter().map(|(id, state)| view(id, state, timelines.remove(&id).unwrap_or_default()));
    Ok(views.collect())
}

/// Trips, the newest first.
pub(crate) async fn bookings(
    pool: &PgPool,
    filter: &BookingFilter,
    page: &Page,
    lines: Lines,
) -> Result<Slice<BookingView>, ReadError> {
    let window: Window<'_, (DateTime<Utc>, Uuid)> = Window::of(NEWEST, page)?;
    let instants = [filter.created_from, filter.created_to];
    let is_askable = is_storable([filter.owner.as_deref(), filter.traveller_email.as_deref()])
        && instants.into_iter().flatten().all(is_storable_instant);
    if !is_askable {
        return Ok(Slice::empty());
    }
    let rows = window.rows(pool, select(filter)).await?;
    let beyond = window.beyond(pool, || select(filter)).await?;
    let found = rows.iter().map(row).collect::<Result<Vec<_>, ReadError>>()?;
    let ids: Vec<BookingId> = found.iter().map(|(id, ..)| *id).collect();
    let mut timelines = timelines(pool, &ids, None, lines).await?;
    let items = found.into_iter().map(|(id, created_at, state)| {
        let timeline = timelines.remove(&id).unwrap_or_default();
        (window.cursor(&(created_at, id.0)), view(id, state, timeline))
    });
    Ok(window.cut(items.collect(), beyond))
}

fn select(filter: &BookingFilter) -> Conditions<'_> {
    let mut query = Conditions::after("SELECT id, created_at, state FROM bookings");
    if let Some(owner) = &filter.owner {
        query.and("owner = ").push_bind(owner);
    }
    if let Some(email) = &filter.traveller_email {
        query.and("email_key = ").push_bind(email_key(email));
    }
    if !filter.status.is_empty() {
        let words: Vec<_> = filter.status.iter().map(|status| status.as_str()).collect();
        query.and("status = ANY(").push_bind(words).push(")");
    }
    if !filter.saga_status.is_empty() {
        let words: Vec<_> = filter.saga_status.iter().map(|status| status.as_str()).collect();
        query.and("saga_status = ANY(").push_bind(words).push(")");
    }
    if let Some(from) = filter.created_from {
        query.and("created_at >= ").push_bind(from);
    }
    if let Some(to) = filter.created_to {
        query.and("created_at < ").push_bind(to);
    }
    query
}

pub(super) async fn state_of(pool: &PgPool, id: BookingId) -> Result<Option<BookingState>, ReadError> {
    let row = sqlx::query("SELECT state FROM bookings WHERE id = $1").bind(id.0).fetch_optional(pool).await?;
    Ok(row.map(|row| row.try_get::<Json<BookingState>, _>("state")).transpose()?.map(|Json(state)| state))
}

pub(super) async fn states_of(pool: &PgPool, ids: &[BookingId]) -> Result<Vec<(BookingId, BookingState)>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let sql = "SELECT id, created_at, state FROM bookings WHERE id = ANY($1)";
    let rows = sqlx::query(sql).bind(ids).fetch_all(pool).await?;
    rows.iter().map(|found| row(found).map(|(id, _, state)| (id, state))).collect()
}

fn row(row: &PgRow) -> Result<(BookingId, DateTime<Utc>, BookingState), ReadError> {
    let Json(state) = row.try_get::<Json<BookingState>, _>("state")?;
    Ok((BookingId(row.try_get("id")?), row.try_get("created_at")?, state))
}

pub(super) fn view(id: BookingId, state: BookingState, timeline: Vec<TimelineEntry>) -> BookingView {
    BookingView {
        id,
        status: state.status(),
        saga_status: state.saga_status(),
        version: state.version,
        owner: state.owner,
        traveller: TravellerView {
            email: state.traveller.email,
            name: state.traveller.name,
            phone: state.traveller.phone,
        },
        hotel: state.hotel,
        flight: state.flight,
        car: state.car,
        payment: state.payment,
        discount: state.discount,
        total: state.total,
        failure: state.failure,
        timeline: until(timeline, state.position).collect(),
        created_at: state.created_at,
        updated_at: state.updated_at,
        position: state.position,
    }
}
