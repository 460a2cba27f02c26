//! How far a stream had come at a moment.

use chrono::{DateTime, Utc};
use sqlx::Executor;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;

use crate::event_log::stream;

/// Far more than one statement looks at.
const FAR: u64 = 350_000;

fn at(minute: &str) -> DateTime<Utc> {
    format!("2024-12-01T12:{minute}:00Z").parse().expect("an instant")
}

#[tokio::test]
async fn however_long_a_stream_is_its_last_event_by_a_moment_is_found_also_where_a_clock_was_set_back() {
    let database = TestDatabase::create(SCHEMA).await;
    let log = EventLog::new("public", database.pool.clone());
    let stream = stream(1);
    for (sequence, minute) in [(1, "10"), (2, "40"), (3, "20"), (FAR, "30")] {
        let insert = format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
             VALUES ('dead_letter', '{stream}', {sequence}, 'X', '1', '{{}}', '{{}}', '{}')",
            at(minute)
        );
        database.pool.execute(insert.as_str()).await.expect("written");
    }
    for (minute, expected) in [
        ("09", None),
        ("10", Some(1)),
        ("19", Some(1)),
        ("20", Some(3)),
        ("29", Some(3)),
        ("30", Some(FAR)),
        ("59", Some(FAR)),
    ] {
        assert_eq!(log.sequence_by(stream, at(minute)).await.expect("readable"), expected, "at {minute}");
    }
    let nobody = crate::event_log::stream(2);
    assert_eq!(log.sequence_by(nobody, at("59")).await.expect("readable"), None);
    let places = [Position(3), Position(1), Position(99)];
    let found: Vec<u64> = log.read_at(&places).await.expect("readable").iter().map(|event| event.sequence).collect();
    assert_eq!(found, [1, 3], "in the order of the log, without what is not there");
}
