//! A real broker: what is produced, what is read, and what happens when it is away.

mod consumer;
mod outage;
mod producer;
mod reader;
mod topics;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use traveladvisor_infra::kafka::admin::{TopicSpec, topics_apply};
use traveladvisor_infra::kafka::{Event, Incoming, KafkaSettings, Offsets, Outgoing, Producer};

/// Longest wait for anything that should come.
const PATIENCE: Duration = Duration::from_mins(2);

fn spec(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec { name: name.to_owned(), partitions, replication: 1, retention_ms: Some(3_600_000), compacted: false }
}

async fn make(settings: &KafkaSettings, name: &str, partitions: u32) {
    let report = topics_apply(settings, &[spec(name, partitions)]).await.expect("the broker answers");
    assert!(report.is_done(), "{report:?}");
}

fn open(settings: &KafkaSettings) -> Producer {
    Producer::open(settings, "test").expect("a producer")
}

/// Sends and waits for the acknowledgement of each.
async fn send(producer: &Producer, topic: &str, records: impl IntoIterator<Item = (String, String)>) {
    for (key, value) in records {
        let record = Outgoing { topic, key: &key, headers: &[], payload: value.as_bytes() };
        let sent = producer.send(&record).expect("it is taken");
        timeout(PATIENCE, sent).await.expect("in time").expect("it is acknowledged");
    }
}

fn numbered(key: &str, numbers: std::ops::Range<u32>) -> Vec<(String, String)> {
    numbers.map(|number| (key.to_owned(), number.to_string())).collect()
}

/// Offsets as a log would store them.
#[derive(Debug, Default)]
struct Stored(Mutex<HashMap<(String, i32), u64>>);

impl Stored {
    fn starting_at(topic: &str, partition: i32, offset: u64) -> Arc<Self> {
        let stored = Self::default();
        stored.set(topic, partition, offset);
        Arc::new(stored)
    }

    fn set(&self, topic: &str, partition: i32, offset: u64) {
        self.0.lock().expect("not poisoned").insert((topic.to_owned(), partition), offset);
    }
}

impl Offsets for Stored {
    fn next_of<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<u64, String>> {
        let found = self.0.lock().expect("not poisoned").get(&(topic.to_owned(), partition)).copied();
        async move { Ok(found.unwrap_or(0)) }.boxed()
    }
}

async fn next(events: &mut Receiver<Event>) -> Event {
    timeout(PATIENCE, events.recv()).await.expect("in time").expect("the client lives")
}

/// The next record, whatever else is told before it.
async fn next_message(events: &mut Receiver<Event>) -> Incoming {
    loop {
        if let Event::Message(message) = next(events).await {
            return message;
        }
    }
}

fn text(message: &Incoming) -> String {
    String::from_utf8(message.payload.clone().expect("a value")).expect("text")
}
