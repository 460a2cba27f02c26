//! Topics: what there is, what there should be, and single records.

mod apply;
mod look;
mod table;

pub use self::apply::{Applied, Report, topics_apply};
pub use self::look::{fetch_one, health, topics};
pub use self::table::{Size, partitions_now, specs};

use super::{KafkaError, KafkaSettings};

/// What a topic should be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Without prefix.
    pub name: String,
    /// How many; a topic that has more keeps them.
    pub partitions: u32,
    /// Copies of each record.
    pub replication: u32,
    /// How long a record is kept; `None` for ever.
    pub retention_ms: Option<u64>,
    /// Only the last record of each key is kept.
    pub compacted: bool,
}

/// What a topic is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Without prefix.
    pub name: String,
    /// How many.
    pub partitions: u32,
    /// Copies of each record.
    pub replication: u32,
    /// How long a record is kept; `None` for ever.
    pub retention_ms: Option<u64>,
    /// Only the last record of each key is kept.
    pub compacted: bool,
}

fn failed(error: &rdkafka::error::KafkaError, settings: &KafkaSettings, topic: &str) -> KafkaError {
    KafkaError::of(error, &settings.brokers, topic)
}
