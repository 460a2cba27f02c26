//! What becomes of topics beside the program: deleted, made anew, told to take smaller records.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use traveladvisor_infra::kafka::KafkaSettings;
use traveladvisor_infra::kafka::admin::{self, topics_apply};

use super::ALL_END;
use super::cluster::topics;

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

/// From now on a topic, which is not compacted, takes no larger records.
pub(crate) async fn take_at_most(kafka: &KafkaSettings, topic: &str, bytes: usize) {
    let (name, bytes) = (kafka.on_broker(topic), bytes.to_string());
    let change = AlterConfig::new(ResourceSpecifier::Topic(&name)).set("max.message.bytes", &bytes);
    let changed = client(kafka).alter_configs([&change], &AdminOptions::new()).await.expect("the broker answers");
    assert!(changed.iter().all(Result::is_ok), "{changed:?}");
}
