//! What stands on the bus: programs of two versions understand each other, a stranger reads it, and what is sent again is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;
use traveladvisor_domain::bus::Version;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::RELAY;
use traveladvisor_infra::kafka::KafkaSettings;

use super::Cluster;
use super::cluster::PARTITIONS;
use crate::support::AT_LAST;

const ASKED: &str = "booking_request_flow.booking.hotel.request_booking";
const ANSWERED: &str = "booking_request_flow.hotel.booking.notify_booking_completed";

/// A record as anybody's library reads it.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    key: String,
    headers: BTreeMap<String, String>,
    value: Value,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Reads a topic from its beginning to its present end, with nothing of ours.
fn stranger_reads(kafka: &KafkaSettings, topic: &str) -> Vec<Seen> {
    let stranger: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("group.id", "a-stranger")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let name = kafka.on_broker(topic);
    let (mut places, mut left) = (TopicPartitionList::new(), 0);
    for partition in 0..i32::try_from(PARTITIONS).expect("few") {
        let (low, high) = stranger.fetch_watermarks(&name, partition, AT_LAST).expect("the broker answers");
        left += high - low;
        places.add_partition_offset(&name, partition, Offset::Beginning).expect("a place");
    }
    stranger.assign(&places).expect("assigned");
    let mut seen = Vec::new();
    while i64::try_from(seen.len()).expect("few") < left {
        let record = stranger.poll(AT_LAST).expect("a record").expect("it is read");
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("text");
        let headers = record.headers().expect("headers").iter();
        seen.push(Seen {
            key: text(record.key()),
            headers: headers.map(|header| (header.key.to_owned(), text(header.value))).collect(),
            value: serde_json::from_slice(record.payload().expect("a value")).expect("JSON"),
        });
    }
    seen
}

/// Every process of a context is replaced by one that writes this version.
async fn replace(cluster: &mut Cluster, context: Context, writes: Version) {
    cluster.writes = writes;
    let old = cluster.engines.remove(&context).unwrap_or_default();
    // Both are at work for a moment, as in any upgrade.
    cluster.start(context).await;
    for (_, running) in old {
        running.stop().await;
    }
}

async fn book(cluster: &Cluster, key: &str) {
    let trip = cluster.book(key, PaymentPlan::None).await.expect("it is taken");
    cluster.until(trip, &["SagaSucceeded", "SagaCompensated"]).await;
}

fn versions(seen: &[Seen]) -> BTreeSet<u64> {
    seen.iter().filter_map(|record| record.value["version"].as_u64()).collect()
}

/// `CloudEvents` 1.0, binary mode: the attributes that must be there, and what this bus promises beside them.
fn assert_is_a_cloud_event(record: &Seen, kind: &str, source: &str, key_of: &str) {
    assert_eq!(record.header("ce_specversion"), "1.0");
    assert_eq!((record.header("ce_type"), record.header("ce_source")), (kind, source));
    assert_eq!(record.header("content-type"), "application/json");
    let id = record.header("ce_id");
    assert!(id.len() == 36 && record.header("id") == id && record.value["message_id"] == id, "{record:?}");
    let trace: Vec<usize> = record.header("traceparent").split('-').map(str::len).collect();
    assert_eq!(trace, [2, 32, 16, 2], "{record:?}");
    assert!(record.key.starts_with(key_of), "{record:?}");
    let version = record.value["version"].as_u64();
    let payload = &record.value["payload"];
    let is_flat = payload["order"].is_string() || (payload["outcome"] == "done" && payload["step"].is_string());
    assert_eq!(is_flat, version == Some(2), "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_write_two_versions_work_together_and_a_stranger_reads_both() {
    let mut cluster = Cluster::begin().await;
    book(&cluster, "both new").await;
    // Back to the version before, first who asks, then who answers: each time the other one writes the new version.
    replace(&mut cluster, Context::Booking, Version::One).await;
    cluster.know_supply().await;
    book(&cluster, "asked in the version before").await;
    replace(&mut cluster, Context::Hotel, Version::One).await;
    replace(&mut cluster, Context::Booking, Version::Two).await;
    cluster.know_supply().await;
    book(&cluster, "answered in the version before").await;
    cluster.stop().await;
    let kafka = cluster.kafka.clone();
    let (asked, answered) =
        tokio::task::spawn_blocking(move || (stranger_reads(&kafka, ASKED), stranger_reads(&kafka, ANSWERED)))
            .await
            .expect("read");
    assert_eq!((versions(&asked), versions(&answered)), (BTreeSet::from([1, 2]), BTreeSet::from([1, 2])));
    for record in &asked {
        assert_is_a_cloud_event(record, "booking.hotel.request_booking", "/traveladvisor/booking", "hotel_");
    }
    for record in &answered {
        assert_is_a_cloud_event(record, "hotel.booking.notify_booking_completed", "/traveladvisor/hotel", "booking_");
    }
    for (context, log) in &cluster.logs {
        let letters = log.streams_of(traveladvisor_domain::id::StreamKind::DeadLetter, None, 1).await.expect("read");
        assert!(letters.is_empty(), "{context} could read all of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_relay_sends_once_more_is_the_same_record_under_the_same_id_and_changes_nothing() {
    let mut cluster = Cluster::begin().await;
    let trip = cluster.book("once", PaymentPlan::None).await.expect("it is taken");
    cluster.until(trip, &["SagaSucceeded"]).await;
    let old = cluster.engines.remove(&Context::Booking).unwrap_or_default();
    for (_, running) in old {
        running.stop().await;
    }
    // As after a crash before the checkpoint was written.
    sqlx::query("UPDATE consumed_offsets SET \"offset\" = 0 WHERE source = $1")
        .bind(RELAY)
        .execute(cluster.logs[&Context::Booking].pool())
        .await
        .expect("moved back");
    cluster.start(Context::Booking).await;
    let twice = async {
        loop {
            let kafka = cluster.kafka.clone();
            let seen = tokio::task::spawn_blocking(move || stranger_reads(&kafka, ASKED)).await.expect("read");
            if seen.len() == 2 {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let seen = tokio::time::timeout(AT_LAST, twice).await.expect("it is sent once more");
    assert_eq!(seen[0], seen[1]);
    // Whoever asks the hotel once more after that finds the offset behind both.
    cluster.know_supply().await;
    let next = cluster.book("next", PaymentPlan::None).await.expect("it is taken");
    cluster.until(next, &["SagaSucceeded", "SagaCompensated"]).await;
    assert_eq!(cluster.story(Context::Hotel, trip).await, ["RoomsReserved"]);
    cluster.stop().await;
}
