//! Records as they stand in topics: read by a stranger, produced by a stranger.

use traveladvisor_infra::kafka::{Incoming, KafkaSettings, Outgoing, Producer, Read, TopicReader};

use super::ALL_END;

/// What stands in a topic, in the order of each partition.
pub(crate) async fn read_all(kafka: &KafkaSettings, topic: &str) -> Vec<Incoming> {
    let (_reader, mut reads) = TopicReader::open(kafka, "stranger", topic).expect("a reader");
    let mut records = Vec::new();
    let all = async {
        while let Some(Read::Record(record)) = reads.recv().await {
            records.push(record);
        }
    };
    tokio::time::timeout(ALL_END, all).await.expect("a topic has an end");
    records
}

/// Produces the same bytes under the same key.
pub(crate) async fn produce(producer: &Producer, record: &Incoming) {
    let headers: Vec<(&str, String)> = record.headers.iter().map(|(name, value)| (&**name, text(value))).collect();
    let key = text(record.key.as_deref().expect("a key"));
    let payload = record.payload.as_deref().expect("a value");
    let sent = producer.send(&Outgoing { topic: &record.topic, key: &key, headers: &headers, payload });
    sent.expect("there is room").await.expect("it is acknowledged");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}
