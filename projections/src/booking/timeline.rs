//! Reading what happened to trips. A saga that waits for a year has some thousand lines: a read takes no more than its bounds.
//!
//! A line of booking or saga says where both stood after it. A line of any other stream does not: what others tell comes in an order of its own
//! where they have logs of their own, and rows must not depend on it. Where the trip stood after such a line follows from the line before, when
//! it is read.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_infra::event_log::Position;

use super::shown::{Shown, after};
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
  (SELECT booking_id, position, at, stream_kind, event_type, summary, status, saga_status, signed, \
          false AS is_newest, NULL AS status_before, NULL AS saga_before FROM booking_timeline \
    WHERE booking_id = trip.id AND ($2::text IS NULL OR stream_kind = $2) ORDER BY position LIMIT $3) \
  UNION ALL \
  (SELECT line.booking_id, position, at, stream_kind, event_type, summary, status, saga_status, signed, true, \
          CASE WHEN status IS NULL THEN (SELECT known.status FROM booking_timeline known \
            WHERE known.booking_id = line.booking_id AND known.position < line.position AND known.status IS NOT NULL \
            ORDER BY known.position DESC LIMIT 1) END, \
          CASE WHEN status IS NULL THEN (SELECT known.saga_status FROM booking_timeline known \
            WHERE known.booking_id = line.booking_id AND known.position < line.position AND known.status IS NOT NULL \
            ORDER BY known.position DESC LIMIT 1) END FROM booking_timeline line \
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
    let (mut shown, mut part) = (None, None);
    for row in &rows {
        let trip = BookingId(row.try_get("booking_id")?);
        let of = (trip, row.try_get::<bool, _>("is_newest")?);
        if part.replace(of) != Some(of) {
            shown = before(row)?;
        }
        timelines.entry(trip).or_default().push(entry(row, &mut shown)?);
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

/// Where booking and saga stood before a line that does not say it.
pub(super) fn before(row: &PgRow) -> Result<Option<Shown>, ReadError> {
    let words: (Option<&str>, Option<&str>) = (row.try_get("status_before")?, row.try_get("saga_before")?);
    match words {
        (Some(_), Some(_)) => Ok(Some((word(row, "status_before")?, word(row, "saga_before")?))),
        _ => Ok(None),
    }
}

/// A line, and where booking and saga stand after it; `shown` is where they stood before.
pub(super) fn entry(row: &PgRow, shown: &mut Option<Shown>) -> Result<TimelineEntry, ReadError> {
    let damaged = || ReadError::Damaged("a line of a timeline has an unknown word".to_owned());
    let stream = row.try_get::<&str, _>("stream_kind")?.parse().map_err(|_| damaged())?;
    let event_type: String = row.try_get("event_type")?;
    let told = match row.try_get::<Option<&str>, _>("status")? {
        Some(_) => Some((word(row, "status")?, word(row, "saga_status")?)),
        None => None,
    };
    let (status, saga_status) = *shown.insert(after(*shown, told, stream, &event_type));
    Ok(TimelineEntry {
        position: Position(row.try_get::<i64, _>("position")?.unsigned_abs()),
        at: row.try_get("at")?,
        stream,
        event_type,
        summary: row.try_get("summary")?,
        signed: row.try_get("signed")?,
        status,
        saga_status,
    })
}

/// The row was read first: what was written between the two reads is left to the next read, so that both tell the same.
pub(super) fn until(timeline: Vec<TimelineEntry>, position: Position) -> impl Iterator<Item = TimelineEntry> {
    timeline.into_iter().filter(move |entry| entry.position <= position)
}
