//! One log made of several: the events of other logs, copied in the order of each, with a checkpoint for every log that is read.
//!
//! Copies and checkpoints are written by one statement, which compares where each checkpoint stands: whatever happens to whoever copies,
//! an event is copied once. Which event goes when is decided by the one who copies; here is only what the database does.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use traveladvisor_domain::id::StreamId;

use super::read::{COLUMNS, stored_event, stream_of};
use super::{EventLog, LogError, Position, StoredEvent, in_time};
use crate::fail_points::Point;

/// Who copies the events of other logs into a read log.
pub const GATHER: &str = "gather";
/// Events of one statement that copies, at most.
pub const GATHER_EVENTS_MAX: usize = 1_000;
/// Payloads and metadata of one statement that copies, at most, in bytes, but for the last event that found room.
pub const GATHER_BYTES_MAX: usize = 8 << 20;
/// Events that a log is behind are counted up to so many.
pub const BEHIND_COUNTED_MAX: u64 = 10_000;

/// Events of other logs, to be copied together.
#[derive(Debug, Default)]
pub struct Gathering {
    /// Of the turn in which it is done.
    pub epoch: u64,
    /// The checkpoints that move.
    pub moves: Vec<Moved>,
    /// The events, in the order in which they are to stand. Their positions are those of the logs that they come from.
    pub events: Vec<StoredEvent>,
}

/// A checkpoint that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Of which log.
    pub log: Arc<str>,
    /// Where it stands.
    pub from: Position,
    /// Where it is to stand.
    pub to: Position,
}

/// The next events of a log, as whoever copies reads them.
#[derive(Debug, Clone)]
pub struct PageAsOf {
    /// The events, in their order.
    pub events: Vec<StoredEvent>,
    /// A time of the server before they were read: unless there is more, whatever was committed by then is among them.
    pub as_of: DateTime<Utc>,
    /// More may follow: the limit was reached, or an event that cannot be read.
    pub has_more: bool,
}

/// How far a read log has gathered another log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatheredLog {
    /// The name of the other log.
    pub log: String,
    /// Its last event that is copied.
    pub position: Position,
    /// All copies up to it stand in the read log at this place or before.
    pub reached: Position,
    /// What its owner last told.
    pub told: GatherTold,
    /// When that was.
    pub told_at: Option<DateTime<Utc>>,
}

/// What whoever copies tells of a log. For people: nothing depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatherTold {
    /// Where the log ended.
    pub head: Position,
    /// How many of its events were not copied: exact up to [`BEHIND_COUNTED_MAX`], else at least so many.
    pub lag_events: u64,
    /// What is done with it: `live`, `held` or `away`.
    pub state: String,
    /// Why it does not go on, if it does not. Never quotes an event.
    pub reason: Option<String>,
}

