//! Reading trips: one, a page.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::Position;
use uuid::Uuid;

use super::rows::email_key;
use super::state::BookingState;
use crate::cursor::{self, List};
use crate::reads::ReadError;
use crate::search::{BookingFilter, Page, Slice};
use crate::sql::{Conditions, is_storable, is_storable_instant, word};
use crate::views::{BookingView, TimelineEntry, TravellerView};

/// A trip, or nothing.
pub(crate) async fn booking(pool: &PgPool, id: BookingId) -> Result<Option<BookingView>, ReadError> {
    let Some(state) = state_of(pool, id).await? else { return Ok(None) };
    let timeline = timelines(pool, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(Some(view(id, state, timeline)))
}

/// Trips, the newest first.
pub(crate) async fn bookings(
    pool: &PgPool,
    filter: &BookingFilter,
    page: &Page,
) -> Result<Slice<BookingView>, ReadError> {
    let after: Option<(DateTime<Utc>, Uuid)> = cursor::read(List::Bookings, page)?;
    let instants = [filter.created_from, filter.created_to];
    let is_askable = is_storable([filter.owner.as_deref(), filter.traveller_email.as_deref()])
        && instants.into_iter().flatten().all(is_storable_instant);
    if !is_askable {
        return Ok(Slice::empty(page));
    }
    let mut query = select(filter, after);
    query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(page.rows_to_read());
    let rows = query.build().fetch_all(pool).await?;
    let found = rows.iter().map(row).collect::<Result<Vec<_>, ReadError>>()?;
    let ids: Vec<BookingId> = found.iter().map(|(id, ..)| *id).collect();
    let mut timelines = timelines(pool, &ids).await?;
    let items = found.into_iter().map(|(id, created_at, state)| {
        let timeline = timelines.remove(&id).unwrap_or_default();
        (cursor::write(List::Bookings, &(created_at, id.0)), view(id, state, timeline))
    });
    Ok(Slice::cut(items.collect(), page))
}

fn select(filter: &BookingFilter, after: Option<(DateTime<Utc>, Uuid)>) -> QueryBuilder<'_, Postgres> {
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
    if let Some((created_at, id)) = after {
        query.and("(created_at, id) < (").push_bind(created_at).push(", ").push_bind(id).push(")");
    }
    query.into_builder()
}

pub(super) async fn state_of(pool: &PgPool, id: BookingId) -> Result<Option<BookingState>, ReadError> {
    let row = sqlx::query("SELECT state FROM bookings WHERE id = $1").bind(id.0).fetch_optional(pool).await?;
    Ok(row.map(|row| row.try_get::<Json<BookingState>, _>("state")).transpose()?.map(|Json(state)| state))
}

fn row(row: &PgRow) -> Result<(BookingId, DateTime<Utc>, BookingState), ReadError> {
    let Json(state) = row.try_get::<Json<BookingState>, _>("state")?;
    Ok((BookingId(row.try_get("id")?), row.try_get("created_at")?, state))
}

pub(super) async fn timelines(
    pool: &PgPool,
    ids: &[BookingId],
) -> Result<HashMap<BookingId, Vec<TimelineEntry>>, ReadError> {
    let rows = sqlx::query(
        "SELECT booking_id, position, at, stream_kind, event_type, summary, status, saga_status, signed \
           FROM booking_timeline WHERE booking_id = ANY($1) ORDER BY booking_id, position",
    )
    .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    let mut timelines: HashMap<BookingId, Vec<TimelineEntry>> = HashMap::new();
    for row in &rows {
        timelines.entry(BookingId(row.try_get("booking_id")?)).or_default().push(entry(row)?);
    }
    Ok(timelines)
}

fn entry(row: &PgRow) -> Result<TimelineEntry, ReadError> {
    let damaged = || ReadError::Damaged("a line of a timeline has an unknown word".to_owned());
    Ok(TimelineEntry {
        position: Position(row.try_get::<i64, _>("position")?.unsigned_abs()),
        at: row.try_get("at")?,
        stream: row.try_get::<&str, _>("stream_kind")?.parse().map_err(|_| damaged())?,
        event_type: row.try_get("event_type")?,
        summary: row.try_get("summary")?,
        signed: row.try_get("signed")?,
        status: word(row, "status")?,
        saga_status: word(row, "saga_status")?,
    })
}

/// The row was read first: what was written between the two reads is left to the next read, so that both tell the same.
pub(super) fn until(timeline: Vec<TimelineEntry>, position: Position) -> impl Iterator<Item = TimelineEntry> {
    timeline.into_iter().filter(move |entry| entry.position <= position)
}

fn view(id: BookingId, state: BookingState, timeline: Vec<TimelineEntry>) -> BookingView {
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
        total: state.total,
        failure: state.failure,
        timeline: until(timeline, state.position).collect(),
        created_at: state.created_at,
        updated_at: state.updated_at,
        position: state.position,
    }
}
