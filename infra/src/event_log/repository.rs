//! The log as a repository of cqrs-es: reading whole streams is left to postgres-es, writing is ours.

use cqrs_es::Aggregate;
use cqrs_es::persist::{PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot};
use postgres_es::PostgresEventRepository;
use serde_json::Value;
use sqlx::Row;
use traveladvisor_domain::id::StreamId;
use uuid::Uuid;

use super::{Append, Appended, EventLog, LogError, NewEvent};

impl EventLog {
    /// The same table as postgres-es sees it, for what it does well: reading a whole stream.
    pub fn whole_streams(&self) -> PostgresEventRepository {
        PostgresEventRepository::new(self.pool().clone())
    }
}

impl PersistedEventRepository for EventLog {
    async fn get_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.whole_streams().get_events::<A>(aggregate_id).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let events = self.read_stream(stream(aggregate_id)?, last_sequence as u64).await.map_err(connection_error)?;
        events
            .into_iter()
            .map(|event| {
                Ok(SerializedEvent::new(
                    event.stream.to_string(),
                    event.sequence as usize,
                    event.stream.kind.as_str().to_owned(),
                    event.event_type.into_owned(),
                    event.event_version.into_owned(),
                    serde_json::from_str(&event.payload)?,
                    serde_json::from_str(&event.metadata)?,
                ))
            })
            .collect()
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
        self.whole_streams().stream_events::<A>(aggregate_id).await
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        self.whole_streams().stream_all_events::<A>().await
    }
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
