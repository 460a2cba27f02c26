//! Sends records so that none is lost, none is doubled by a retry, and those of one key keep their order.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError as Native, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::oneshot;

use super::bounds::{LINGER_MS, RECORD_BYTES_MAX, TOPIC_KNOWN_MS, UNSENT_KIB_MAX, UNSENT_RECORDS_MAX};
use super::client::{self, Voice};
use super::{KafkaError, KafkaSettings, Outgoing};
use crate::fail_points::{self, Point};

/// An idempotent producer that waits for all replicas and never gives a record up. Clones share one queue; it ends with the last of them, and
/// what is not acknowledged by then is lost: [`Producer::flush`] first.
#[derive(Clone)]
pub struct Producer {
    native: Arc<ThreadedProducer<Reports>>,
    settings: KafkaSettings,
}

/// Whom to tell of one record. It is told by the client's own thread, and so must only pass the word on.
type Told = Box<dyn FnOnce(Result<(), NotSent>) + Send + Sync>;

/// Why a record that was taken is not with the broker: see [`Producer::why`].
#[derive(Debug, Clone)]
pub struct NotSent(Native);

/// Passes on what the client reports.
struct Reports(Voice);

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// As many records as are allowed wait for the broker: wait for one of them.
    #[error("the producer's queue is full")]
    Full,
    /// This record can never be sent.
    #[error(transparent)]
    Refused(KafkaError),
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Producer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Producer {
    /// Opens a producer. It connects by itself, now or when a broker is there.
    ///
    /// # Errors
    ///
    /// When the settings cannot be used.
    pub fn open(settings: &KafkaSettings, client_id: &str) -> Result<Self, KafkaError> {
        let native = client::config(settings, client_id)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // A record is sent until it is acknowledged: a broker may be away for as long as it likes.
            .set("message.timeout.ms", "0")
            .set("message.max.bytes", RECORD_BYTES_MAX.to_string())
            .set("queue.buffering.max.messages", UNSENT_RECORDS_MAX.to_string())
            .set("queue.buffering.max.kbytes", UNSENT_KIB_MAX.to_string())
            .set("linger.ms", LINGER_MS.to_string())
            .set("topic.metadata.propagation.max.ms", TOPIC_KNOWN_MS.to_string())
            // As Java's clients do: whoever sends, the same key is in the same partition.
            .set("partitioner", "murmur2_random")
            .create_with_context(Reports(Voice::default()))
            .map_err(|error| KafkaError::of(&error, &settings.brokers, ""))?;
        Ok(Self { native: Arc::new(native), settings: settings.clone() })
    }

    /// Hands a record over. What is returned ends with the broker's acknowledgement; dropping it takes nothing back. Records of one key are
    /// stored in the order of these calls.
    ///
    /// # Errors
    ///
    /// At once, see [`SendError`]; later, when the client is lost, the topic is not there, or the broker refuses this record.
    pub fn send(
        &self,
        record: &Outgoing<'_>,
    ) -> Result<impl Future<Output = Result<(), KafkaError>> + Send + 'static, SendError> {
        let (told, answer) = oneshot::channel();
        self.send_telling(record, |outcome| drop(told.send(outcome)))?;
        let (this, topic) = (self.clone(), record.topic.to_owned());
        Ok(async move {
            match answer.await {
                Ok(outcome) => outcome.map_err(|not_sent| this.why(&not_sent, &topic)),
                Err(_) => Err(KafkaError::Fatal("the producer was closed".to_owned())),
            }
        })
    }

    /// The same for who sends many: `told` is called with the outcome, once, by the client's own thread (or here, where it is known at once), and
    /// must only pass it on. It is also called when the last clone goes.
    ///
    /// # Errors
    ///
    /// See [`SendError`]; then nobody is told.
    pub fn send_telling(
        &self,
        record: &Outgoing<'_>,
        told: impl FnOnce(Result<(), NotSent>) + Send + Sync + 'static,
    ) -> Result<(), SendError> {
        let topic = self.settings.on_broker(record.topic);
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in record.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let told: Box<Told> = Box::new(Box::new(told));
        let native = BaseRecord::with_opaque_to(&topic, told).key(record.key).payload(record.payload).headers(headers);
        fail_points::before(Point::RecordSent);
        let Err((error, native)) = self.native.send(native) else { return Ok(()) };
        if matches!(error, Native::MessageProduction(Code::QueueFull)) {
            return Err(SendError::Full);
        }
        let not_sent = NotSent(error);
        let why = self.why(&not_sent, record.topic);
        if why.is_refusal() {
            return Err(SendError::Refused(why));
        }
        (native.delivery_opaque)(Err(not_sent));
        Ok(())
    }

    /// Waits until everything is acknowledged, at most this long. Returns whether it is.
    pub async fn flush(&self, patience: Duration) -> bool {
        let native = self.native.clone();
        tokio::task::spawn_blocking(move || native.flush(patience).is_ok()).await.unwrap_or(false)
    }

    /// How many records wait for their acknowledgement.
    pub fn unsent(&self) -> usize {
        usize::try_from(self.native.in_flight_count()).unwrap_or(0)
    }

    /// Why a record of this topic was not sent. After a fatal error everything fails, whatever the single call says.
    pub fn why(&self, not_sent: &NotSent, topic: &str) -> KafkaError {
        match self.native.client().fatal_error() {
            Some((code, reason)) => KafkaError::Fatal(format!("{code}: {reason}")),
            None => KafkaError::of(&not_sent.0, &self.settings.brokers, topic),
        }
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, area: &str, line: &str) {
        self.0.log(level, area, line);
    }

    fn error(&self, error: Native, reason: &str) {
        self.0.note(&error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Told>;

    fn delivery(&self, outcome: &DeliveryResult<'_>, told: Self::DeliveryOpaque) {
        match outcome {
            Ok(_) => {
                self.0.heard();
                fail_points::after(Point::RecordSent);
                told(Ok(()));
            }
            Err((error, _)) => told(Err(NotSent(error.clone()))),
        }
    }
}
