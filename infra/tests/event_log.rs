//! The log's laws, against a real Postgres.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use cqrs_es::EventStore;
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore};
use postgres_es::PostgresEventRepository;
use sqlx::Executor;
use traveladvisor_domain::dead_letter::{DeadLetter, DeadLetterCommand, DeadLetterEvent};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_infra::event_log::{
    APPEND_BYTES_MAX, Append, Appended, Conflict, EVENT_BYTES_MAX, EventLog, Key, KeyEffect, KeyRow, LogError,
    NewEvent, Position, RESEND_PAUSE_FIRST, Wakeup,
};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;
use uuid::Uuid;

async fn log() -> (EventLog, TestDatabase) {
    let database = TestDatabase::create(SCHEMA).await;
    (EventLog::new("public", database.pool.clone()), database)
}

pub(crate) fn stream(n: u128) -> StreamId {
    StreamId::new(StreamKind::DeadLetter, Uuid::from_u128(n))
}

fn letter() -> DeadLetterEvent {
    DeadLetterEvent::MessageDeadLettered {
        booking: Some(BookingId(Uuid::nil())),
        cause_stream: "booking_00000000000000000000000000".into(),
        cause_sequence: 1,
        place: 0,
        instruction: None,
        failure: Failure::new(Code::Internal, "It failed."),
    }
}

