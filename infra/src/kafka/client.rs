//! What all clients of a broker have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError as Native, RDKafkaErrorCode as Code};
use rdkafka::util::Timeout;

use super::KafkaSettings;
use super::bounds::{NEW_PARTITIONS_MS, POLL, RECONNECT_MS_MAX};

/// Settings of every client.
pub(super) fn config(settings: &KafkaSettings, client_id: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", client_id)
        .set("allow.auto.create.topics", "false")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", RECONNECT_MS_MAX.to_string())
        .set("topic.metadata.refresh.interval.ms", NEW_PARTITIONS_MS.to_string())
        .set("socket.keepalive.enable", "true")
        // Its own lines say what ours say, and more often.
        .set("log.connection.close", "false");
    config
}

/// Lets a client's lines go where ours go, and says once when the brokers are gone and when they are back.
#[derive(Debug, Clone, Default)]
pub(super) struct Voice {
    away: Arc<AtomicBool>,
}

impl Voice {
    /// Something came from a broker.
    pub(super) fn heard(&self) {
        if self.away.load(Ordering::Relaxed) && self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the Kafka brokers answer again");
        }
    }

    /// What a client says by itself, outside of any call.
    pub(super) fn note(&self, error: &Native, reason: &str) {
        if error.rdkafka_error_code() == Some(Code::AllBrokersDown) {
            if !self.away.swap(true, Ordering::Relaxed) {
                tracing::warn!(reason, "no Kafka broker answers; they are tried again until one does");
            }
            return;
        }
        tracing::debug!(%error, reason, "a Kafka client");
    }
}

impl ClientContext for Voice {
    fn log(&self, level: RDKafkaLogLevel, area: &str, line: &str) {
        log(level, area, line);
    }

    fn error(&self, error: Native, reason: &str) {
        self.note(&error, reason);
    }
}

impl ConsumerContext for Voice {
    fn main_queue_min_poll_interval(&self) -> Timeout {
        Timeout::After(POLL)
    }
}

/// A line of the client itself. What it calls an error often passes by itself, a lost connection above all; what does not is told by whoever
/// asked.
pub(super) fn log(level: RDKafkaLogLevel, area: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(area, "librdkafka: {line}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::debug!(area, "librdkafka: {line}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::trace!(area, "librdkafka: {line}");
        }
    }
}
