//! The log read in bulk, against a real Postgres.

use sqlx::Executor;
use traveladvisor_domain::id::StreamKind;
use traveladvisor_infra::event_log::{
    EventLog, LogError, LogPages, PAGE_BYTES_MAX, PAGE_EVENTS_MAX, Position, StoredEvent, Stretch,
};
use traveladvisor_infra::postgres::{SCHEMA, own_connection};
use traveladvisor_infra::testing::TestDatabase;

use crate::event_log::{append, stream};

/// Hands out each event again, so that there are many, and every third as one of another kind.
const MANY: &str = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
     SELECT CASE WHEN n % 3 = 0 THEN 'hotel' ELSE 'dead_letter' END, \
            CASE WHEN n % 3 = 0 THEN 'hotel' ELSE 'dead_letter' END || substr(aggregate_id, 12), \
            1 + n, event_type, event_version, payload, metadata, recorded_at \
       FROM events, generate_series(1, $1) n ORDER BY n";

async fn log_of(more: i64) -> (EventLog, TestDatabase) {
    let database = TestDatabase::create(SCHEMA).await;
    let log = EventLog::new("public", database.pool.clone());
    log.append(&append(1, &[(stream(1), 1)])).await.expect("appended");
    sqlx::query(MANY).bind(more).execute(log.pool()).await.expect("many");
    (log, database)
}

async fn pages(log: &EventLog, after: u64, until: u64, kinds: &[StreamKind]) -> LogPages {
    let connection = own_connection(log.pool()).await.expect("a connection");
    log.pages(connection, Stretch { after: Position(after), until: Position(until) }, kinds)
}

async fn read(pages: &mut LogPages) -> Result<Vec<StoredEvent>, LogError> {
    let mut events = Vec::new();
    while let Some(page) = pages.next().await? {
        assert!(!page.is_empty() && page.len() <= PAGE_EVENTS_MAX);
        assert!(page.last().is_some_and(|last| last.position <= pages.through()));
        events.extend(page);
    }
    Ok(events)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_read_in_bulk_is_the_log_event_by_event() {
    let (log, _database) = log_of(2 * PAGE_EVENTS_MAX as i64 + 100).await;
    let head = log.head().await.expect("asked");
    let expected = log.read_after(Position::START, usize::MAX >> 1).await.expect("read");
    let mut whole = pages(&log, 0, head.0, &StreamKind::ALL).await;
    assert_eq!(read(&mut whole).await.expect("read"), expected);
    assert_eq!(whole.through(), head);
    assert!(whole.next().await.expect("asked").is_none(), "the end stays the end");

    // From and to the middle of a page, and only what is asked for.
    let mut hotels = pages(&log, 10, head.0 - 10, &[StreamKind::Hotel]).await;
    let is_asked_for = |event: &&StoredEvent| {
        event.stream.kind == StreamKind::Hotel && event.position.0 > 10 && event.position.0 <= head.0 - 10
    };
    let expected: Vec<StoredEvent> = expected.iter().filter(is_asked_for).cloned().collect();
    assert_eq!(read(&mut hotels).await.expect("read"), expected);
    assert_eq!(hotels.through(), Position(head.0 - 10));
    for kinds in [&[StreamKind::Car][..], &[]] {
        let mut nothing = pages(&log, 0, head.0, kinds).await;
        assert!(read(&mut nothing).await.expect("read").is_empty());
        assert_eq!(nothing.through(), head, "a projection that none of it concerns is as far as the others");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_come_in_small_pages() {
    let (log, _database) = log_of(0).await;
    for (n, batch) in (2..=25).zip(10..) {
        let mut large = append(batch, &[(stream(n), 1)]);
        large.events[0].payload = format!("{{\"Large\":\"{}\"}}", "x".repeat(1_000_000)).into();
        log.append(&large).await.expect("appended");
    }
    let head = log.head().await.expect("asked");
    let mut pages = pages(&log, 0, head.0, &StreamKind::ALL).await;
    let mut positions = Vec::new();
    while let Some(page) = pages.next().await.expect("read") {
        let bytes: usize = page.iter().map(|event| event.payload.len()).sum();
        assert!(bytes < PAGE_BYTES_MAX + 1_100_000, "{bytes} bytes in a page");
        assert_eq!(page.last().map(|last| last.position), Some(pages.through()));
        positions.extend(page.iter().map(|event| event.position.0));
    }
    assert_eq!(positions, (1..=25).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_a_database_error_ends_early_never_says_that_it_is_done() {
    let (log, _database) = log_of(PAGE_EVENTS_MAX as i64 + 500).await;
    let head = log.head().await.expect("asked");
    // In the middle of the second page one row cannot be read, as where a disk has lost a block.
    let broken = PAGE_EVENTS_MAX + 200;
    let sql = format!(
        "ALTER TABLE events RENAME TO readable; CREATE VIEW events AS SELECT aggregate_type, aggregate_id, \
         sequence / (CASE WHEN position = {broken} THEN 0 ELSE 1 END) AS sequence, event_type, event_version, payload, \
         metadata, position, recorded_at FROM readable"
    );
    log.pool().execute(sql.as_str()).await.expect("a broken row");
    let mut pages = pages(&log, 0, head.0, &StreamKind::ALL).await;
    let first = pages.next().await.expect("the first page").expect("events");
    assert_eq!(first.len(), PAGE_EVENTS_MAX);
    assert!(matches!(pages.next().await, Err(LogError::Refused(reason)) if reason.contains("22012")));
    assert!(pages.next().await.is_err(), "and asked again it still does not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_connection_is_cut_never_says_that_it_is_done() {
    let (log, _database) = log_of(4 * PAGE_EVENTS_MAX as i64).await;
    let head = log.head().await.expect("asked");
    let mut pages = pages(&log, 0, head.0, &StreamKind::ALL).await;
    pages.next().await.expect("the first page").expect("events");
    log.pool()
        .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'")
        .await
        .expect("cut");
    // A page or two had been read ahead.
    let error = loop {
        match pages.next().await {
            Ok(page) => assert!(page.is_some(), "it says that it is done"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::Unavailable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_pages_slowly_holds_no_snapshot_and_meets_no_time_out() {
    let (log, _database) = log_of(4 * PAGE_EVENTS_MAX as i64).await;
    let head = log.head().await.expect("asked");
    let mut connection = own_connection(log.pool()).await.expect("a connection");
    connection.execute("SET application_name = 'the reader'").await.expect("named");
    let mut pages = log.pages(connection, Stretch { after: Position::START, until: head }, &StreamKind::ALL);
    // It reads ahead until it has to wait for us.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'the reader' AND state = 'idle' AND query LIKE 'COPY%' AND backend_xmin IS NULL";
    for page in 0.. {
        tokio::time::timeout(std::time::Duration::from_secs(30), async {
            while sqlx::query_scalar::<_, i64>(waiting).fetch_one(log.pool()).await.expect("asked") == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("at rest between two pages");
        if pages.next().await.expect("read").is_none() || page == 1 {
            break;
        }
    }
    assert!(pages.through() < head);
}
