//! Snapshots: written with the events, read with the rest, and readable by others.

use chrono_tz::Tz;
use cqrs_es::EventStore;
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore};
use postgres_es::PostgresEventRepository;
use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::hotel::{Hotel, HotelDetails, HotelEvent, RoomTypeDetails};
use traveladvisor_domain::id::{HotelId, StreamId, StreamKind};
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_infra::event_log::{
    Append, Appended, EventLog, NewEvent, NewSnapshot, decode_state, encode, encode_state,
};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;
use uuid::Uuid;

async fn log() -> (EventLog, TestDatabase) {
    let database = TestDatabase::create(SCHEMA).await;
    (EventLog::new("public", database.pool.clone()), database)
}

fn stream() -> StreamId {
    HotelId::of("own", "H1").stream()
}

fn named(name: &str) -> HotelEvent {
    let details = HotelDetails {
        supplier: "own".into(),
        code: "H1".into(),
        name: name.into(),
        city: "London".into(),
        country: "GB".into(),
        time_zone: Tz::Europe__London,
        latitude: Some(51.5),
        longitude: Some(-0.125),
        room_types: vec![RoomTypeDetails {
            code: "DBL".into(),
            name: "Double".into(),
            rooms: 2,
            nightly_price: Money::new(10_000, Currency::GBP),
        }],
    };
    HotelEvent::HotelChanged { details, business_date: "2024-12-01".parse().expect("a date") }
}

/// A hotel that was given this name last.
fn state(name: &str) -> Aggregate {
    let mut state = Aggregate::empty(StreamKind::Hotel);
    assert!(state.apply(&Event::Hotel(named(name))));
    state
}

fn snapshot(sequence: u64, name: &str) -> NewSnapshot {
    let payload = encode_state(&state(name)).expect("hotels are kept").expect("JSON");
    NewSnapshot { stream: stream(), sequence, payload }
}

