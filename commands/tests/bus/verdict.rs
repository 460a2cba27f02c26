//! The judge over all logs of a cluster: nothing lost, nothing twice, nothing oversold, every saga ends, money and points add up.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::id::StreamKind;
use traveladvisor_infra::event_log::{EventLog, Position, StoredEvent};

use super::Cluster;
use super::cluster::ALL_END;
use crate::judge::{Verdict, judge, money, story};

/// Pause between two looks at all logs.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// More events than any test writes.
const EVENTS_MAX: usize = 100_000;

/// Notes every stored offset that goes back: whoever moves one from where it is not has been followed and does not know.
const WATCH: &str = r#"
CREATE TABLE IF NOT EXISTS gone_back (source text, was bigint, is_now bigint);
CREATE OR REPLACE FUNCTION note_gone_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO gone_back VALUES (NEW.source, OLD."offset", NEW."offset");
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER watch AFTER UPDATE ON consumed_offsets
    FOR EACH ROW WHEN (NEW."offset" < OLD."offset") EXECUTE FUNCTION note_gone_back();
"#;

/// Watches the offsets of a log from now on.
pub(super) async fn watch(log: &EventLog) {
    sqlx::raw_sql(WATCH).execute(log.pool()).await.expect("watched");
}

/// As the judge reads it.
pub(super) fn record(event: &StoredEvent) -> Value {
    let payload: Value = serde_json::from_str(&event.payload).expect("JSON");
    json!({
        "stream": event.stream.to_string(),
        "type": event.event_type,
        "payload": payload,
        "at": event.recorded_at.to_rfc3339(),
    })
}

/// What stands in a log behind this position. On a busy machine the server may not answer in time: that is what others are tested for.
pub(crate) async fn read_on(log: &EventLog, after: Position) -> Vec<StoredEvent> {
    let read = async {
        loop {
            // So that it is known how far others have gone on.
            if log.head().await.is_ok()
                && let Ok(events) = log.read_after(after, EVENTS_MAX).await
            {
                return events;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(ALL_END, read).await.expect("the log is read")
}

/// All logs, one behind the other, but for dead letters.
async fn records(logs: &[&EventLog]) -> Vec<Value> {
    let mut records = Vec::new();
    for log in logs {
        let events = read_on(log, Position::START).await;
        let told = events.iter().filter(|event| event.stream.kind != StreamKind::DeadLetter);
        records.extend(told.map(record));
    }
    records
}

/// Waits until all has ended, and judges it by these logs and the gateway's books in this database. Dead letters are told apart: see
/// [`Cluster::no_letters`].
pub(crate) async fn judged(logs: &[&EventLog], books: &PgPool, bookings: usize) -> Verdict {
    let ended = async {
        while !judge(&records(logs).await).pending.is_empty() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let in_time = tokio::time::timeout(ALL_END, ended).await.is_ok();
    let records = records(logs).await;
    let verdict = judge(&records);
    let first = verdict.pending.iter().chain(&verdict.faults).next();
    let told = first.map(|guilty| story(&records, guilty)).unwrap_or_default();
    assert!(in_time, "{} trips have not ended: {:?}\n{told}", verdict.pending.len(), verdict.pending);
    assert!(verdict.faults.is_empty(), "{:?}\n{told}", verdict.faults);
    assert_eq!(verdict.bookings, bookings, "a booking for every one that was accepted");
    let entries = money::of_the_sandbox(books).await;
    assert_eq!(money::faults(&verdict, &entries), Vec::<String>::new());
    verdict
}

impl Cluster {
    /// All logs together, judged.
    pub(crate) async fn judged(&self, bookings: usize) -> Verdict {
        let logs: Vec<&EventLog> = self.logs.values().collect();
        for log in &logs {
            let gone_back: Vec<(String, i64, i64)> =
                sqlx::query_as("SELECT source, was, is_now FROM gone_back").fetch_all(log.pool()).await.expect("read");
            assert!(gone_back.is_empty(), "{}: offsets went back: {gone_back:?}", log.name());
        }
        judged(&logs, self.logs[&Context::Payment].pool(), bookings).await
    }

    /// Nothing was anybody's guilt.
    pub(crate) async fn no_letters(&self) {
        for context in Context::ALL {
            let events = self.events(context).await;
            let letters: Vec<_> = events.iter().filter(|event| event.stream.kind == StreamKind::DeadLetter).collect();
            assert!(letters.is_empty(), "{context:?}: {letters:?}");
        }
    }
}
