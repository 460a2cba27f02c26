//! Snapshots of hotels, flights, cars, points accounts and campaigns, in the shape of cqrs-es: written by appends, read together with the rest of the stream.

use sqlx::Row;
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::id::{StreamId, StreamKind};

use super::read::{COLUMNS, stored_event};
use super::{EventLog, LogError, Position, StoredEvent, in_time};
use crate::fail_points::Point;

/// A state to keep, written by the append that writes the event it ends with. Written only if newer than what is there, so that it is
/// harmless twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshot {
    /// Of which stream.
    pub stream: StreamId,
    /// The last event that went into it.
    pub sequence: u64,
    /// JSON of the state, see [`encode_state`].
    pub payload: String,
}

/// A state as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSnapshot {
    /// The last event that went into it.
    pub sequence: u64,
    /// That event's position.
    pub position: Position,
    /// JSON, maybe of another version of this program.
    pub payload: String,
}

/// A stream read from its snapshot on.
#[derive(Debug, Clone, PartialEq)]
pub struct FromSnapshot {
    /// Absent when none was written.
    pub snapshot: Option<StoredSnapshot>,
    /// The next events after it.
    pub events: Vec<StoredEvent>,
}

impl EventLog {
    /// The snapshot of a stream and the next `limit` events after it, in one round trip.
    pub async fn read_from_snapshot(&self, stream: StreamId, limit: usize) -> Result<FromSnapshot, LogError> {
        // The event that the snapshot ends with is read as well: it tells the position.
        let sql = format!(
            "WITH snapshot AS (SELECT last_sequence, payload::text AS payload FROM snapshots \
                                WHERE aggregate_type = $1 AND aggregate_id = $2) \
             SELECT {COLUMNS}, CASE WHEN sequence = (SELECT last_sequence FROM snapshot) \
                                    THEN (SELECT payload FROM snapshot) END AS snapshot \
               FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 \
                AND sequence >= coalesce((SELECT last_sequence FROM snapshot), 0) ORDER BY sequence LIMIT $3"
        );
        let rows = in_time(
            Point::ReadFromSnapshot,
            sqlx::query(&sql)
                .bind(stream.kind.as_str())
                .bind(stream.to_string())
                .bind(limit.saturating_add(1) as i64)
                .fetch_all(self.lent()),
        )
        .await?;
        let mut found = FromSnapshot { snapshot: None, events: Vec::with_capacity(rows.len()) };
        for row in &rows {
            let event = stored_event(row)?;
            match row.get::<Option<String>, _>("snapshot") {
                Some(payload) => {
                    let (sequence, position) = (event.sequence, event.position);
                    found.snapshot = Some(StoredSnapshot { sequence, position, payload });
                }
                None => found.events.push(event),
            }
        }
        found.events.truncate(limit);
        Ok(found)
    }
}

/// The JSON of a state, in serde's plain form; absent for aggregates of which no snapshots are kept: their streams are short.
pub fn encode_state(aggregate: &Aggregate) -> Option<Result<String, serde_json::Error>> {
    match aggregate {
        Aggregate::Hotel(state) => Some(serde_json::to_string(state)),
        Aggregate::Flight(state) => Some(serde_json::to_string(state)),
        Aggregate::Car(state) => Some(serde_json::to_string(state)),
        Aggregate::PointsAccount(state) => Some(serde_json::to_string(state)),
        Aggregate::Campaign(state) => Some(serde_json::to_string(state)),
        Aggregate::Booking(_)
        | Aggregate::TripSaga(_)
        | Aggregate::Payment(_)
        | Aggregate::DeadLetter(_)
        | Aggregate::Member(_)
        | Aggregate::EmailClaim(_)
        | Aggregate::Reward(_)
        | Aggregate::Programme(_) => None,
    }
}

/// The state that a snapshot holds; absent when this program does not know its shape: then the whole stream tells.
pub fn decode_state(kind: StreamKind, payload: &str) -> Option<Aggregate> {
    match kind {
        StreamKind::Hotel => serde_json::from_str(payload).ok().map(Aggregate::Hotel),
        StreamKind::Flight => serde_json::from_str(payload).ok().map(Aggregate::Flight),
        StreamKind::Car => serde_json::from_str(payload).ok().map(Aggregate::Car),
        StreamKind::PointsAccount => serde_json::from_str(payload).ok().map(Aggregate::PointsAccount),
        StreamKind::Campaign => serde_json::from_str(payload).ok().map(Aggregate::Campaign),
        StreamKind::Booking
        | StreamKind::TripSaga
        | StreamKind::Payment
        | StreamKind::DeadLetter
        | StreamKind::Member
        | StreamKind::EmailClaim
        | StreamKind::Reward
        | StreamKind::Programme => None,
    }
}
