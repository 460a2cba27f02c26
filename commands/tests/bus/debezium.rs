//! Debezium in place of the relay: the same records, made of the same trips.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::bus::{Consumes, Outbox};
use traveladvisor_domain::bus::TOPICS;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::{Carried, RELAY};
use traveladvisor_infra::kafka::admin::topics_apply;
use traveladvisor_infra::kafka::{Incoming, KafkaSettings, Read, TopicReader};
use traveladvisor_infra::postgres::{SCHEMA, pool};
use traveladvisor_infra::testing::broker;
use traveladvisor_infra::testing::debezium::{Debezium, LogicalServer};

use super::Cluster;
use super::cluster::{slot_of, topics};
use crate::support::{AT_LAST, card};

/// Topics that are read at the same time.
const READ_AT_ONCE: usize = 8;

/// Records that the trips of this test make at least.
const RECORDS_MIN: usize = 30;
/// How often all topics are read until the relay has sent everything.
const LOOKS_MAX: usize = 10;

/// A record but for its place: partition, headers by name, value.
type Said = (i32, BTreeMap<String, Vec<u8>>, Option<Vec<u8>>);

#[tokio::test(flavor = "multi_thread")]
async fn debezium_and_the_relay_say_the_same_of_the_same_trips() {
    let by_debezium = broker::settings().await;
    let mut cluster = Cluster::without_engines(by_debezium.clone()).await;
    let server = LogicalServer::start().await;
    for context in Context::ALL {
        let options = log_in(&server, context.as_str()).await;
        cluster.put_log(context, options.clone(), pool(options));
    }
    let names: Vec<(&str, &str)> = Context::ALL.iter().map(|context| (context.as_str(), context.as_str())).collect();
    let debezium = Debezium::start(&by_debezium.brokers, &server, &names).await;

    // Trips go their way over it, with nothing from the relay.
    cluster.outbox = Outbox::Table;
    for context in Context::ALL {
        cluster.start(context).await;
    }
    cluster.list_supply((2, 3, 1)).await;
    cluster.know_supply().await;
    let stands = cluster.book("stands", PaymentPlan::None).await.expect("it is taken");
    cluster.until(stands, &["SagaSucceeded"]).await;
    let fails = cluster.book("fails", PaymentPlan::None).await.expect("it is taken");
    cluster.until(fails, &["SagaCompensated"]).await;
    let cancel = CallerCommand::CancelBooking { booking: stands, reason: None };
    cluster.submit(Context::Booking, cancel).await.expect("it can be cancelled");
    cluster.until(stands, &["SagaCompensated"]).await;
    let paid = cluster.book("paid", card("approves")).await.expect("it is taken");
    cluster.until(paid, &["SagaSucceeded"]).await;
    cluster.stop().await;
    // Heartbeats tell that it has the last ones as well: deadlines, and whoever changes back to the relay, go by that.
    let confirmed = async {
        for (context, log) in &cluster.logs {
            while !matches!(log.carried(&slot_of(*context)).await.expect("read"), Carried::Known { written, confirmed } if written <= confirmed)
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    };
    tokio::time::timeout(AT_LAST, confirmed).await.expect("the slots come to the last rows");
    for log in cluster.logs.values() {
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(log.pool()).await.expect("read");
        assert_eq!(left, 0, "{}: the outbox stays empty", log.name());
    }

    // The relay, from the beginning of the same logs.
    let by_relay = broker::shared().await.settings();
    topics_apply(&by_relay, &topics()).await.expect("the topics are made");
    cluster.kafka = by_relay.clone();
    (cluster.outbox, cluster.consumes) = (Outbox::Relay, Consumes::Elsewhere);
    for context in Context::ALL {
        let back = sqlx::query("UPDATE consumed_offsets SET \"offset\" = 0 WHERE source = $1").bind(RELAY);
        back.execute(cluster.logs[&context].pool()).await.expect("set back");
        cluster.start(context).await;
    }
    let found = all_of(&by_debezium).await;
    let count = |all: &BTreeMap<_, Vec<Said>>| all.values().map(Vec::len).sum::<usize>();
    assert!(count(&found) >= RECORDS_MIN, "{} records are few", count(&found));
    let mut expected = all_of(&by_relay).await;
    let mut looks = 1;
    while count(&expected) < count(&found) && looks < LOOKS_MAX {
        expected = all_of(&by_relay).await;
        looks += 1;
    }
    cluster.stop().await;
    for ((topic, key), records) in &expected {
        assert_eq!(found.get(&(topic.clone(), key.clone())), Some(records), "{topic}, {key}: {}", debezium.said());
    }
    assert_eq!(found.len(), expected.len(), "and nothing else");
}

/// A log has a schema of the one database, ready for its connector.
pub(super) async fn log_in(server: &LogicalServer, name: &str) -> PgConnectOptions {
    let mut connection = PgConnection::connect_with(&server.connect_options()).await.expect("the server answers");
    let sql = format!("CREATE SCHEMA {name}; SET search_path = {name}; {SCHEMA}");
    connection.execute(sql.as_str()).await.expect("the schema is made");
    connection.close().await.ok();
    server.prepare(name, name).await;
    server.connect_options().options([("search_path", name)])
}

/// All records of an installation, by topic and key, each key's in their order.
async fn all_of(settings: &KafkaSettings) -> BTreeMap<(String, String), Vec<Said>> {
    let reads = TOPICS.iter().map(|topic| read_all(settings, topic.name));
    let all: Vec<Vec<Incoming>> = futures::stream::iter(reads).buffer_unordered(READ_AT_ONCE).collect().await;
    let mut found: BTreeMap<_, Vec<Said>> = BTreeMap::new();
    for record in all.into_iter().flatten() {
        let key = String::from_utf8(record.key.expect("a key")).expect("text");
        let headers = record.headers.into_iter().collect();
        found.entry((record.topic, key)).or_default().push((record.partition, headers, record.payload));
    }
    found
}

async fn read_all(settings: &KafkaSettings, topic: &str) -> Vec<Incoming> {
    let (reader, mut reads) = TopicReader::open(settings, "all", topic).expect("a reader");
    let mut records = Vec::new();
    let all = async {
        while let Some(Read::Record(record)) = reads.recv().await {
            records.push(record);
        }
    };
    tokio::time::timeout(AT_LAST, all).await.expect("the end is reached");
    reader.close().await;
    records
}
