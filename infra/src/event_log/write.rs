//! Writing: one append, one autocommit statement; an unknown outcome is asked, not guessed.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;

use super::append::ConflictRow;
use super::{
    Append, Appended, Conflict, EventLog, KeyEffect, KeyRow, LogError, NewEvent, OutboxRow, Position, StoredEvent,
    admission, in_time,
};
use crate::fail_points::Point;

/// First pause before the same append is sent again; doubled up to [`RESEND_PAUSE_MAX`].
pub const RESEND_PAUSE_FIRST: Duration = Duration::from_millis(20);
/// Longest pause before the same append is sent again.
pub const RESEND_PAUSE_MAX: Duration = Duration::from_secs(1);

const APPEND: &str = "SELECT first_position, last_position, appended_at, conflicts::text AS conflicts FROM append_events(\
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, \
    $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40)";

impl EventLog {
    /// Appends, or tells every conflict. After a lost connection or a time-out the very same append is sent again until the server
    /// answers (L5), so the future ends only with a known outcome. Dropping it leaves the outcome unknown.
    ///
    /// Errors: only [`LogError::Refused`]: the data is too large or the server refused it, and nothing was written.
    pub async fn append(&self, append: &Append) -> Result<Appended, LogError> {
        admission::check(append)?;
        let columns = Columns::of(append);
        let mut pause = RESEND_PAUSE_FIRST;
        loop {
            match self.append_once(append, &columns).await {
                Err(LogError::Unavailable(reason)) => {
                    tracing::warn!(batch = %append.batch, reason, "the outcome of an append is unknown; asking again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RESEND_PAUSE_MAX);
                }
                known => return known,
            }
        }
    }

    async fn append_once(&self, append: &Append, columns: &Columns<'_>) -> Result<Appended, LogError> {
        let row = self.send(append, columns).await?;
        if let Some(conflicts) = row.get::<Option<String>, _>("conflicts") {
            return read_conflicts(&conflicts).map(Appended::Conflicts);
        }
        let first = row.get::<Option<i64>, _>("first_position").map(|place| Position(place.unsigned_abs()));
        if let (Some(first), Some(recorded_at)) = (first, row.get::<Option<DateTime<Utc>>, _>("appended_at")) {
            self.recent().push(own_events(append, first, recorded_at));
        }
        if let Some(last) = row.get::<Option<i64>, _>("last_position") {
            self.advance(Position(last.unsigned_abs()));
        }
        Ok(Appended::Committed { first })
    }
}

impl EventLog {
    /// After any failure the connection is closed: it may still be busy, or its server gone.
    async fn send(&self, append: &Append, columns: &Columns<'_>) -> Result<PgRow, LogError> {
        let sent = in_time(Point::Append, async {
            let mut connection = self.writers.take().await?;
            let row = columns.bind(append).fetch_one(&mut connection).await?;
            Ok((row, connection))
        });
        match sent.await {
            Ok((row, connection)) => {
                self.writers.give_back(connection);
                Ok(row)
            }
            Err(error) => {
                self.writers.forget();
                Err(error)
            }
        }
    }
}

/// What an append wrote, as a reader would find it.
fn own_events(append: &Append, first: Position, recorded_at: DateTime<Utc>) -> impl Iterator<Item = StoredEvent> {
    append.events.iter().enumerate().map(move |(place, event)| StoredEvent {
        position: Position(first.0 + place as u64),
        stream: event.stream,
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload: event.payload.clone(),
        metadata: event.metadata.clone(),
        recorded_at,
        told: event.told.clone(),
    })
}

fn read_conflicts(json: &str) -> Result<Vec<Conflict>, LogError> {
    let rows: Vec<ConflictRow> =
        serde_json::from_str(json).map_err(|_| LogError::Refused("conflicts of an unknown shape".to_owned()))?;
    let conflicts: Vec<Conflict> = rows.into_iter().filter_map(ConflictRow::into_conflict).collect();
    if conflicts.is_empty() {
        return Err(LogError::Refused("a conflict of an unknown kind".to_owned()));
    }
    Ok(conflicts)
}

/// The arrays that the database function takes, so that an append that is sent again has the same bytes.
struct Columns<'a> {
    batch: String,
    reads: StreamColumns,
    /// So many reads, the last ones, are of streams that this append begins: writing them tells whether they were there.
    reads_new: i64,
    events: StreamColumns,
    event_types: Vec<&'a str>,
    event_versions: Vec<&'a str>,
    payloads: Vec<&'a str>,
    metadata: Vec<&'a str>,
    wakeups: StreamColumns,
    snapshots: StreamColumns,
}

/// Kind, id and sequence of streams, column by column.
#[derive(Default)]
struct StreamColumns {
    kinds: Vec<&'static str>,
    ids: Vec<String>,
    sequences: Vec<i64>,
}

impl StreamColumns {
    fn push(&mut self, stream: traveladvisor_domain::id::StreamId, sequence: u64) {
        self.kinds.push(stream.kind.as_str());
        self.ids.push(stream.to_string());
        self.sequences.push(sequence.cast_signed());
    }
}