impl EventLog {
    /// Copies events into this log and moves the checkpoints behind them. Returns the place of the last copy; nothing where nothing was done:
    /// the turn is over, or a checkpoint stands elsewhere. After an error nobody knows: the checkpoints say.
    pub async fn gather(&self, gathering: &Gathering) -> Result<Option<Position>, LogError> {
        let Gathering { epoch, moves, events } = gathering;
        let places = |place: fn(&Moved) -> Position| moves.iter().map(|moved| bigint(place(moved))).collect::<Vec<_>>();
        let query = sqlx::query_scalar("SELECT gather_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
            .bind(GATHER)
            .bind(epoch.cast_signed())
            .bind(moves.iter().map(|moved| &*moved.log).collect::<Vec<_>>())
            .bind(places(|moved| moved.from))
            .bind(places(|moved| moved.to))
            .bind(events.iter().map(|event| event.stream.kind.as_str()).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.stream.to_string()).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.sequence.cast_signed()).collect::<Vec<_>>())
            .bind(events.iter().map(|event| &*event.event_type).collect::<Vec<_>>())
            .bind(events.iter().map(|event| &*event.event_version).collect::<Vec<_>>())
            .bind(events.iter().map(|event| &*event.payload).collect::<Vec<_>>())
            .bind(events.iter().map(|event| &*event.metadata).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.recorded_at).collect::<Vec<_>>());
        let first: Option<i64> = in_time(Point::Gathered, query.fetch_one(self.lent())).await?;
        let Some(first) = first.map(i64::unsigned_abs) else { return Ok(None) };
        let copies = events.iter().zip(first..);
        self.recent().push(copies.map(|(event, place)| StoredEvent { position: Position(place), ..event.clone() }));
        let last = Position((first + events.len() as u64).saturating_sub(1));
        self.advance(last);
        Ok(Some(last))
    }

    /// The next `limit` events after a position, always from the server. What stands before an event that cannot be read is handed out; with
    /// that one first it is an error.
    pub async fn read_as_of(&self, after: Position, limit: usize) -> Result<PageAsOf, LogError> {
        let sql = format!(
            "SELECT statement_timestamp() AS as_of, tail.* FROM (SELECT) one \
               LEFT JOIN (SELECT {COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2) tail ON true \
              ORDER BY position"
        );
        let query = sqlx::query(&sql).bind(bigint(after)).bind(limit as i64);
        let rows = in_time(Point::GatheredRead, query.fetch_all(self.lent())).await?;
        let as_of = rows.first().map(|row| row.get("as_of")).ok_or_else(|| LogError::Refused("no time".to_owned()))?;
        let is_event = |row: &&PgRow| row.get::<Option<i64>, _>("position").is_some();
        let (mut events, mut found) = (Vec::with_capacity(rows.len()), 0);
        for row in rows.iter().filter(is_event) {
            found += 1;
            match stored_event(row) {
                Ok(event) => events.push(event),
                Err(error) if events.is_empty() => return Err(error),
                Err(_unreadable) => break,
            }
        }
        if let Some(last) = events.last() {
            self.advance(last.position);
        }
        let has_more = found > events.len() || events.len() >= limit;
        Ok(PageAsOf { events, as_of, has_more })
    }

    /// Those of these streams that have begun.
    pub async fn begun(&self, streams: &[StreamId]) -> Result<HashSet<StreamId>, LogError> {
        let query = sqlx::query(
            "SELECT s.id FROM unnest($1::text[], $2::text[]) AS s(kind, id) \
              WHERE EXISTS (SELECT FROM events e WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.id AND e.sequence = 1)",
        )
        .bind(streams.iter().map(|stream| stream.kind.as_str()).collect::<Vec<_>>())
        .bind(streams.iter().map(ToString::to_string).collect::<Vec<_>>());
        let rows = in_time(Point::GatheredLooked, query.fetch_all(self.lent())).await?;
        rows.iter().map(|row| stream_of(row.get("id"), || "a stream".to_owned())).collect()
    }

    /// Where the log ends, and how many events stand behind a position, counted up to [`BEHIND_COUNTED_MAX`].
    pub async fn behind(&self, position: Position) -> Result<(Position, u64), LogError> {
        let query = sqlx::query(
            "SELECT coalesce((SELECT max(position) FROM events), 0) AS head, \
                    (SELECT count(*) FROM (SELECT FROM events WHERE position > $1 ORDER BY position LIMIT $2) rest) AS behind",
        )
        .bind(bigint(position))
        .bind(BEHIND_COUNTED_MAX.cast_signed());
        let row = in_time(Point::GatheredLooked, query.fetch_one(self.lent())).await?;
        Ok((place(&row, "head"), row.get::<i64, _>("behind").unsigned_abs()))
    }

    /// How far this log has gathered others, by their names; nothing of those of which it has never been told.
    pub async fn gathered(&self) -> Result<Vec<GatheredLog>, LogError> {
        let query = sqlx::query("SELECT * FROM gathered_logs ORDER BY log");
        let rows = in_time(Point::GatheredLooked, query.fetch_all(self.lent())).await?;
        Ok(rows.iter().map(gathered_log).collect())
    }

    /// Writes down how it goes with other logs, in a turn: log by log.
    pub async fn tell_gathered(&self, epoch: u64, logs: &[(Arc<str>, GatherTold)]) -> Result<(), LogError> {
        let texts = |text: fn(&GatherTold) -> &str| logs.iter().map(|(_, told)| text(told)).collect::<Vec<_>>();
        let statement = sqlx::query(
            "INSERT INTO gathered_logs AS known (log, position, reached, head, lag_events, state, reason, told_at) \
             SELECT t.log, 0, 0, t.head, t.lag_events, t.state, nullif(t.reason, ''), clock_timestamp() \
               FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[]) AS t(log, head, lag_events, state, reason) \
              WHERE EXISTS (SELECT FROM owners WHERE name = $1 AND epoch = $2) \
             ON CONFLICT (log) DO UPDATE SET (head, lag_events, state, reason, told_at) = \
                (excluded.head, excluded.lag_events, excluded.state, excluded.reason, excluded.told_at)",
        )
        .bind(GATHER)
        .bind(epoch.cast_signed())
        .bind(logs.iter().map(|(log, _)| &**log).collect::<Vec<_>>())
        .bind(logs.iter().map(|(_, told)| bigint(told.head)).collect::<Vec<_>>())
        .bind(logs.iter().map(|(_, told)| told.lag_events.cast_signed()).collect::<Vec<_>>())
        .bind(texts(|told| &told.state))
        .bind(texts(|told| told.reason.as_deref().unwrap_or_default()));
        in_time(Point::GatheredTold, statement.execute(self.lent())).await?;
        Ok(())
    }
}

fn gathered_log(row: &PgRow) -> GatheredLog {
    GatheredLog {
        log: row.get("log"),
        position: place(row, "position"),
        reached: place(row, "reached"),
        told: GatherTold {
            head: place(row, "head"),
            lag_events: row.get::<i64, _>("lag_events").unsigned_abs(),
            state: row.get("state"),
            reason: row.get("reason"),
        },
        told_at: row.get("told_at"),
    }
}

fn place(row: &PgRow, column: &str) -> Position {
    Position(row.get::<i64, _>(column).unsigned_abs())
}

const fn bigint(position: Position) -> i64 {
    position.0.cast_signed()
}
