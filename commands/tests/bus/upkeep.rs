//! What becomes of topics beside the program: deleted, made anew, told to take smaller records.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use traveladvisor_infra::kafka::admin::{self, topics_apply};
use traveladvisor_infra::kafka::{KafkaError, KafkaSettings, Outgoing, Producer, RECORD_BYTES_MAX};

use super::ALL_END;
use super::cluster::topics;

/// Fewer than any record has.
const TOO_FEW_BYTES: usize = 64;
/// Pause before a broker is asked again.
const AGAIN: Duration = Duration::from_millis(100);

fn client(kafka: &KafkaSettings) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", &kafka.brokers).create().expect("a client")
}

/// Deletes a topic, as it goes with a broker's disk.
pub(crate) async fn delete(kafka: &KafkaSettings, topic: &str) {
    let name = kafka.on_broker(topic);
    let deleted = client(kafka).delete_topics(&[&name], &AdminOptions::new()).await.expect("the broker answers");
    assert_eq!(deleted, [Ok(name)]);
    let gone = async {
        while admin::topics(kafka).await.expect("the broker answers").iter().any(|there| there.name == topic) {
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::time::timeout(ALL_END, gone).await.expect("it is deleted");
}

/// Makes what is missing, as `kafka topics apply` does. A broker may refuse a name for as long as its former topic is being deleted.
pub(crate) async fn make_missing(kafka: &KafkaSettings) {
    let made = async {
        while !topics_apply(kafka, &topics()).await.expect("the broker answers").is_done() {
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::time::timeout(ALL_END, made).await.expect("it is made anew");
}

/// From now on a topic, which is not compacted, takes no record.
pub(crate) async fn refuse_records(kafka: &KafkaSettings, topic: &str) {
    take_at_most(kafka, topic, TOO_FEW_BYTES).await;
    until_probed(kafka, topic, |outcome| outcome.is_err_and(|error| error.is_refusal())).await;
}

/// From now on it takes them again, and has a record that is none of ours.
pub(crate) async fn take_records(kafka: &KafkaSettings, topic: &str) {
    take_at_most(kafka, topic, RECORD_BYTES_MAX).await;
    until_probed(kafka, topic, |outcome| outcome.is_ok()).await;
}

async fn take_at_most(kafka: &KafkaSettings, topic: &str, bytes: usize) {
    let (name, bytes) = (kafka.on_broker(topic), bytes.to_string());
    let change = AlterConfig::new(ResourceSpecifier::Topic(&name)).set("max.message.bytes", &bytes);
    let changed = client(kafka).alter_configs([&change], &AdminOptions::new()).await.expect("the broker answers");
    assert!(changed.iter().all(Result::is_ok), "{changed:?}");
}

/// A broker that is busy may take a while until its partitions go by a change.
async fn until_probed(kafka: &KafkaSettings, topic: &str, is_so: fn(Result<(), KafkaError>) -> bool) {
    let producer = Producer::open(kafka, "probe").expect("a producer");
    let probed = async {
        for key in 0_usize.. {
            let key = key.to_string();
            let probe = Outgoing { topic, key: &key, headers: &[], payload: &[b'x'; TOO_FEW_BYTES] };
            if is_so(producer.send(&probe).expect("there is room").await) {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::time::timeout(ALL_END, probed).await.expect("the change takes effect");
}
