//! The relay reads ahead of what it delivers: all of it is delivered once and in order, also where it has to stop in the middle of a page.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::limits::{POSTS_UNDER_WAY_MAX, RELAY_PAGE};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::id::HotelId;
use traveladvisor_infra::event_log::{Append, Appended, NewEvent};
use traveladvisor_infra::kafka::Incoming;
use traveladvisor_infra::testing::broker::Broker;
use uuid::Uuid;

use crate::bus::records::read_all;
use crate::bus::{ALL_END, Cluster};
use crate::support::{allot, hotel};

const OFFERS: &str = "supply_flow.hotel.booking.notify_offer_changed";
/// Hotels whose offers change.
const HOTELS: usize = 7;
/// Changes of all hotels: the relay is full before them all, in the middle of a page.
const CHANGES: usize = POSTS_UNDER_WAY_MAX + RELAY_PAGE * 2 + RELAY_PAGE / 2;
/// One event of so many is told nobody.
const TOLD_OF: usize = 50;
/// Events of one append.
const AT_ONCE: usize = 1_000;

fn hotel_stream(number: usize) -> traveladvisor_domain::id::StreamId {
    HotelId::of("own", &format!("ahead {number}")).stream()
}

/// Whether the event of this number says something of rooms, which others are not told: so that no page is a round number of records.
const fn is_of_rooms(number: usize) -> bool {
    number.is_multiple_of(TOLD_OF)
}

/// How many of these events others are told.
fn told(events: usize) -> usize {
    (0..events).filter(|number| !is_of_rooms(*number)).count()
}

/// Writes so many changes, as many of each hotel in turn, each like those that are there.
async fn change_offers(cluster: &Cluster, round: usize) {
    let log = &cluster.logs[&Context::Hotel];
    let there = cluster.events(Context::Hotel).await;
    let like = |number| &there[usize::from(is_of_rooms(number))];
    let before = round * CHANGES;
    let changes: Vec<NewEvent> = (before..before + CHANGES)
        .map(|number| NewEvent {
            stream: hotel_stream(number % HOTELS),
            sequence: (number / HOTELS) as u64 + 1,
            event_type: like(number).event_type.clone(),
            event_version: like(number).event_version.clone(),
            payload: like(number).payload.clone(),
            metadata: like(number).metadata.clone(),
            told: None,
        })
        .collect();
    for (part, events) in changes.chunks(AT_ONCE).enumerate() {
        let first_of = |hotel: usize| events.iter().find(|event| event.stream == hotel_stream(hotel));
        let reads = (0..HOTELS).filter_map(first_of).map(|event| (event.stream, event.sequence - 1)).collect();
        let batch = Uuid::from_u128((round * CHANGES + part) as u128 + 1);
        let append = Append { batch, reads, events: events.to_vec(), ..Append::default() };
        let appended = log.append(&append).await.expect("appended");
        assert!(matches!(appended, Appended::Committed { .. }), "{appended:?}");
    }
}

/// Waits until the relay takes no more, with a page read ahead.
async fn until_full(cluster: &Cluster) {
    let full = async {
        while cluster.engine(Context::Hotel).gauges().unacknowledged() < POSTS_UNDER_WAY_MAX {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(ALL_END, full).await.expect("the relay is full");
}

/// Waits until so many different records of these hotels are there; their ids in the order of each hotel, the first time that each came.
async fn until_all(cluster: &Cluster, count: usize) -> (usize, BTreeMap<String, Vec<String>>) {
    let all = async {
        loop {
            let records = read_all(&cluster.kafka, OFFERS).await;
            let (sent, ids) = by_hotel(&records);
            if ids.values().map(Vec::len).sum::<usize>() >= count {
                return (sent, ids);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(ALL_END, all).await.expect("everything comes")
}

fn by_hotel(records: &[Incoming]) -> (usize, BTreeMap<String, Vec<String>>) {
    let hotels: BTreeSet<String> = (0..HOTELS).map(|number| hotel_stream(number).to_string()).collect();
    let (mut sent, mut seen, mut ids) = (0, BTreeSet::new(), BTreeMap::<String, Vec<String>>::new());
    for record in records {
        let key = String::from_utf8(record.key.clone().expect("a key")).expect("text");
        let id = record.header("id").expect("an id").to_owned();
        if hotels.contains(&key) {
            sent += 1;
            if seen.insert(id.clone()) {
                ids.entry(key).or_default().push(id);
            }
        }
    }
    (sent, ids)
}

/// What the log tells of each hotel, in its order.
fn expected(cluster: &Cluster, changes: usize) -> BTreeMap<String, Vec<String>> {
    let log = cluster.logs[&Context::Hotel].name();
    let mut expected = BTreeMap::<String, Vec<String>>::new();
    for number in (0..changes).filter(|number| !is_of_rooms(*number)) {
        let (stream, sequence) = (hotel_stream(number % HOTELS), (number / HOTELS) as u64 + 1);
        let id = traveladvisor_domain::message::message_id(log, stream, sequence, 0);
        expected.entry(stream.to_string()).or_default().push(id.to_string());
    }
    expected
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_ahead_is_delivered_in_order_when_the_relay_was_full_and_when_its_turn_ends() {
    let broker = Broker::start().await;
    let mut cluster = Cluster::without_engines(broker.settings()).await;
    cluster.start(Context::Hotel).await;
    cluster.submit(Context::Hotel, CallerCommand::UpsertHotel(hotel(1))).await.expect("listed");
    cluster.submit(Context::Hotel, allot(2)).await.expect("there are rooms");
    cluster.stop_all(Context::Hotel).await;

    // Full, and then the broker takes it.
    change_offers(&cluster, 0).await;
    let silent = broker.freeze();
    cluster.start(Context::Hotel).await;
    until_full(&cluster).await;
    let turns = cluster.turns().await;
    drop(silent);
    let (sent, ids) = until_all(&cluster, told(CHANGES)).await;
    assert_eq!(ids, expected(&cluster, CHANGES));
    if cluster.turns().await == turns {
        assert_eq!(sent, told(CHANGES), "each once");
    }

    // Full, and the turn ends.
    cluster.stop_all(Context::Hotel).await;
    change_offers(&cluster, 1).await;
    let silent = broker.freeze();
    cluster.start(Context::Hotel).await;
    until_full(&cluster).await;
    cluster.stop_all(Context::Hotel).await;
    cluster.start(Context::Hotel).await;
    until_full(&cluster).await;
    drop(silent);
    let (_, ids) = until_all(&cluster, told(2 * CHANGES)).await;
    assert_eq!(ids, expected(&cluster, 2 * CHANGES));
    cluster.stop().await;
}
