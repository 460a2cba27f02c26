//! The log as a repository of cqrs-es: reading whole streams is left to postgres-es, writing is ours.

use cqrs_es::Aggregate;
use cqrs_es::persist::{
    PersistedEventRepository, PersistenceError, ReplayFeed, ReplayStream, SerializedEvent, SerializedSnapshot,
};
use postgres_es::PostgresEventRepository;
use serde_json::Value;
use sqlx::Row;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_domain::shape::{Events, is_current};
use uuid::Uuid;

use super::{Append, Appended, EventLog, LogError, LogPages, NewEvent, Position, StoredEvent, Stretch, encode};
use crate::postgres::own_connection;

/// Events that a replay reads ahead of whoever takes them.
const REPLAYED_AHEAD: usize = 200;

impl EventLog {
    /// The same table as postgres-es sees it, for what it does well: reading a whole stream.
    pub fn whole_streams(&self) -> PostgresEventRepository {
        PostgresEventRepository::new(self.pool().clone())
    }
}

impl PersistedEventRepository for EventLog {
    async fn get_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<Vec<SerializedEvent>, PersistenceError> {
        recast_all(self.whole_streams().get_events::<A>(aggregate_id).await?)
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let events = self.read_stream(stream(aggregate_id)?, last_sequence as u64).await.map_err(connection_error)?;
        recast_all(events.into_iter().map(serialized).collect::<Result<_, _>>()?)
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        let row = sqlx::query(
            "SELECT last_sequence, current_snapshot, payload FROM snapshots WHERE aggregate_type = $1 AND aggregate_id = $2",
        )
        .bind(A::TYPE)
        .bind(aggregate_id)
        .fetch_optional(self.pool())
        .await
        .map_err(|error| connection_error(error.into()))?;
        Ok(row.map(|row| SerializedSnapshot {
            aggregate_id: aggregate_id.to_owned(),
            aggregate: row.get::<Value, _>("payload"),
            current_sequence: row.get::<i64, _>("last_sequence").unsigned_abs() as usize,
            current_snapshot: row.get::<i64, _>("current_snapshot").unsigned_abs() as usize,
        }))
    }

    /// Appends the events of one stream. A snapshot is refused: ours are written by the engine's own rule.
    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        snapshot_update: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        if snapshot_update.is_some() {
            return Err(PersistenceError::UnknownError("snapshots are written by the engine only".into()));
        }
        let Some(first) = events.first() else { return Ok(()) };
        // No batch id stands in the metadata of others, so an append sent again is a conflict, never a false yes.
        let append = Append {
            batch: Uuid::nil(),
            reads: vec![(stream(&first.aggregate_id)?, first.sequence.saturating_sub(1) as u64)],
            events: events.iter().map(new_event).collect::<Result<_, _>>()?,
            ..Append::default()
        };
        match self.append(&append).await.map_err(connection_error)? {
            Appended::Committed { .. } => Ok(()),
            Appended::Conflicts(_) => Err(PersistenceError::OptimisticLockError),
        }
    }

    async fn stream_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<ReplayStream, PersistenceError> {
        let events = self.get_events::<A>(aggregate_id).await?;
        let (mut feed, stream) = ReplayStream::new(REPLAYED_AHEAD);
        tokio::spawn(async move {
            for event in events {
                if feed.push(Ok(event)).await.is_err() {
                    return;
                }
            }
        });
        Ok(stream)
    }

    /// In the order of the log. What breaks off is told as an error; it is never just the end.
    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        let kind: StreamKind = A::TYPE.parse().map_err(|error| PersistenceError::UnknownError(Box::new(error)))?;
        let until = self.head().await.map_err(connection_error)?;
        let connection = own_connection(self.pool()).await.map_err(|error| connection_error(error.into()))?;
        let pages = self.pages(connection, Stretch { after: Position::START, until }, &[kind]);
        let (mut feed, stream) = ReplayStream::new(REPLAYED_AHEAD);
        tokio::spawn(async move {
            if let Err(error) = replay(pages, &mut feed).await {
                // Nobody listens any more, or else hears of it.
                feed.push(Err(error)).await.ok();
            }
        });
        Ok(stream)
    }
}

async fn replay(mut pages: LogPages, feed: &mut ReplayFeed) -> Result<(), PersistenceError> {
    while let Some(page) = pages.next().await.map_err(connection_error)? {
        for event in page {
            for event in recast(serialized(event)?)? {
                feed.push(Ok(event)).await?;
            }
        }
    }
    Ok(())
}

fn serialized(event: StoredEvent) -> Result<SerializedEvent, PersistenceError> {
    Ok(SerializedEvent::new(
        event.stream.to_string(),
        event.sequence as usize,
        event.stream.kind.as_str().to_owned(),
        event.event_type.into_owned(),
        event.event_version.into_owned(),
        serde_json::from_str(&event.payload)?,
        serde_json::from_str(&event.metadata)?,
    ))
}

fn recast_all(events: Vec<SerializedEvent>) -> Result<Vec<SerializedEvent>, PersistenceError> {
    let mut today = Vec::with_capacity(events.len());
    for event in events {
        today.extend(recast(event)?);
    }
    Ok(today)
}

/// In today's shapes. What one stored event has become shares its sequence, so that the next one written is the next one of the stream.
fn recast(event: SerializedEvent) -> Result<Vec<SerializedEvent>, PersistenceError> {
    let stream = stream(&event.aggregate_id)?;
    if is_current(stream.kind, &event.event_type, &event.event_version) {
        return Ok(vec![event]);
    }
    let payload = event.payload.to_string();
    let events = Events::read(stream.kind, &event.event_type, &event.event_version, &payload)
        .map_err(|unreadable| PersistenceError::DeserializationError(Box::new(unreadable)))?;
    let in_place = |today: &Event| {
        Ok(SerializedEvent {
            event_type: today.event_type().to_owned(),
            event_version: today.event_version().to_owned(),
            payload: serde_json::from_str(&encode(today)?)?,
            ..event.clone()
        })
    };
    events.iter().map(in_place).collect()
}

fn new_event(event: &SerializedEvent) -> Result<NewEvent, PersistenceError> {
    Ok(NewEvent {
        stream: stream(&event.aggregate_id)?,
        sequence: event.sequence as u64,
        event_type: event.event_type.clone().into(),
        event_version: event.event_version.clone().into(),
        payload: event.payload.to_string().into(),
        metadata: event.metadata.to_string().into(),
        told: None,
    })
}

fn stream(aggregate_id: &str) -> Result<StreamId, PersistenceError> {
    aggregate_id.parse().map_err(|error| PersistenceError::UnknownError(Box::new(error)))
}

fn connection_error(error: LogError) -> PersistenceError {
    PersistenceError::ConnectionError(Box::new(error))
}
