//! Everything is delivered once more: produced again by a stranger, read again because stored offsets were set back.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use traveladvisor_commands::CallerCommand;
use traveladvisor_domain::bus::{TOPICS, Topic};
use traveladvisor_domain::context::Context;
use traveladvisor_infra::kafka::{Incoming, KafkaSettings, Producer};
use traveladvisor_infra::testing::broker;

use crate::bus::records::{produce, read_all};
use crate::bus::{ALL_END, Cluster};

/// Trips whose messages are delivered again.
const TRIPS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_produced_again_and_offsets_that_are_set_back_change_nothing() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    let mut bookings = Vec::new();
    for number in 0..TRIPS {
        let payment = crate::support::card(if number % 4 == 0 { "declines" } else { "approves" });
        bookings.push(cluster.book(&number.to_string(), payment).await.expect("accepted"));
    }
    cluster.until_ended(TRIPS).await;
    for booking in bookings.iter().skip(1).step_by(4) {
        let cancel = CallerCommand::CancelBooking { booking: *booking, reason: None };
        cluster.submit(Context::Booking, cancel).await.expect("it can be cancelled");
        cluster.until(*booking, &["SagaCompensated"]).await;
    }
    cluster.judged(TRIPS).await;
    let before = lengths(&cluster).await;

    let records = all_records(&cluster.kafka).await;
    assert!(records.len() > TRIPS * 8, "every arrow crosses the broker: {}", records.len());
    let producer = Producer::open(&cluster.kafka, "again").expect("a producer");
    for record in &records {
        produce(&producer, record).await;
    }
    until_consumed(&cluster).await;
    assert_eq!(lengths(&cluster).await, before, "the same message again writes nothing");

    for log in cluster.logs.values() {
        // Known to whoever watches that they do not go back by themselves.
        sqlx::raw_sql("UPDATE consumed_offsets SET \"offset\" = 0 WHERE source LIKE 'kafka:%'; DELETE FROM gone_back")
            .execute(log.pool())
            .await
            .expect("set back");
    }
    let refused = refused(&cluster);
    // Whoever has the partitions finds out with its next record.
    for number in 0..TRIPS {
        cluster.book(&format!("{number} more"), crate::support::card("declines")).await.expect("accepted");
    }
    cluster.until_ended(TRIPS + TRIPS + TRIPS / 4).await;
    cluster.judged(2 * TRIPS).await;
    let by_now = self::refused(&cluster);
    assert!(refused.iter().all(|(context, times)| by_now[context] > *times), "they found out: {refused:?}, {by_now:?}");
    cluster.no_letters().await;
    cluster.stop().await;
}

/// How many appends were refused in the logs that are only written for messages: that offsets are others' is the only reason there.
fn refused(cluster: &Cluster) -> BTreeMap<Context, u64> {
    let contexts = [Context::Hotel, Context::Flight, Context::Car, Context::Payment];
    contexts.into_iter().map(|context| (context, cluster.engine(context).gauges().conflicts())).collect()
}

async fn lengths(cluster: &Cluster) -> BTreeMap<Context, usize> {
    let mut lengths = BTreeMap::new();
    for context in Context::ALL {
        lengths.insert(context, cluster.events(context).await.len());
    }
    lengths
}

/// What stands in all topics that are decided on, in the order of each partition.
async fn all_records(kafka: &KafkaSettings) -> Vec<Incoming> {
    let topics = TOPICS.iter().filter(|topic| !topic.carries.is_compacted());
    join_all(topics.map(|topic| read_all(kafka, topic.name))).await.concat()
}

/// Waits until every stored offset is where its partition ends.
async fn until_consumed(cluster: &Cluster) {
    let ends = ends(&cluster.kafka).await;
    let consumed = async {
        for ((topic, partition), end) in &ends {
            let to = Topic::named(topic).and_then(|known| known.to);
            let Some(log) = to.map(|to| &cluster.logs[&to]) else { continue };
            while log.consumed_offset(&format!("kafka:{topic}:{partition}")).await.expect("read") < *end {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    tokio::time::timeout(ALL_END, consumed).await.expect("everything is consumed");
}

async fn ends(kafka: &KafkaSettings) -> BTreeMap<(String, i32), u64> {
    let mut ends = BTreeMap::new();
    for record in all_records(kafka).await {
        let end: &mut u64 = ends.entry((record.topic, record.partition)).or_default();
        *end = (*end).max(record.offset + 1);
    }
    ends
}
