//! Kafka: what the relay produces to and what participants consume from.
//!
//! The broker keeps no positions for us: the stored offset stands in the consumer's own event log, so a consumer asks for it whenever it is
//! given a partition (`consumer`). Topics are named without the installation's prefix everywhere but on the broker itself.

pub mod admin;
mod bounds;
mod client;
mod consumer;
mod error;
mod producer;
mod reader;

use rdkafka::message::{BorrowedMessage, Headers, Message};

use crate::config;

pub use self::bounds::{EVENTS_MAX, PARTITIONS_DEFAULT, PARTITIONS_MAX, RECORD_BYTES_MAX, UNSENT_RECORDS_MAX};
pub use self::consumer::{Consumer, Event, Offsets, PartitionLag};
pub use self::error::KafkaError;
pub use self::producer::{NotSent, Producer, SendError};
pub use self::reader::{Read, TopicReader};

/// Where the brokers are, and what stands before every name there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port`, several with commas.
    pub brokers: String,
    /// Before every topic's and group's name, so that installations and tests can share a broker. May be empty.
    pub topic_prefix: String,
}

impl KafkaSettings {
    /// As the program's settings say; none where they name no broker.
    pub fn of(table: &config::Kafka) -> Option<Self> {
        Some(Self { brokers: table.brokers.clone()?, topic_prefix: table.topic_prefix.clone() })
    }

    /// The name on the broker.
    pub fn on_broker(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }

    /// The name without the prefix; `None` when the broker's name is none of ours.
    pub fn ours<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&self.topic_prefix)
    }
}

/// A record to be produced.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The topic, without prefix.
    pub topic: &'a str,
    /// What keeps its order: records of one key are read in the order in which they were sent.
    pub key: &'a str,
    /// Names and values; a name may stand more than once.
    pub headers: &'a [(&'a str, String)],
    /// The value.
    pub payload: &'a [u8],
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The topic, without prefix.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: u64,
    /// What keeps its order.
    pub key: Option<Vec<u8>>,
    /// Names and values, in their order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The value; `None` is a tombstone of a compacted topic.
    pub payload: Option<Vec<u8>>,
    /// When it was produced, in milliseconds since 1970; `None` when nobody said so.
    pub timestamp_ms: Option<i64>,
}

impl Incoming {
    fn of(message: &BorrowedMessage<'_>, settings: &KafkaSettings) -> Self {
        let headers = message.headers().map_or_else(Vec::new, |headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
        });
        Self {
            topic: settings.ours(message.topic()).unwrap_or_else(|| message.topic()).to_owned(),
            partition: message.partition(),
            offset: message.offset().cast_unsigned(),
            key: message.key().map(<[u8]>::to_vec),
            headers,
            payload: message.payload().map(<[u8]>::to_vec),
            timestamp_ms: message.timestamp().to_millis(),
        }
    }

    /// The header of this name as text; the last one counts.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(key, _)| key == name);
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}
