//! Reading: by position for tails, by stream for decisions.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_domain::shape::interned;

use super::{EventLog, LogError, Position, StoredEvent, in_time};
use crate::fail_points::Point;

/// Columns of [`StoredEvent`].
pub(super) const COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, \
     payload::text AS payload, metadata::text AS metadata, recorded_at";

/// Which events a person asks for. All that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only after this position.
    pub after: Position,
    /// Only this stream.
    pub stream: Option<StreamId>,
    /// Only streams of this kind.
    pub kind: Option<StreamKind>,
    /// Only events of this name.
    pub event_type: Option<String>,
    /// Only what belongs together under this correlation.
    pub correlation: Option<String>,
}

/// A wake-up that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueWakeup {
    /// Whom to wake.
    pub stream: StreamId,
    /// When it was due.
    pub due_at: DateTime<Utc>,
}

/// The wake-ups that are due, page by page, and the first that is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DuePage {
    /// What is due, the oldest first.
    pub due: Vec<DueWakeup>,
    /// When the next one is that is not due yet, if there is one as far as was looked ahead.
    pub next: Option<DateTime<Utc>>,
}

impl EventLog {
    /// The next `limit` events after a position, in order.
    pub async fn read_after(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, LogError> {
        let head = *self.head.borrow();
        if let Some(own) = self.recent().after(after, limit, head) {
            return Ok(own);
        }
        let sql = format!("SELECT {COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2");
        let rows =
            in_time(Point::ReadAfter, sqlx::query(&sql).bind(bigint(after)).bind(limit as i64).fetch_all(self.lent()))
                .await?;
        let events = rows.iter().map(stored_event).collect::<Result<Vec<_>, _>>()?;
        if let Some(last) = events.last() {
            self.advance(last.position);
        }
        Ok(events)
    }

    /// The events of a stream after a sequence, in order.
    pub async fn read_stream(&self, stream: StreamId, after_sequence: u64) -> Result<Vec<StoredEvent>, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence"
        );
        let rows = in_time(
            Point::ReadStream,
            sqlx::query(&sql)
                .bind(stream.kind.as_str())
                .bind(stream.to_string())
                .bind(after_sequence.cast_signed())
                .fetch_all(self.lent()),
        )
        .await?;
        rows.iter().map(stored_event).collect()
    }

    /// The next `limit` events of a stream after a sequence, in order.
    pub async fn read_stream_page(
        &self,
        stream: StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 \
              ORDER BY sequence LIMIT $4"
        );
        let rows = in_time(
            Point::ReadStreamPage,
            sqlx::query(&sql)
                .bind(stream.kind.as_str())
                .bind(stream.to_string())
                .bind(after_sequence.cast_signed())
                .bind(limit as i64)
                .fetch_all(self.lent()),
        )
        .await?;
        rows.iter().map(stored_event).collect()
    }

    /// The first events of several streams with one statement, at most `limit` of each: stream after stream, each in order.
    pub async fn read_streams(&self, streams: &[StreamId], limit: usize) -> Result<Vec<StoredEvent>, LogError> {
        let sql = format!(
            "SELECT e.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s(type, id, place) \
              CROSS JOIN LATERAL (SELECT {COLUMNS} FROM events WHERE aggregate_type = s.type AND aggregate_id = s.id \
                                   ORDER BY sequence LIMIT $3) e \
              ORDER BY s.place, e.sequence"
        );
        let query = sqlx::query(&sql)
            .bind(streams.iter().map(|stream| stream.kind.as_str()).collect::<Vec<_>>())
            .bind(streams.iter().map(ToString::to_string).collect::<Vec<_>>())
            .bind(limit as i64);
        in_time(Point::ReadStreams, query.fetch_all(self.lent())).await?.iter().map(stored_event).collect()
    }

    /// The next `limit` streams of a kind, in the order of their ids.
    pub async fn streams_of(
        &self,
        kind: StreamKind,
        after: Option<StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, LogError> {
        let query = sqlx::query_scalar(
            "SELECT aggregate_id FROM events WHERE aggregate_type = $1 AND aggregate_id > $2 AND sequence = 1 \
              ORDER BY aggregate_id LIMIT $3",
        )
        .bind(kind.as_str())
        .bind(after.map(|stream| stream.to_string()).unwrap_or_default())
        .bind(limit as i64);
        let ids: Vec<String> = in_time(Point::Search, query.fetch_all(self.lent())).await?;
        ids.iter().map(|id| stream_of(id, || "an event".to_owned())).collect()
    }

    /// The next `limit` events that a filter admits, in order.
    pub async fn search(&self, filter: &EventFilter, limit: usize) -> Result<Vec<StoredEvent>, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE position > $1 \
               AND ($2::text IS NULL OR aggregate_type = $2) AND ($3::text IS NULL OR aggregate_id = $3) \
               AND ($4::text IS NULL OR event_type = $4) AND ($5::text IS NULL OR metadata ->> 'correlation' = $5) \
             ORDER BY position LIMIT $6"
        );
        let kind = filter.stream.map(|stream| stream.kind).or(filter.kind).map(StreamKind::as_str);
        let rows = in_time(
            Point::Search,
            sqlx::query(&sql)
                .bind(bigint(filter.after))
                .bind(kind)
                .bind(filter.stream.map(|stream| stream.to_string()))
                .bind(filter.event_type.as_deref())
                .bind(filter.correlation.as_deref())
                .bind(limit as i64)
                .fetch_all(self.lent()),
        )
        .await?;
        rows.iter().map(stored_event).collect()
    }

    /// Which of these kinds of streams stand in the log.
    pub async fn kinds_among(&self, kinds: &[StreamKind]) -> Result<Vec<StreamKind>, LogError> {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let sql =
            "SELECT k FROM unnest($1::text[]) AS k WHERE EXISTS (SELECT FROM events e WHERE e.aggregate_type = k)";
        let found: Vec<String> =
            in_time(Point::Search, sqlx::query_scalar(sql).bind(names).fetch_all(self.lent())).await?;
        Ok(kinds.iter().copied().filter(|kind| found.iter().any(|name| name == kind.as_str())).collect())
    }

    /// The position of the last event; [`Position::START`] of an empty log.
    pub async fn head(&self) -> Result<Position, LogError> {
        let last: Option<i64> =
            in_time(Point::Head, sqlx::query_scalar("SELECT max(position) FROM events").fetch_one(self.lent())).await?;
        let head = Position(last.unwrap_or(0).unsigned_abs());
        self.advance(head);
        Ok(head)
    }

    /// The program's time of the last event; none of an empty log.
    pub async fn last_occurred_at(&self) -> Result<Option<DateTime<Utc>>, LogError> {
        let last = sqlx::query_scalar("SELECT metadata ->> 'occurred_at' FROM events ORDER BY position DESC LIMIT 1");
        let text: Option<Option<String>> = in_time(Point::LastOccurredAt, last.fetch_optional(self.lent())).await?;
        Ok(text.flatten().and_then(|text| text.parse().ok()))
    }

    /// The wake-ups due at `now`, the oldest first, at most `limit`.
    pub async fn due_wakeups(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<DueWakeup>, LogError> {
        let rows = in_time(
            Point::DueWakeups,
            sqlx::query(
                "SELECT aggregate_id, due_at FROM wakeups WHERE due_at <= $1 ORDER BY due_at, aggregate_id LIMIT $2",
            )
            .bind(now)
            .bind(limit as i64)
            .fetch_all(self.lent()),
        )
        .await?;
        rows.iter().map(|row| Ok(DueWakeup { stream: stream_id(row)?, due_at: row.get("due_at") })).collect()
    }

    /// The next `limit` wake-ups due at `now`, after one that was read before, in the order of [`Self::due_wakeups`], and the first that is
    /// due by `ahead`. It reads what it returns and nothing else, however many others wait or were cleared of what is due later.
    pub async fn due_page(
        &self,
        after: Option<DueWakeup>,
        (now, ahead): (DateTime<Utc>, DateTime<Utc>),
        limit: usize,
    ) -> Result<DuePage, LogError> {
        let query = sqlx::query(
            "SELECT * FROM ( \
                (SELECT aggregate_id, due_at FROM wakeups \
                  WHERE (due_at, aggregate_id) > (coalesce($1, '-infinity'), $2) AND due_at <= $3 \
                  ORDER BY due_at, aggregate_id LIMIT $4) \
                UNION ALL \
                (SELECT aggregate_id, due_at FROM wakeups WHERE due_at > $3 AND due_at <= $5 ORDER BY due_at LIMIT 1)) page \
             ORDER BY due_at, aggregate_id",
        )
        .bind(after.map(|after| after.due_at))
        .bind(after.map(|after| after.stream.to_string()).unwrap_or_default())
        .bind(now)
        .bind(limit as i64)
        .bind(ahead);
        let rows = in_time(Point::DueWakeups, query.fetch_all(self.lent())).await?;
        let mut page = DuePage::default();
        for row in &rows {
            let due_at: DateTime<Utc> = row.get("due_at");
            if due_at > now {
                page.next = Some(due_at);
            } else {
                page.due.push(DueWakeup { stream: stream_id(row)?, due_at });
            }
        }
        Ok(page)
    }

    /// The next `limit` streams with a wake-up, due or not, in the order of kinds and ids, after one that was read before.
    pub async fn wakeups_page(&self, after: Option<StreamId>, limit: usize) -> Result<Vec<DueWakeup>, LogError> {
        let query = sqlx::query(
            "SELECT aggregate_id, due_at FROM wakeups WHERE (aggregate_type, aggregate_id) > ($1, $2) \
              ORDER BY aggregate_type, aggregate_id LIMIT $3",
        )
        .bind(after.map_or("", |after| after.kind.as_str()))
        .bind(after.map(|after| after.to_string()).unwrap_or_default())
        .bind(limit as i64);
        let rows = in_time(Point::DueWakeups, query.fetch_all(self.lent())).await?;
        rows.iter().map(|row| Ok(DueWakeup { stream: stream_id(row)?, due_at: row.get("due_at") })).collect()
    }

    /// When a stream is woken, if it is.
    pub async fn wakeup(&self, stream: StreamId) -> Result<Option<DateTime<Utc>>, LogError> {
        let query = sqlx::query_scalar("SELECT due_at FROM wakeups WHERE aggregate_type = $1 AND aggregate_id = $2")
            .bind(stream.kind.as_str())
            .bind(stream.to_string());
        in_time(Point::DueWakeups, query.fetch_optional(self.lent())).await
    }

    /// When the next wake-up is due, if any is set.
    pub async fn next_wakeup(&self) -> Result<Option<DateTime<Utc>>, LogError> {
        in_time(Point::NextWakeup, sqlx::query_scalar("SELECT min(due_at) FROM wakeups").fetch_one(self.lent())).await
    }

    /// How far a source has been consumed.
    pub async fn consumed_offset(&self, source: &str) -> Result<u64, LogError> {
        let offset: Option<i64> = in_time(
            Point::ConsumedOffset,
            sqlx::query_scalar("SELECT \"offset\" FROM consumed_offsets WHERE source = $1")
                .bind(source)
                .fetch_optional(self.lent()),
        )
        .await?;
        Ok(offset.unwrap_or(0).unsigned_abs())
    }
}