impl<'a> Columns<'a> {
    fn of(append: &'a Append) -> Self {
        let mut reads = StreamColumns::default();
        let begun: HashSet<_> =
            append.events.iter().filter(|event| event.sequence == 1).map(|event| event.stream).collect();
        let (new, known): (Vec<_>, Vec<_>) =
            append.reads.iter().partition(|(stream, expected)| *expected == 0 && begun.contains(stream));
        known.iter().chain(&new).for_each(|(stream, expected)| reads.push(*stream, *expected));
        let mut events = StreamColumns::default();
        append.events.iter().for_each(|event| events.push(event.stream, event.sequence));
        let mut wakeups = StreamColumns::default();
        append.wakeups.iter().for_each(|wakeup| wakeups.push(wakeup.stream, 0));
        let mut snapshots = StreamColumns::default();
        append.snapshots.iter().for_each(|snapshot| snapshots.push(snapshot.stream, snapshot.sequence));
        let texts = |text: fn(&NewEvent) -> &str| append.events.iter().map(text).collect();
        Self {
            batch: append.batch.to_string(),
            reads,
            reads_new: new.len() as i64,
            events,
            event_types: texts(|event| &event.event_type),
            event_versions: texts(|event| &event.event_version),
            payloads: texts(|event| &event.payload),
            metadata: texts(|event| &event.metadata),
            wakeups,
            snapshots,
        }
    }

    fn bind<'q>(&'q self, append: &'q Append) -> Query<'q, sqlx::Postgres, PgArguments> {
        let query = sqlx::query(APPEND)
            .bind(&self.batch)
            .bind(&self.reads.kinds)
            .bind(&self.reads.ids)
            .bind(&self.reads.sequences)
            .bind(self.reads_new)
            .bind(&self.events.kinds)
            .bind(&self.events.ids)
            .bind(&self.events.sequences)
            .bind(&self.event_types)
            .bind(&self.event_versions)
            .bind(&self.payloads)
            .bind(&self.metadata);
        let query = bind_keys(query, append);
        let query = query
            .bind(append.now)
            .bind(&self.wakeups.kinds)
            .bind(&self.wakeups.ids)
            .bind(append.wakeups.iter().map(|wakeup| wakeup.kind).collect::<Vec<_>>())
            .bind(append.wakeups.iter().map(|wakeup| wakeup.due_at).collect::<Vec<_>>())
            .bind(append.owners.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
            .bind(append.owners.iter().map(|(_, epoch)| epoch.cast_signed()).collect::<Vec<_>>())
            .bind(append.offsets.iter().map(|(source, ..)| source.as_str()).collect::<Vec<_>>())
            .bind(append.offsets.iter().map(|(_, expected, _)| expected.cast_signed()).collect::<Vec<_>>())
            .bind(append.offsets.iter().map(|(.., new)| new.cast_signed()).collect::<Vec<_>>())
            .bind(&self.snapshots.kinds)
            .bind(&self.snapshots.ids)
            .bind(&self.snapshots.sequences)
            .bind(append.snapshots.iter().map(|snapshot| snapshot.payload.as_str()).collect::<Vec<_>>());
        bind_outbox(query, &append.outbox)
    }
}

fn bind_outbox<'q>(
    query: Query<'q, sqlx::Postgres, PgArguments>,
    rows: &'q [OutboxRow],
) -> Query<'q, sqlx::Postgres, PgArguments> {
    let texts = |text: fn(&OutboxRow) -> &str| rows.iter().map(text).collect::<Vec<_>>();
    query
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(texts(|row| row.aggregate_type))
        .bind(texts(|row| &row.aggregate_id))
        .bind(texts(|row| row.message_type))
        .bind(texts(|row| &row.payload))
        .bind(texts(|row| &row.topic))
        .bind(texts(|row| &row.tracing))
}

fn bind_keys<'q>(
    query: Query<'q, sqlx::Postgres, PgArguments>,
    append: &'q Append,
) -> Query<'q, sqlx::Postgres, PgArguments> {
    let keys = &append.keys;
    // Places count from 1 in the database; 0 says that no event's position is kept.
    let place = |row: &KeyRow| if let KeyEffect::At(place) = row.effect { place as i64 + 1 } else { 0 };
    let known =
        |row: &KeyRow| if let KeyEffect::Known(position) = row.effect { Some(position.0.cast_signed()) } else { None };
    query
        .bind(keys.iter().map(|row| row.key.caller.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|row| row.key.operation.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|row| row.key.key.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|row| row.input_hash.as_slice()).collect::<Vec<_>>())
        .bind(keys.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(place).collect::<Vec<_>>())
        .bind(keys.iter().map(known).collect::<Vec<_>>())
}

impl EventLog {
    /// Moves the offset of an owner's source, compare and set, if the owner's turn stands; harmless twice. Returns where it stands when it
    /// was not moved.
    ///
    /// It takes no order lock: one that began right before a take-over may commit after it, in the name of the former owner. That changes
    /// nothing, for it only says what has been handled, which is so whoever says it.
    pub async fn move_offset(
        &self,
        source: &str,
        epoch: u64,
        expected: u64,
        new: u64,
    ) -> Result<Option<u64>, LogError> {
        let update = sqlx::query(
            "UPDATE consumed_offsets SET \"offset\" = $4 WHERE source = $1 AND \"offset\" = $3 \
               AND EXISTS (SELECT FROM owners WHERE name = $1 AND epoch = $2)",
        )
        .bind(source)
        .bind(epoch.cast_signed())
        .bind(expected.cast_signed())
        .bind(new.cast_signed());
        let moved = in_time(Point::CheckpointMoved, update.execute(self.lent())).await?;
        if moved.rows_affected() > 0 {
            return Ok(None);
        }
        self.consumed_offset(source).await.map(Some)
    }
}