/// The hotel gets the name "event", and with it a snapshot if a name is given for that.
fn renamed(sequence: u64, snapshot_name: Option<&str>) -> Append {
    let batch = Uuid::from_u128(sequence.into());
    let event = NewEvent {
        stream: stream(),
        sequence,
        event_type: "HotelChanged".into(),
        event_version: "1".into(),
        payload: encode(&Event::Hotel(named("event"))).expect("JSON").into(),
        metadata: format!(r#"{{"batch":"{batch}","command":"test","correlation":"c","actor":"a","occurred_at":"t"}}"#)
            .into(),
        told: None,
    };
    Append {
        batch,
        reads: vec![(stream(), sequence - 1)],
        events: vec![event],
        snapshots: snapshot_name.map(|name| snapshot(sequence, name)).into_iter().collect(),
        ..Append::default()
    }
}

async fn kept(log: &EventLog) -> Option<(i64, i64)> {
    sqlx::query_as("SELECT last_sequence, current_snapshot FROM snapshots")
        .fetch_optional(log.pool())
        .await
        .expect("read")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_comes_with_its_append_and_only_a_newer_one_takes_its_place() {
    let (log, _database) = log().await;
    let first = renamed(1, Some("one"));
    let done = log.append(&first).await.expect("it commits");
    assert_eq!(kept(&log).await, Some((1, 1)));
    log.append(&renamed(2, None)).await.expect("it commits");
    assert_eq!(kept(&log).await, Some((1, 1)), "not every append brings one");
    log.append(&renamed(3, Some("three"))).await.expect("it commits");
    assert_eq!(kept(&log).await, Some((3, 2)), "they are counted");
    assert_eq!(log.append(&first).await.expect("known"), done, "sent again");
    assert_eq!(kept(&log).await, Some((3, 2)), "what is sent again changes nothing");
    let older = Append { snapshots: vec![snapshot(2, "two")], ..renamed(4, None) };
    log.append(&older).await.expect("it commits");
    assert_eq!(kept(&log).await, Some((3, 2)), "an older state never takes the place of a newer one");
    let conflicting = Append { reads: vec![(stream(), 3)], ..renamed(5, Some("five")) };
    assert!(matches!(log.append(&conflicting).await, Ok(Appended::Conflicts(_))));
    assert_eq!(kept(&log).await, Some((3, 2)), "a refused append writes none");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_round_trip_reads_the_snapshot_and_the_rest_of_the_stream() {
    let (log, _database) = log().await;
    log.append(&renamed(1, None)).await.expect("it commits");
    let whole = log.read_from_snapshot(stream(), 10).await.expect("read");
    assert_eq!((whole.snapshot, whole.events.len()), (None, 1));
    log.append(&renamed(2, Some("snapshot"))).await.expect("it commits");
    let ended = log.read_from_snapshot(stream(), 10).await.expect("read");
    let kept = ended.snapshot.expect("it is there");
    assert_eq!((kept.sequence, kept.position.0, ended.events.len()), (2, 2, 0));
    assert_eq!(decode_state(StreamKind::Hotel, &kept.payload), Some(state("snapshot")));
    for sequence in 3..8 {
        log.append(&renamed(sequence, None)).await.expect("it commits");
    }
    let page = log.read_from_snapshot(stream(), 3).await.expect("read");
    assert_eq!(page.snapshot, Some(kept));
    let sequences = |events: &[traveladvisor_infra::event_log::StoredEvent]| -> Vec<u64> {
        events.iter().map(|event| event.sequence).collect()
    };
    assert_eq!(sequences(&page.events), [3, 4, 5], "no more than was asked for");
    assert_eq!(sequences(&log.read_stream_page(stream(), 5, 3).await.expect("read")), [6, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_es_reads_our_snapshots_unchanged() {
    let (log, database) = log().await;
    log.append(&renamed(1, Some("first"))).await.expect("it commits");
    log.append(&renamed(2, Some("snapshot"))).await.expect("it commits");
    let id = stream().to_string();
    let theirs = PostgresEventRepository::new(database.pool.clone());
    let found = theirs.get_snapshot::<Hotel>(&id).await.expect("read").expect("it is there");
    assert_eq!((found.current_sequence, found.current_snapshot), (2, 2));
    assert_eq!(log.get_snapshot::<Hotel>(&id).await.expect("read"), Some(found));
    // The events say "event": what is loaded comes from the snapshot.
    let Aggregate::Hotel(expected) = state("snapshot") else { panic!("a hotel") };
    let store = PersistedEventStore::<_, Hotel>::new_snapshot_store(theirs, 100);
    let loaded = store.load_aggregate(&id).await.expect("loaded");
    assert_eq!((&loaded.aggregate, loaded.current_sequence, loaded.current_snapshot), (&expected, 2, Some(2)));
    let ours = PersistedEventStore::<_, Hotel>::new_snapshot_store(log.clone(), 100);
    assert_eq!(ours.load_aggregate(&id).await.expect("loaded").aggregate, expected);
    // And they read on after it.
    log.append(&renamed(3, None)).await.expect("it commits");
    let loaded = store.load_aggregate(&id).await.expect("loaded");
    assert_eq!(
        (loaded.aggregate.details().map(|details| details.name.as_str()), loaded.current_sequence),
        (Some("event"), 3)
    );
}

#[test]
fn a_snapshot_of_another_version_cannot_be_read() {
    let payload = snapshot(1, "one").payload;
    assert_eq!(decode_state(StreamKind::Hotel, &payload), Some(state("one")));
    let version = format!("\"version\":{}", traveladvisor_domain::reservation::STATE_VERSION);
    assert!(payload.contains(&version), "{payload}");
    for other in [payload.replace(&version, "\"version\":0"), payload.replace(&format!("{version},"), ""), "{}".into()]
    {
        assert_eq!(decode_state(StreamKind::Hotel, &other), None, "{other}");
    }
    assert_eq!(decode_state(StreamKind::Flight, &payload), None);
}
