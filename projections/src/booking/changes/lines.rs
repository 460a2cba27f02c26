//! What those who watch read of the rows.

use std::collections::HashMap;

use sqlx::{PgPool, Row};
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::Position;
use uuid::Uuid;

use crate::booking::BookingProjection;
use crate::booking::timeline::{before, entry};
use crate::reads::ReadError;
use crate::runtime::Projection;
use crate::views::TimelineEntry;

/// Whose a trip is, and how far its row has come.
#[derive(Debug)]
pub(super) struct TripRow {
    pub(super) email_key: String,
    pub(super) owner: String,
    pub(super) position: Position,
}

/// The next lines of a trip behind a position, in the order of the log.
pub(crate) async fn lines_after(
    pool: &PgPool,
    id: BookingId,
    after: Position,
    limit: usize,
) -> Result<Vec<TimelineEntry>, ReadError> {
    let rows = sqlx::query(
        "SELECT line.*, before.status AS status_before, before.saga_status AS saga_before \
           FROM (SELECT position, at, stream_kind, event_type, summary, status, saga_status, signed FROM booking_timeline \
                  WHERE booking_id = $1 AND position > $2 ORDER BY position LIMIT $3) line \
           LEFT JOIN (SELECT status, saga_status FROM booking_timeline \
                       WHERE booking_id = $1 AND position <= $2 AND status IS NOT NULL ORDER BY position DESC LIMIT 1) before ON true \
          ORDER BY line.position",
    )
    .bind(id.0)
    .bind(i64::try_from(after.0).unwrap_or(i64::MAX))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    let mut shown = rows.first().map(before).transpose()?.flatten();
    rows.iter().map(|row| entry(row, &mut shown)).collect()
}

/// The newest line of each of these trips.
pub(super) async fn newest(pool: &PgPool, trips: &[BookingId]) -> Result<Vec<(BookingId, Position)>, ReadError> {
    let rows = sqlx::query(
        "SELECT trip.id, line.position FROM unnest($1::uuid[]) AS trip (id) CROSS JOIN LATERAL \
           (SELECT position FROM booking_timeline WHERE booking_id = trip.id ORDER BY position DESC LIMIT 1) AS line",
    )
    .bind(uuids(trips))
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((BookingId(row.try_get("id")?), position(row.try_get("position")?)))).collect()
}

/// Those of these trips that are there.
pub(super) async fn rows_of(pool: &PgPool, trips: Vec<BookingId>) -> Result<HashMap<BookingId, TripRow>, ReadError> {
    let rows = sqlx::query(
        "SELECT id, email_key, owner, (state ->> 'position')::bigint AS position FROM bookings WHERE id = ANY($1)",
    )
    .bind(uuids(&trips))
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let trip = TripRow {
                email_key: row.try_get("email_key")?,
                owner: row.try_get("owner")?,
                position: position(row.try_get("position")?),
            };
            Ok((BookingId(row.try_get("id")?), trip))
        })
        .collect()
}

/// How far the rows have come that are read now.
pub(super) async fn checkpoint(pool: &PgPool) -> Result<Position, ReadError> {
    let reached: Option<i64> = sqlx::query_scalar("SELECT position FROM projection_checkpoints WHERE name = $1")
        .bind(BookingProjection::NAME)
        .fetch_optional(pool)
        .await?;
    Ok(position(reached.unwrap_or(0)))
}

fn uuids(trips: &[BookingId]) -> Vec<Uuid> {
    trips.iter().map(|trip| trip.0).collect()
}

const fn position(stored: i64) -> Position {
    Position(stored.unsigned_abs())
}