pub(super) fn stored_event(row: &PgRow) -> Result<StoredEvent, LogError> {
    let position = Position(row.get::<i64, _>("position").unsigned_abs());
    let stream = stream_of(row.get("aggregate_id"), || format!("event {position}"))?;
    let (event_type, event_version) = interned(stream.kind, row.get("event_type"), row.get("event_version"));
    Ok(StoredEvent {
        position,
        stream,
        sequence: row.get::<i64, _>("sequence").unsigned_abs(),
        event_type,
        event_version,
        payload: row.get::<&str, _>("payload").into(),
        metadata: row.get::<&str, _>("metadata").into(),
        recorded_at: row.get("recorded_at"),
        told: None,
    })
}

fn stream_id(row: &PgRow) -> Result<StreamId, LogError> {
    stream_of(row.get("aggregate_id"), || "a wake-up".to_owned())
}

/// The stream of this id, which stands in what was read.
pub(super) fn stream_of(id: &str, what: impl Fn() -> String) -> Result<StreamId, LogError> {
    id.parse().map_err(|_| match id.rsplit_once('_') {
        Some((kind, _)) if kind.parse::<StreamKind>().is_err() => {
            LogError::UnknownKind { what: what(), kind: kind.to_owned() }
        }
        _ => LogError::Refused(format!("{} has a stream id of an unknown form", what())),
    })
}

const fn bigint(position: Position) -> i64 {
    position.0.cast_signed()
}
