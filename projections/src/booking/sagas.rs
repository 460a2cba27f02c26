//! Reading sagas: one, a page, how many wait for an operator.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use traveladvisor_domain::id::{BookingId, StreamKind};
use uuid::Uuid;

use super::query::state_of;
use super::state::BookingState;
use super::timeline::{Lines, timelines, until};
use crate::cursor::{self, List};
use crate::reads::ReadError;
use crate::search::{Page, SagaFilter, Slice};
use crate::sql::{Conditions, is_storable, is_storable_instant};
use crate::views::{SagaStatus, SagaView, TimelineEntry};

/// Those that have ended well stand in no index of sagas; they are found among all trips.
const ENDED_WELL: [SagaStatus; 2] = [SagaStatus::Succeeded, SagaStatus::Compensated];

/// The history of a saga is that of its own stream.
const OWN: Option<StreamKind> = Some(StreamKind::TripSaga);

/// The saga of a trip, or nothing.
pub(crate) async fn saga(pool: &PgPool, id: BookingId, lines: Lines) -> Result<Option<SagaView>, ReadError> {
    let Some(state) = state_of(pool, id).await? else { return Ok(None) };
    let timeline = timelines(pool, &[id], OWN, lines).await?.remove(&id).unwrap_or_default();
    Ok(Some(view(id, state, timeline)))
}

/// Sagas in the order of the filter.
pub(crate) async fn sagas(
    pool: &PgPool,
    filter: &SagaFilter,
    page: &Page,
    lines: Lines,
) -> Result<Slice<SagaView>, ReadError> {
    let order = Order::of(filter);
    let after: Option<(DateTime<Utc>, Uuid)> = cursor::read(order.list(), page)?;
    let is_askable =
        is_storable([filter.fingerprint.as_deref()]) && filter.wakes_before.is_none_or(is_storable_instant);
    if !is_askable {
        return Ok(Slice::empty(page));
    }
    let mut query = select(filter, order, after);
    query.push(order.by()).push(" LIMIT ").push_bind(page.rows_to_read());
    let rows = query.build().fetch_all(pool).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let Json(state) = row.try_get::<Json<BookingState>, _>("state")?;
        let place: DateTime<Utc> = row.try_get("place")?;
        found.push((BookingId(row.try_get("id")?), place, state));
    }
    let ids: Vec<BookingId> = found.iter().map(|(id, ..)| *id).collect();
    let mut timelines = timelines(pool, &ids, OWN, lines).await?;
    let items = found.into_iter().map(|(id, place, state)| {
        let timeline = timelines.remove(&id).unwrap_or_default();
        (cursor::write(order.list(), &(place, id.0)), view(id, state, timeline))
    });
    Ok(Slice::cut(items.collect(), page))
}

/// How many wait for an operator for one reason.
pub(crate) async fn waiting_for(pool: &PgPool, fingerprint: &str) -> Result<u64, ReadError> {
    if !is_storable([Some(fingerprint)]) {
        return Ok(0);
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM bookings WHERE fingerprint = $1")
        .bind(fingerprint)
        .fetch_one(pool)
        .await?;
    Ok(count.unsigned_abs())
}

/// In which order a list is read. Both have an index, and a place that does not change while a saga stays in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Who wait for an operator, the longest first.
    Urgent,
    /// The unfinished, the newest first.
    Open,
    /// All, the newest first.
    Newest,
}

impl Order {
    fn of(filter: &SagaFilter) -> Self {
        let SagaFilter { status, needs_attention, fingerprint, wakes_before } = filter;
        if *needs_attention == Some(true) || fingerprint.is_some() {
            return Self::Urgent;
        }
        let is_open = !status.is_empty() && !status.iter().any(|status| ENDED_WELL.contains(status));
        // Only what is under way is woken.
        if is_open || wakes_before.is_some() { Self::Open } else { Self::Newest }
    }

    const fn list(self) -> List {
        match self {
            Self::Urgent => List::WaitingSagas,
            Self::Open | Self::Newest => List::Sagas,
        }
    }

    const fn place(self) -> &'static str {
        match self {
            Self::Urgent => "attention_since",
            Self::Open => "open_since",
            Self::Newest => "created_at",
        }
    }

    const fn by(self) -> &'static str {
        match self {
            Self::Urgent => " ORDER BY attention_since, id",
            Self::Open => " ORDER BY open_since DESC, id DESC",
            Self::Newest => " ORDER BY created_at DESC, id DESC",
        }
    }
}

fn select(filter: &SagaFilter, order: Order, after: Option<(DateTime<Utc>, Uuid)>) -> QueryBuilder<'_, Postgres> {
    let place = order.place();
    let mut query = Conditions::after(&format!("SELECT id, {place} AS place, state FROM bookings"));
    query.and(place).push(" IS NOT NULL");
    if !filter.status.is_empty() {
        let words: Vec<_> = filter.status.iter().map(|status| status.as_str()).collect();
        query.and("saga_status = ANY(").push_bind(words).push(")");
    }
    match filter.needs_attention {
        Some(true) => drop(query.and("attention_since IS NOT NULL")),
        Some(false) => drop(query.and("attention_since IS NULL")),
        None => {}
    }
    if let Some(fingerprint) = &filter.fingerprint {
        query.and("fingerprint = ").push_bind(fingerprint);
    }
    if let Some(instant) = filter.wakes_before {
        query.and("next_wake_up < ").push_bind(instant);
    }
    if let Some((at, id)) = after {
        let beyond = if order == Order::Urgent { ") > (" } else { ") < (" };
        query.and("(").push(place).push(", id").push(beyond).push_bind(at).push(", ").push_bind(id).push(")");
    }
    query.into_builder()
}

fn view(id: BookingId, state: BookingState, timeline: Vec<TimelineEntry>) -> SagaView {
    let history = until(timeline, state.position).collect();
    SagaView {
        booking: id,
        status: state.saga_status(),
        owner: state.owner,
        definition: state.saga.definition,
        steps: state.saga.steps,
        waiting: state.saga.waiting,
        attention: state.saga.attention,
        reason: state.saga.reason,
        next_wake_up: state.saga.next_wake_up,
        created_at: state.created_at,
        history,
    }
}
