//! Reading sagas: one, a page, how many wait for an operator.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::{BookingId, StreamKind};
use uuid::Uuid;

use super::query::{state_of, states_of};
use super::state::BookingState;
use super::timeline::{Lines, timelines, until};
use crate::cursor::List;
use crate::keyset::{Order, Way, Window};
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

/// The sagas of those of some trips that there are.
pub(crate) async fn sagas_of(pool: &PgPool, ids: &[BookingId], lines: Lines) -> Result<Vec<SagaView>, ReadError> {
    let states = states_of(pool, ids).await?;
    let mut timelines = timelines(pool, ids, OWN, lines).await?;
    let views = states.into_iter().map(|(id, state)| view(id, state, timelines.remove(&id).unwrap_or_default()));
    Ok(views.collect())
}

/// Sagas in the order of the filter.
pub(crate) async fn sagas(
    pool: &PgPool,
    filter: &SagaFilter,
    page: &Page,
    lines: Lines,
) -> Result<Slice<SagaView>, ReadError> {
    let order = Sorting::of(filter);
    let window: Window<'_, (DateTime<Utc>, Uuid)> = Window::of(order.order(), page)?;
    let is_askable =
        is_storable([filter.fingerprint.as_deref()]) && filter.wakes_before.is_none_or(is_storable_instant);
    if !is_askable {
        return Ok(Slice::empty());
    }
    let rows = window.rows(pool, select(filter, order)).await?;
    let beyond = window.beyond(pool, || select(filter, order)).await?;
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
        (window.cursor(&(place, id.0)), view(id, state, timeline))
    });
    Ok(window.cut(items.collect(), beyond))
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
enum Sorting {
    /// Who wait for an operator, the longest first.
    Urgent,
    /// The unfinished, the newest first.
    Open,
    /// All, the newest first.
    Newest,
}

impl Sorting {
    fn of(filter: &SagaFilter) -> Self {
        let SagaFilter { status, needs_attention, fingerprint, wakes_before } = filter;
        if *needs_attention == Some(true) || fingerprint.is_some() {
            return Self::Urgent;
        }
        let is_open = !status.is_empty() && !status.iter().any(|status| ENDED_WELL.contains(status));
        // Only what is under way is woken.
        if is_open || wakes_before.is_some() { Self::Open } else { Self::Newest }
    }

    const fn order(self) -> Order {
        let (list, columns, way): (_, &[&str], _) = match self {
            Self::Urgent => (List::WaitingSagas, &["attention_since", "id"], Way::Ascending),
            Self::Open => (List::Sagas, &["open_since", "id"], Way::Descending),
            Self::Newest => (List::Sagas, &["created_at", "id"], Way::Descending),
        };
        Order { list, columns, way }
    }

    const fn place(self) -> &'static str {
        self.order().columns[0]
    }
}

fn select(filter: &SagaFilter, order: Sorting) -> Conditions<'_> {
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
    query
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