pub(crate) fn event(stream: StreamId, sequence: u64, batch: Uuid) -> NewEvent {
    NewEvent {
        stream,
        sequence,
        event_type: "MessageDeadLettered".into(),
        event_version: "1".into(),
        payload: serde_json::to_string(&letter()).expect("JSON").into(),
        metadata: format!(r#"{{"batch":"{batch}","command":"test","correlation":"c","actor":"a","occurred_at":"t"}}"#)
            .into(),
        told: None,
    }
}

/// One event at `sequence` of each stream, which expects the one before.
pub(crate) fn append(batch: u128, streams: &[(StreamId, u64)]) -> Append {
    let batch = Uuid::from_u128(batch);
    Append {
        batch,
        reads: streams.iter().map(|(stream, sequence)| (*stream, sequence - 1)).collect(),
        events: streams.iter().map(|(stream, sequence)| event(*stream, *sequence, batch)).collect(),
        ..Append::default()
    }
}

pub(crate) fn key(text: &str) -> Key {
    Key { caller: "c".into(), operation: "o".into(), key: text.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_append_writes_any_number_of_streams_at_ascending_positions() {
    let (log, _database) = log().await;
    let done = log.append(&append(1, &[(stream(1), 1), (stream(2), 1), (stream(1), 2)])).await;
    // The third event's stream was read once, at sequence 0; reads are what the decisions saw.
    assert!(matches!(done, Ok(Appended::Conflicts(_))), "the second read of stream 1 expected 1: {done:?}");
    let mut two = append(2, &[(stream(1), 1), (stream(2), 1)]);
    two.events.push(event(stream(1), 2, two.batch));
    let Ok(Appended::Committed { first: Some(first) }) = log.append(&two).await else { panic!("it commits") };
    let events = log.read_after(Position::START, 10).await.expect("read");
    let places: Vec<u64> = events.iter().map(|event| event.position.0).collect();
    assert_eq!(places, [first.0, first.0 + 1, first.0 + 2]);
    let told: Vec<_> = events.iter().map(|event| (event.stream, event.sequence)).collect();
    assert_eq!(told, [(stream(1), 1), (stream(2), 1), (stream(1), 2)], "in the order of the arrays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mismatch_writes_nothing_and_tells_every_conflict() {
    let (log, _database) = log().await;
    let mut first = append(1, &[(stream(1), 1)]);
    first.keys = vec![KeyRow { key: key("k"), input_hash: vec![7], subject: "s".into(), effect: KeyEffect::At(0) }];
    let Ok(Appended::Committed { first: Some(position) }) = log.append(&first).await else { panic!("it commits") };
    let mut second = append(2, &[(stream(2), 1), (stream(3), 4)]);
    second.reads.push((stream(1), 0));
    second.keys = vec![KeyRow { key: key("k"), input_hash: vec![8], subject: "t".into(), effect: KeyEffect::At(0) }];
    second.owners = vec![("relay".into(), 9)];
    second.offsets = vec![("relay".into(), 5, 6)];
    let Ok(Appended::Conflicts(conflicts)) = log.append(&second).await else { panic!("it conflicts") };
    let expected = [
        Conflict::Stream { stream: stream(1), expected: 0, actual: 1 },
        Conflict::Stream { stream: stream(3), expected: 3, actual: 0 },
        Conflict::Key { key: key("k"), subject: "s".into(), input_hash: vec![7], position },
        Conflict::Owner { name: "relay".into(), expected: 9 },
        Conflict::Offset { source: "relay".into(), actual: 0 },
    ];
    assert_eq!(conflicts.len(), expected.len(), "{conflicts:?}");
    assert!(expected.iter().all(|conflict| conflicts.contains(conflict)), "{conflicts:?}");
    assert_eq!(log.read_after(Position::START, 10).await.expect("read").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_be_new_and_is_there_already_is_told_with_every_other_conflict() {
    let (log, database) = log().await;
    let mut first = append(1, &[(stream(1), 1), (stream(2), 1)]);
    first.keys = vec![KeyRow { key: key("k"), input_hash: vec![7], subject: "s".into(), effect: KeyEffect::At(0) }];
    let Ok(Appended::Committed { first: Some(position) }) = log.append(&first).await else { panic!("it commits") };

    // Only new streams: nobody looks before writing, and the second of three is there.
    let new = append(2, &[(stream(3), 1), (stream(2), 1), (stream(4), 1)]);
    let moved = Conflict::Stream { stream: stream(2), expected: 0, actual: 1 };
    assert_eq!(log.append(&new).await.expect("answered"), Appended::Conflicts(vec![moved.clone()]));

    // Only the key is there.
    let mut keyed = append(3, &[(stream(3), 1)]);
    keyed.keys = vec![KeyRow { key: key("k"), input_hash: vec![8], subject: "t".into(), effect: KeyEffect::At(0) }];
    let taken = Conflict::Key { key: key("k"), subject: "s".into(), input_hash: vec![7], position };
    assert_eq!(log.append(&keyed).await.expect("answered"), Appended::Conflicts(vec![taken.clone()]));

    // A new stream, a known one and the key, all at once.
    let mut all = append(4, &[(stream(2), 1), (stream(1), 1)]);
    all.reads[1].1 = 7;
    all.keys = keyed.keys;
    let Ok(Appended::Conflicts(conflicts)) = log.append(&all).await else { panic!("it conflicts") };
    let known = Conflict::Stream { stream: stream(1), expected: 7, actual: 1 };
    assert!([moved, taken, known].iter().all(|conflict| conflicts.contains(conflict)), "{conflicts:?}");

    let left: (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM idempotency_keys)")
            .fetch_one(&database.pool)
            .await
            .expect("read");
    assert_eq!(left, (2, 1), "nothing of the refused appends is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_very_same_append_sent_again_is_answered_with_its_first_positions() {
    let (log, database) = log().await;
    let mut once = append(1, &[(stream(1), 1), (stream(2), 1)]);
    once.keys = vec![KeyRow { key: key("k"), input_hash: vec![7], subject: "s".into(), effect: KeyEffect::At(1) }];
    let first = log.append(&once).await.expect("it commits");
    // The stream moves on before the answer is asked for again.
    log.append(&append(2, &[(stream(1), 2)])).await.expect("it commits");
    assert_eq!(log.append(&once).await.expect("known"), first);
    assert_eq!(log.read_after(Position::START, 10).await.expect("read").len(), 3);
    let row = sqlx::query_as("SELECT subject, position FROM idempotency_keys WHERE key = 'k'");
    let rows: Vec<(String, i64)> = row.fetch_all(&database.pool).await.expect("read");
    assert_eq!(rows, [("s".to_owned(), 2)]);
    // Another append of the same streams is a conflict, not the same one.
    assert!(matches!(log.append(&append(3, &[(stream(1), 1)])).await, Ok(Appended::Conflicts(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_only_checks_does_not_wait_for_the_order_lock() {
    let (log, database) = log().await;
    log.append(&append(1, &[(stream(1), 1)])).await.expect("it commits");
    let mut holder = database.pool.begin().await.expect("a transaction");
    holder
        .execute("SELECT pg_advisory_xact_lock(hashtextextended('traveladvisor.log.' || current_schema(), 0))")
        .await
        .expect("the lock");
    let check = |expected| Append { reads: vec![(stream(1), expected)], ..Append::default() };
    assert_eq!(log.append(&check(1)).await.expect("checked"), Appended::Committed { first: None });
    assert!(matches!(log.append(&check(0)).await, Ok(Appended::Conflicts(_))));
    let blocked =
        tokio::time::timeout(Duration::from_millis(300), async { log.append(&append(2, &[(stream(1), 2)])).await });
    assert!(blocked.await.is_err(), "an append waits for the order lock");
    holder.rollback().await.expect("released");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_a_position_sees_all_below_it() {
    let (log, _database) = log().await;
    let writers = (0u128..8).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            for n in 1..=40u64 {
                let streams = [(stream(writer * 2 + 100), n), (stream(writer * 2 + 101), n)];
                log.append(&append(writer << 32 | u128::from(n), &streams)).await.expect("it commits");
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut seen = Vec::new();
    let mut after = Position::START;
    while seen.len() < 8 * 40 * 2 {
        for event in log.read_after(after, 7).await.expect("read") {
            assert!(event.position > after, "ascending");
            after = event.position;
            seen.push((event.stream, event.sequence));
        }
    }
    futures::future::join_all(writers).await.into_iter().for_each(|writer| writer.expect("wrote"));
    let mut last: HashMap<StreamId, u64> = HashMap::new();
    for (stream, sequence) in &seen {
        let before = last.insert(*stream, *sequence).unwrap_or(0);
        assert_eq!(*sequence, before + 1, "nothing of {stream} is skipped or twice");
    }
    assert_eq!(log.read_after(after, 10).await.expect("read"), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_never_changed() {
    let (log, database) = log().await;
    log.append(&append(1, &[(stream(1), 1)])).await.expect("it commits");
    for sql in ["UPDATE events SET payload = '{}'", "DELETE FROM events", "TRUNCATE events"] {
        let refused = database.pool.execute(sql).await.expect_err(sql);
        assert!(refused.to_string().contains("events are never changed"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_postgres_refuses_is_an_error_and_not_asked_again() {
    let (log, _database) = log().await;
    let mut broken = append(1, &[(stream(1), 1)]);
    broken.events[0].payload = "{".into();
    assert!(matches!(log.append(&broken).await, Err(LogError::Refused(_))));
    broken.events[0].payload = "{\"nul\":\"\u{0}\"}".into();
    assert!(matches!(log.append(&broken).await, Err(LogError::Refused(_))));
    log.append(&append(2, &[(stream(1), 1)])).await.expect("the next one commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_waits_for_a_function_that_is_missing_and_is_not_lost_as_bad_data() {
    let (log, database) = log().await;
    // As after a restore that is not complete, or beside an older schema.
    database.pool.execute("ALTER FUNCTION append_events RENAME TO append_events_away").await.expect("renamed");
    let waiting = {
        let log = log.clone();
        tokio::spawn(async move { log.append(&append(1, &[(stream(1), 1)])).await })
    };
    let told = database.pool.execute("ALTER TABLE events RENAME TO events_away").await;
    told.expect("renamed");
    assert!(matches!(log.head().await, Err(LogError::Unavailable(reason)) if reason.contains("42P01")));
    database.pool.execute("ALTER TABLE events_away RENAME TO events").await.expect("renamed back");
    tokio::time::sleep(RESEND_PAUSE_FIRST * 5).await;
    database.pool.execute("ALTER FUNCTION append_events_away RENAME TO append_events").await.expect("renamed back");
    assert!(matches!(waiting.await.expect("no panic"), Ok(Appended::Committed { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn wake_ups_are_set_moved_and_cleared_by_the_append() {
    let (log, _database) = log().await;
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
    let set = async |batch, sequence, due_at| {
        let mut append = append(batch, &[(stream(1), sequence)]);
        append.wakeups = vec![Wakeup { stream: stream(1), kind: "retry", due_at }];
        log.append(&append).await.expect("it commits");
    };
    set(1, 1, Some(at("2025-01-01T00:00:00Z"))).await;
    set(2, 2, Some(at("2025-01-02T00:00:00Z"))).await;
    assert_eq!(log.due_wakeups(at("2025-01-01T12:00:00Z"), 10).await.expect("read"), vec![]);
    assert_eq!(log.due_wakeups(at("2025-01-02T00:00:00Z"), 10).await.expect("read").len(), 1);
    set(3, 3, None).await;
    assert_eq!(log.next_wakeup().await.expect("read"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_es_reads_our_streams_unchanged() {
    let (log, database) = log().await;
    log.append(&append(1, &[(stream(1), 1)])).await.expect("it commits");
    let theirs =
        PersistedEventStore::<_, DeadLetter>::new_event_store(PostgresEventRepository::new(database.pool.clone()));
    let events = theirs.load_events(&stream(1).to_string()).await.expect("read");
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].sequence, &events[0].payload), (1, &letter()));
    assert_eq!(events[0].metadata["command"], "test");
    let loaded = theirs.load_aggregate(&stream(1).to_string()).await.expect("read");
    assert!(matches!(loaded.aggregate, DeadLetter::SetAside(_)));
    // And our log serves as cqrs-es's repository.
    let ours = PersistedEventStore::<_, DeadLetter>::new_event_store(log.clone());
    assert_eq!(ours.load_events(&stream(1).to_string()).await.expect("read").len(), 1);
    assert_eq!(log.get_last_events::<DeadLetter>(&stream(1).to_string(), 1).await.expect("read").len(), 0);
    let framework = cqrs_es::CqrsFramework::new(ours, vec![], ());
    let command = DeadLetterCommand::SetAside { letter: letter() };
    framework.execute(&stream(2).to_string(), command).await.expect("decided and appended");
    assert_eq!(log.read_stream(stream(2), 0).await.expect("read").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_before_it_is_sent() {
    let (log, _database) = log().await;
    let sized = |event: NewEvent, bytes: usize| {
        let fill = " ".repeat(bytes - event.payload.len() - event.metadata.len());
        NewEvent { payload: (event.payload.to_string() + &fill).into(), ..event }
    };
    let with = |batch: u128, sizes: &[usize]| {
        let mut append = append(batch, &[(stream(batch), 1)]);
        let id = append.batch;
        let events = (1..).zip(sizes).map(|(sequence, bytes)| sized(event(stream(batch), sequence, id), *bytes));
        append.events = events.collect();
        append
    };
    let is_refused = |outcome| matches!(outcome, Err(LogError::Refused(_)));
    assert!(is_refused(log.append(&with(1, &[EVENT_BYTES_MAX + 1])).await));
    let mut whole = vec![EVENT_BYTES_MAX; APPEND_BYTES_MAX / EVENT_BYTES_MAX];
    assert!(matches!(log.append(&with(2, &whole)).await, Ok(Appended::Committed { .. })), "as large as may be");
    whole.push(EVENT_BYTES_MAX / 2);
    assert!(is_refused(log.append(&with(3, &whole)).await));
    assert!(log.read_stream(stream(3), 0).await.expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_that_would_make_the_log_unreadable_is_refused() {
    let (log, _database) = log().await;
    // Postgres takes it into `json`, and then cannot tell the batch of that event: neither the very same append nor a search is answered.
    let mut append = append(1, &[(stream(1), 1)]);
    append.events[0].metadata = append.events[0].metadata.replace(r#""a""#, r#""a\u0000""#).into();
    assert!(matches!(log.append(&append).await, Err(LogError::Refused(_))));
    assert!(log.last_occurred_at().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_hears_of_what_was_appended_before_and_while_the_connection_was_lost() {
    let (log, database) = log().await;
    log.append(&append(1, &[(stream(1), 1)])).await.expect("it commits");
    let other = EventLog::new("public", database.pool.clone());
    let listening = other.listen();
    let mut heard = other.committed();
    let arrives = async |heard: &mut tokio::sync::watch::Receiver<Position>, position| {
        let wait = heard.wait_for(|head| *head >= Position(position));
        tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok_and(|heard| heard.is_ok())
    };
    assert!(arrives(&mut heard, 1).await, "what was there before");
    log.append(&append(2, &[(stream(1), 2)])).await.expect("it commits");
    assert!(arrives(&mut heard, 2).await, "what is appended");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()";
    database.pool.execute(cut).await.expect("cut");
    log.append(&append(3, &[(stream(1), 3)])).await.expect("it commits");
    assert!(arrives(&mut heard, 3).await, "what was appended meanwhile");
    listening.abort();
}
