//! Trips in the making, read and written by the hundred.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_infra::event_log::Position;
use uuid::Uuid;

use super::state::BookingState;
use crate::views::{AttentionView, BookingStatus, SagaStatus};

/// The trips that a batch of events touches, and what is new in their timelines.
#[derive(Default)]
pub struct BookingBatch {
    pub(super) states: BTreeMap<BookingId, BookingState>,
    pub(super) timeline: Vec<TimelineRow>,
}

/// A line of a timeline.
pub(super) struct TimelineRow {
    pub(super) booking: BookingId,
    pub(super) position: Position,
    pub(super) at: DateTime<Utc>,
    pub(super) kind: StreamKind,
    pub(super) event_type: String,
    pub(super) summary: String,
    /// What only operators read.
    pub(super) signed: Option<String>,
    pub(super) status: BookingStatus,
    pub(super) saga_status: SagaStatus,
}

const UPSERT_BOOKINGS: &str = "INSERT INTO bookings (id, owner, email_key, status, saga_status, created_at, state, \
                           open_since, next_wake_up, attention_since, fingerprint) \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::json[], \
                          $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[]) \
     ON CONFLICT (id) DO UPDATE SET status = excluded.status, saga_status = excluded.saga_status, state = excluded.state, \
            open_since = excluded.open_since, next_wake_up = excluded.next_wake_up, \
            attention_since = excluded.attention_since, fingerprint = excluded.fingerprint";

const INSERT_TIMELINE: &str = "INSERT INTO booking_timeline \
     (booking_id, position, at, stream_kind, event_type, summary, status, saga_status, signed) \
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], \
                          $8::text[], $9::text[])";

impl BookingBatch {
    pub(super) async fn load(keys: &BTreeSet<String>, connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let ids: Vec<Uuid> = keys.iter().filter_map(|key| key.parse::<BookingId>().ok()).map(|id| id.0).collect();
        let rows =
            sqlx::query("SELECT id, state FROM bookings WHERE id = ANY($1)").bind(ids).fetch_all(connection).await?;
        let mut states = BTreeMap::new();
        for row in rows {
            let Json(state) = row.try_get::<Json<BookingState>, _>("state")?;
            states.insert(BookingId(row.try_get("id")?), state);
        }
        Ok(Self { states, timeline: Vec::new() })
    }

    pub(super) async fn flush(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.timeline.is_empty() {
            return Ok(());
        }
        let states: Vec<_> = self.states.iter().collect();
        sqlx::query(UPSERT_BOOKINGS)
            .bind(states.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| state.owner.as_str()).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| email_key(&state.traveller.email)).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| state.status().as_str()).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| state.saga_status().as_str()).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| state.created_at).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| Json(*state)).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| state.open_since()).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| state.saga.next_wake_up).collect::<Vec<_>>())
            .bind(states.iter().map(|(_, state)| attention(state).map(|needed| needed.since)).collect::<Vec<_>>())
            .bind(
                states.iter().map(|(_, state)| attention(state).map(|needed| &*needed.fingerprint)).collect::<Vec<_>>(),
            )
            .execute(&mut *connection)
            .await?;
        let lines = &self.timeline;
        sqlx::query(INSERT_TIMELINE)
            .bind(lines.iter().map(|line| line.booking.0).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.position.0.cast_signed()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.at).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.kind.as_str()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.event_type.as_str()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.summary.as_str()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.status.as_str()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.saga_status.as_str()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.signed.as_deref()).collect::<Vec<_>>())
            .execute(connection)
            .await?;
        Ok(())
    }
}

const fn attention(state: &BookingState) -> Option<&AttentionView> {
    state.saga.attention.as_ref()
}

/// How an e-mail address is compared.
pub(super) fn email_key(email: &str) -> String {
    email.to_lowercase()
}
