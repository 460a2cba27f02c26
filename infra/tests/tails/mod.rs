//! Readers that follow the log see every event once and in order (L2), whatever writers and bystanders do.
//!
//! With `CHAOS=<n>` every writer appends n times as often.

mod bystanders;
mod open;
mod readers;
mod writers;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{EventLog, Position, StoredEvent};
use traveladvisor_infra::postgres::{SCHEMA, pool};
use traveladvisor_infra::testing::{TestDatabase, chaos};

use crate::event_log::{append, stream};
use bystanders::Bystanders;
use open::append_in;
use readers::{Readers, read_to};
use writers::{Ledger, Writer};

/// A generous limit for anything that must happen at last.
const AT_LAST: Duration = Duration::from_mins(2);
/// Pause between two looks at what must happen at last.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// Appends of each writer, unless there is to be more chaos.
const APPENDS_EACH: u64 = 16;

/// What a reader that trusts no order does: it leaves out all that is not older than the oldest transaction under way.
const OLDER_THAN_ALL_UNDER_WAY: &str = "SELECT count(*) FROM events \
     WHERE xmin::text::bigint < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint & 4294967295)";

fn appends_each() -> u64 {
    APPENDS_EACH * u64::from(chaos())
}

fn log(options: &PgConnectOptions) -> EventLog {
    EventLog::new("public", pool(options.clone()))
}

/// Streams go on from sequence to sequence, and positions ascend.
fn assert_sound(table: &[StoredEvent]) {
    let mut sequences: HashMap<StreamId, u64> = HashMap::new();
    for event in table {
        let before = sequences.insert(event.stream, event.sequence).unwrap_or(0);
        assert_eq!(event.sequence, before + 1, "{}", event.stream);
    }
    assert!(table.is_sorted_by(|a, b| a.position < b.position));
}

#[tokio::test(flavor = "multi_thread")]
async fn tails_see_every_event_once_and_in_order_while_32_writers_append_roll_back_and_die() {
    let database = TestDatabase::create(SCHEMA).await;
    let bystanders = Bystanders::begin(&database.options).await;
    let ours = log(&database.options);
    let readers = Readers::begin(&database.options, &ours);
    let progress = Arc::new(readers.progress());

    let writers = Writer::all(&database.options, &ours);
    assert_eq!(writers.len(), 32);
    let writing = writers.into_iter().map(|writer| tokio::spawn(writer.run(appends_each(), progress.clone())));
    let written = tokio::time::timeout(AT_LAST, futures::future::join_all(writing)).await.expect("all are written");
    let ledgers: Vec<Ledger> = written.into_iter().map(|ledger| ledger.expect("a writer ends well")).collect();

    // Every reader comes to the end while all bystanders have their transactions open, as they had before the first event.
    let head = ours.head().await.expect("read");
    let seen = tokio::time::timeout(AT_LAST, readers.end(head)).await.expect("readers come to the end");
    let others = log(&database.options);
    let table = others.read_after(Position::START, usize::MAX >> 1).await.expect("read");
    bystanders.assert_open_since(&table).await;
    assert_eq!(
        sqlx::query_scalar::<_, i64>(OLDER_THAN_ALL_UNDER_WAY).fetch_one(&database.pool).await.expect("counted"),
        0,
        "a reader that waits for older transactions would have seen nothing at all"
    );
    for (name, events) in &seen {
        assert_eq!(events.len(), table.len(), "{name}");
        assert_eq!(events, &table, "{name}");
    }

    assert_sound(&table);
    assert_eq!(table.last().map(|event| event.position), Some(head));
    assert!(head.0 > table.len() as u64, "those that rolled back have drawn positions");
    let mut conflicts = 0;
    for ledger in &ledgers {
        ledger.assert_kept(&table);
        conflicts += ledger.conflicts;
    }
    assert!(conflicts > 0, "writers met");
    let told: HashSet<_> = ledgers.iter().flat_map(Ledger::batches).collect();
    assert!(table.iter().all(|event| told.contains(&writers::batch_of(event))), "nothing else is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_waits_for_older_transactions_would_stand_still() {
    let database = TestDatabase::create(SCHEMA).await;
    let bystanders = Bystanders::begin(&database.options).await;
    let ours = log(&database.options);
    for n in 1..=3 {
        ours.append(&append(n.into(), &[(stream(1), n)])).await.expect("it commits");
    }
    let waits_for_all = async || {
        let counted = sqlx::query_scalar::<_, i64>(OLDER_THAN_ALL_UNDER_WAY).fetch_one(&database.pool).await;
        counted.expect("counted")
    };
    assert_eq!(read_to(&log(&database.options), 2, Position(3)).await.len(), 3);
    assert_eq!(waits_for_all().await, 0, "both are open");
    let elsewhere = bystanders.end_idle().await;
    assert_eq!(waits_for_all().await, 0, "the one in another database is as bad");
    let held_back: bool = sqlx::query_scalar(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint <= backend_xid::text::bigint \
                AND backend_xid::text::bigint < ALL (SELECT xmin::text::bigint FROM events) \
           FROM pg_stat_activity WHERE pid = $1",
    )
    .bind(elsewhere.pid)
    .fetch_one(&database.pool)
    .await
    .expect("it is open");
    assert!(held_back, "by that one, whatever else is under way");
    elsewhere.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_order_lock_a_tail_would_skip() {
    let insert = |n: u128| {
        format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
             VALUES ('dead_letter', '{}', 1, 'E', '1', '{{}}', '{{}}', now())",
            stream(n)
        )
    };
    let database = TestDatabase::create(SCHEMA).await;
    let tail = log(&database.options);
    let (mut slow, mut quick) = (database.pool.begin().await.expect("one"), database.pool.begin().await.expect("two"));
    slow.execute(insert(1).as_str()).await.expect("at position 1");
    quick.execute(insert(2).as_str()).await.expect("at position 2");
    quick.commit().await.expect("the second one is first");
    let mut seen = tail.read_after(Position::START, 10).await.expect("read");
    let last = seen.last().expect("an event").position;
    slow.commit().await.expect("too late");
    seen.extend(tail.read_after(last, 10).await.expect("read"));
    let table = log(&database.options).read_after(Position::START, 10).await.expect("read");
    assert_eq!((seen.len(), table.len()), (1, 2), "the judge of these tests would have told");

    // With it the second one waits for its turn.
    let mut slow = database.pool.begin().await.expect("begun");
    append_in(&mut slow, &append(3, &[(stream(3), 1)])).await.expect("not committed yet");
    let quick = log(&database.options);
    let waiting = tokio::spawn(async move { quick.append(&append(4, &[(stream(4), 1)])).await });
    let queued = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let is_waiting = async {
        while !sqlx::query_scalar::<_, bool>(queued).fetch_one(&database.pool).await.expect("locks") {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(AT_LAST, is_waiting).await.expect("the second one waits");
    assert_eq!(tail.read_after(Position(2), 10).await.expect("read"), vec![]);
    slow.commit().await.expect("committed");
    waiting.await.expect("not broken off").expect("it commits");
    let rest = tail.read_after(Position(2), 10).await.expect("read");
    assert_eq!(rest.iter().map(|event| event.position.0).collect::<Vec<_>>(), [3, 4]);
}

/// Tells how far each reader has come.
type Progress = Arc<Vec<watch::Receiver<Position>>>;
