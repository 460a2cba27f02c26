//! Reading what happened to trips. A saga that waits for a year has some thousand lines: a read takes no more than its bounds.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_infra::event_log::Position;

use crate::reads::ReadError;
use crate::sql::word;
use crate::views::{Story, TimelineEntry};

/// Most lines that are read of one trip: [`HISTORY_ENTRIES_FIRST`] of its beginning, the others its newest.
pub const HISTORY_ENTRIES_MAX: usize = 100;
/// Lines of a trip's beginning that are always read: more than a trip without faults has.
pub const HISTORY_ENTRIES_FIRST: usize = 20;

/// The second part begins behind the first, so that no line is read twice; a trip that has no more than the first has no second.
const LINES: &str = "\
SELECT line.* FROM unnest($1::uuid[]) AS trip (id) CROSS JOIN LATERAL ( \
  (SELECT booking_id, position, at, stream_kind, event_type, summary, status, saga_status, signed FROM booking_timeline \
    WHERE booking_id = trip.id AND ($2::text IS NULL OR stream_kind = $2) ORDER BY position LIMIT $3) \
  UNION ALL \
  (SELECT booking_id, position, at, stream_kind, event_type, summary, status, saga_status, signed FROM booking_timeline \
    WHERE booking_id = trip.id AND ($2::text IS NULL OR stream_kind = $2) AND position > ( \
      SELECT position FROM booking_timeline \
       WHERE booking_id = trip.id AND ($2::text IS NULL OR stream_kind = $2) ORDER BY position OFFSET $3 - 1 LIMIT 1) \
    ORDER BY position DESC LIMIT $4) \
) AS line ORDER BY line.booking_id, line.position";

/// Which lines of a trip are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// Of all streams, or of the saga alone, whatever the view shows.
    Bounded,
    /// None, for who does not look at them.
    None,
}

/// What happened to trips, oldest first, within the bounds; of one kind of stream or of all.
pub(super) async fn timelines(
    pool: &PgPool,
    ids: &[BookingId],
    stream: Option<StreamKind>,
    lines: Lines,
) -> Result<HashMap<BookingId, Vec<TimelineEntry>>, ReadError> {
    if lines == Lines::None || ids.is_empty() {
        return Ok(HashMap::new());
    }
    let newest = HISTORY_ENTRIES_MAX - HISTORY_ENTRIES_FIRST;
    let rows = sqlx::query(LINES)
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(stream.map(StreamKind::as_str))
        .bind(i64::try_from(HISTORY_ENTRIES_FIRST).unwrap_or(i64::MAX))
        .bind(i64::try_from(newest).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    let mut timelines: HashMap<BookingId, Vec<TimelineEntry>> = HashMap::new();
    for row in &rows {
        timelines.entry(BookingId(row.try_get("booking_id")?)).or_default().push(entry(row)?);
    }
    Ok(timelines)
}

/// Everything that happened to a trip, in all streams, within the bounds, and how much was left out.
pub(crate) async fn story(pool: &PgPool, id: BookingId) -> Result<Story, ReadError> {
    let mut first = timelines(pool, &[id], None, Lines::Bounded).await?.remove(&id).unwrap_or_default();
    let newest = first.split_off(first.len().min(HISTORY_ENTRIES_FIRST));
    let (Some(before), Some(behind)) = (first.last(), newest.first()) else {
        return Ok(Story { first, left_out: 0, newest });
    };
    let between = [before.position, behind.position].map(|Position(at)| i64::try_from(at).unwrap_or(i64::MAX));
    let left_out: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM booking_timeline WHERE booking_id = $1 AND position > $2 AND position < $3",
    )
    .bind(id.0)
    .bind(between[0])
    .bind(between[1])
    .fetch_one(pool)
    .await?;
    Ok(Story { first, left_out: left_out.unsigned_abs(), newest })
}

pub(super) fn entry(row: &PgRow) -> Result<TimelineEntry, ReadError> {
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
