//! What keeps a copy of the offers relies on.

use std::collections::HashMap;

use tokio::time::timeout;
use traveladvisor_infra::kafka::admin::{TopicSpec, fetch_one, topics_apply};
use traveladvisor_infra::kafka::{Read, TopicReader};
use traveladvisor_infra::testing::broker;

use super::{PATIENCE, make, numbered, open, send, text};

async fn next(reads: &mut tokio::sync::mpsc::Receiver<Read>) -> Read {
    timeout(PATIENCE, reads.recv()).await.expect("in time").expect("the client lives")
}

#[tokio::test]
async fn a_compacted_topic_is_read_to_its_end_and_then_on() {
    let settings = broker::settings().await;
    let offers = TopicSpec { compacted: true, retention_ms: None, ..super::spec("offers", 3) };
    topics_apply(&settings, std::slice::from_ref(&offers)).await.expect("the broker answers");
    let producer = open(&settings);
    for round in 0..3_u32 {
        let records = (0..10_u32).map(|hotel| (format!("hotel_{hotel}"), format!("{round}")));
        send(&producer, "offers", records).await;
    }
    let (reader, mut reads) = TopicReader::open(&settings, "copies", "offers").expect("a reader");
    let mut copy = HashMap::new();
    while let Read::Record(record) = next(&mut reads).await {
        copy.insert(record.key.clone(), text(&record));
    }
    assert_eq!(copy.len(), 10);
    assert!(copy.values().all(|round| round == "2"), "{copy:?}");
    // Later records, also of partitions that did not exist then, are read from their beginning.
    send(&producer, "offers", numbered("hotel_1", 7..8)).await;
    let Read::Record(record) = next(&mut reads).await else { panic!("caught up twice") };
    assert_eq!(text(&record), "7");
    reader.close().await;
}

#[tokio::test]
async fn an_empty_topic_is_at_its_end_at_once_also_when_it_is_made_later() {
    let settings = broker::settings().await;
    let (_reader, mut reads) = TopicReader::open(&settings, "copies", "none yet").expect("a reader");
    let (_other, mut others) = TopicReader::open(&settings, "copies", "made-later").expect("a reader");
    make(&settings, "made-later", 2).await;
    assert_eq!(next(&mut others).await, Read::CaughtUp);
    assert!(reads.try_recv().is_err(), "nothing is known of it");
}

#[tokio::test]
async fn one_record_is_fetched_by_its_place() {
    let settings = broker::settings().await;
    make(&settings, "places", 1).await;
    send(&open(&settings), "places", numbered("k", 0..3)).await;
    let record = fetch_one(&settings, "places", 0, 1).await.expect("the broker answers").expect("it is there");
    assert_eq!((record.offset, text(&record)), (1, "1".to_owned()));
    assert_eq!(fetch_one(&settings, "places", 0, 3).await.expect("the broker answers"), None);
    assert!(fetch_one(&settings, "places", 9, 0).await.is_err());
}
