//! An append inside of an open transaction, as no program of ours does it (L3).

use sqlx::PgConnection;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{Append, NewEvent};

const APPEND: &str = "SELECT conflicts::text FROM append_events($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10, $11, \
    '{}', '{}', '{}', '{}', '{}', '{}', '{}', now(), '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', \
    '{}', '{}', '{}', '{}', '{}', '{}', '{}')";

/// Appends, or tells the streams that have moved, and to where.
pub(super) async fn append_in(connection: &mut PgConnection, append: &Append) -> Result<(), Vec<(StreamId, u64)>> {
    let reads = &append.reads;
    let kind = |stream: &StreamId| stream.kind.as_str().to_owned();
    let texts = |text: fn(&NewEvent) -> String| append.events.iter().map(text).collect::<Vec<_>>();
    let conflicts: Option<String> = sqlx::query_scalar(APPEND)
        .bind(append.batch.to_string())
        .bind(reads.iter().map(|(stream, _)| kind(stream)).collect::<Vec<_>>())
        .bind(reads.iter().map(|(stream, _)| stream.to_string()).collect::<Vec<_>>())
        .bind(reads.iter().map(|(_, expected)| expected.cast_signed()).collect::<Vec<_>>())
        .bind(append.events.iter().map(|event| kind(&event.stream)).collect::<Vec<_>>())
        .bind(texts(|event| event.stream.to_string()))
        .bind(append.events.iter().map(|event| event.sequence.cast_signed()).collect::<Vec<_>>())
        .bind(texts(|event| event.event_type.to_string()))
        .bind(texts(|event| event.event_version.to_string()))
        .bind(texts(|event| event.payload.to_string()))
        .bind(texts(|event| event.metadata.to_string()))
        .fetch_one(connection)
        .await
        .expect("answered");
    let Some(json) = conflicts else { return Ok(()) };
    let found: Vec<serde_json::Value> = serde_json::from_str(&json).expect("JSON");
    let moved = found.iter().map(|conflict| {
        let (_, stream) = conflict["name"].as_str().and_then(|name| name.split_once(' ')).expect("a stream");
        (stream.parse().expect("an id"), conflict["actual"].as_u64().expect("a number"))
    });
    Err(moved.collect())
}
