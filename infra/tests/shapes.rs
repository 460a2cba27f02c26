//! Events of older shapes, read from a real log in each way that this crate has.

use cqrs_es::EventStore;
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore};
use sqlx::Executor;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::{Booking, BookingEvent};
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_infra::event_log::{Append, EventLog, NewEvent, Position, StoredEvent, Stretch};
use traveladvisor_infra::postgres::{SCHEMA, own_connection};
use traveladvisor_infra::testing::TestDatabase;
use uuid::Uuid;

const REQUESTED: &str = include_str!("../../domain/events/booking/BookingRequested.v1.json");
const METADATA: &str =
    r#"{"batch":"b","command":"c","correlation":"c","actor":"a","occurred_at":"2026-01-02T03:04:05.006Z"}"#;

fn booking() -> StreamId {
    BookingId(Uuid::from_u128(7)).stream()
}

/// A booking whose second event was stored when approval and wish were one.
async fn log(version: &str, payload: &str) -> (EventLog, TestDatabase) {
    let database = TestDatabase::create(SCHEMA).await;
    let log = EventLog::new("public", database.pool.clone());
    let event = |sequence, name: &str, version: &str, payload: &str| NewEvent {
        stream: booking(),
        sequence,
        event_type: name.to_owned().into(),
        event_version: version.to_owned().into(),
        payload: payload.into(),
        metadata: METADATA.into(),
        told: None,
    };
    let events = vec![event(1, "BookingRequested", "1", REQUESTED), event(2, "BookingSettled", version, payload)];
    let append = Append { batch: Uuid::from_u128(1), reads: vec![(booking(), 0)], events, ..Append::default() };
    log.append(&append).await.expect("appended");
    (log, database)
}

fn split() -> [BookingEvent; 2] {
    [BookingEvent::BookingApproved { attempt: 3, earns: None }, BookingEvent::CancellationRequested { reason: None }]
}

async fn bulk(log: &EventLog) -> Vec<StoredEvent> {
    let connection = own_connection(log.pool()).await.expect("a connection");
    let until = log.head().await.expect("asked");
    let stretch = Stretch { after: Position::START, until };
    log.pages(connection, stretch, &StreamKind::ALL).next().await.expect("read").expect("events")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_reading_the_log_tells_an_older_event_as_today() {
    for (version, payload) in [
        ("1", r#"{"BookingSettled":{"nth":3}}"#),
        ("2", r#"{"BookingSettled":{"attempt":3}}"#),
        ("3", r#"{"BookingSettled":{"attempt":3,"reason":null}}"#),
    ] {
        let (log, _database) = log(version, payload).await;
        // What this process appended itself is known to another one from the table only.
        let other = EventLog::new("public", log.pool().clone());
        let ways = [
            log.read_after(Position::START, 10).await.expect("own"),
            other.read_after(Position::START, 10).await.expect("tail"),
            other.read_stream(booking(), 0).await.expect("stream"),
            other.read_streams(&[booking()], 10).await.expect("streams"),
            other.search(&traveladvisor_infra::event_log::EventFilter::default(), 10).await.expect("search"),
            bulk(&other).await,
        ];
        for events in ways {
            let told: Vec<(usize, Event)> =
                events[1].tell().expect("told").into_iter().map(|told| (told.part, told.event.clone())).collect();
            let [approved, wish] = split().map(Event::Booking);
            assert_eq!(told, [(0, approved), (1, wish)], "version {version}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cqrs_es_loads_and_replays_older_events_as_today_and_writes_on_after_them() {
    let (log, _database) = log("1", r#"{"BookingSettled":{"nth":3}}"#).await;
    let id = booking().to_string();
    let store = PersistedEventStore::<EventLog, Booking>::new_event_store(log.clone());
    let loaded = store.load_events(&id).await.expect("loaded");
    assert_eq!(loaded.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 2]);
    assert_eq!(loaded[1..].iter().map(|event| event.payload.clone()).collect::<Vec<_>>(), split());

    let last = log.get_last_events::<Booking>(&id, 1).await.expect("read on");
    assert_eq!(
        last.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>(),
        ["BookingApproved", "CancellationRequested"]
    );
    for mut replay in [
        log.stream_events::<Booking>(&id).await.expect("a stream"),
        log.stream_all_events::<Booking>().await.expect("all streams"),
    ] {
        let mut replayed = Vec::new();
        while let Some(event) = replay.next::<Booking>(&[]).await {
            replayed.push(event.expect("replayed").payload);
        }
        assert_eq!(replayed[1..], split());
    }

    let context = store.load_aggregate(&id).await.expect("loaded");
    let cancelled = BookingEvent::BookingCancelled { attempt: 1, failure: None, reverses: None };
    let written = store.commit(vec![cancelled], context, std::collections::HashMap::new()).await.expect("written");
    assert_eq!(written[0].sequence, 3, "the next place of the stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_through_cqrs_es_that_ends_early_on_a_database_error_does_not_say_that_it_is_done() {
    let (log, _database) = log("2", r#"{"BookingSettled":{"attempt":3}}"#).await;
    let broken = "ALTER TABLE events RENAME TO readable; CREATE VIEW events AS SELECT aggregate_type, aggregate_id, \
         sequence / (2 - position) AS sequence, event_type, event_version, payload, metadata, position, recorded_at FROM readable";
    log.pool().execute(broken).await.expect("a broken row");
    let mut replay = log.stream_all_events::<Booking>().await.expect("a stream");
    let mut outcomes = Vec::new();
    while let Some(event) = replay.next::<Booking>(&[]).await {
        outcomes.push(event.is_ok());
    }
    assert_eq!(outcomes.last(), Some(&false), "the last that is heard of it is the error");
}
