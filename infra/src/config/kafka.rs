//! The broker between contexts with logs of their own.

use serde::{Deserialize, Serialize};
use traveladvisor_domain::bus::Version;

use super::{filled, or_default};

/// Longest prefix of topics and groups, in bytes: names of topics are bounded.
const PREFIX_BYTES_MAX: usize = 64;

/// Longest prefix of replication slots, in bytes: a server takes 63, and the longest name of a log follows.
const SLOT_PREFIX_BYTES_MAX: usize = 56;
/// What replication slots begin with unless it is said otherwise.
const SLOT_PREFIX: &str = "traveladvisor_outbox_";

/// The table `[kafka]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// Where brokers are, `host:port` with commas between them. Needed where a context has a log of its own.
    #[serde(deserialize_with = "filled")]
    pub brokers: Option<String>,
    /// How messages get there.
    #[serde(deserialize_with = "or_default")]
    pub outbox: Outbox,
    /// The version in which messages are written; all are read. The one before while processes of an earlier program still run.
    #[serde(deserialize_with = "or_default")]
    pub message_version: Version,
    /// What every topic and group begins with, so that installations can share a broker.
    pub topic_prefix: String,
    /// What the replication slot of every log begins with, where Debezium reads them; the log's name follows.
    #[serde(deserialize_with = "filled")]
    pub slot_prefix: Option<String>,
}

/// How messages get from a log to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outbox {
    /// The program's own relay reads the log and sends them.
    #[default]
    Relay,
    /// An append writes them into the table `outbox`, which Debezium reads.
    Debezium,
}

/// Why the table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KafkaError {
    /// Contexts with logs of their own would never hear of each other.
    #[error(
        "logs.{0} is a log of its own, and messages cross between logs over Kafka: set kafka.brokers, for example to \"127.0.0.1:9092\""
    )]
    NoBrokers(&'static str),
    /// No list of addresses.
    #[error("kafka.brokers is no list of brokers: write host:port, several with commas between them")]
    Brokers,
    /// No topic can begin so.
    #[error("kafka.topic_prefix may have letters, digits, `.`, `-` and `_`, and {PREFIX_BYTES_MAX} of them at most")]
    Prefix,
    /// No replication slot can begin so.
    #[error("kafka.slot_prefix may have small letters, digits and `_`, and {SLOT_PREFIX_BYTES_MAX} of them at most")]
    SlotPrefix,
}

impl Kafka {
    /// The replication slot in which Debezium reads a log.
    pub fn slot(&self, log: &str) -> String {
        format!("{}{log}", self.slot_prefix.as_deref().unwrap_or(SLOT_PREFIX))
    }

    /// Checks what can be told without a broker.
    ///
    /// # Errors
    ///
    /// See [`KafkaError`].
    pub(super) fn check(&self, own: Option<&'static str>) -> Result<(), KafkaError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if self.topic_prefix.len() > PREFIX_BYTES_MAX || !self.topic_prefix.bytes().all(is_plain) {
            return Err(KafkaError::Prefix);
        }
        let is_of_slots = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if let Some(prefix) = &self.slot_prefix
            && (prefix.len() > SLOT_PREFIX_BYTES_MAX || !prefix.bytes().all(is_of_slots))
        {
            return Err(KafkaError::SlotPrefix);
        }
        match (&self.brokers, own) {
            (Some(brokers), _) if !brokers.split(',').all(is_broker) => Err(KafkaError::Brokers),
            (None, Some(own)) => Err(KafkaError::NoBrokers(own)),
            _ => Ok(()),
        }
    }
}

fn is_broker(address: &str) -> bool {
    let host_and_port = address.trim().rsplit_once(':');
    host_and_port.is_some_and(|(host, port)| !host.is_empty() && !host.contains(' ') && port.parse::<u16>().is_ok())
}
