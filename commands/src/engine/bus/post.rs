//! What the relay sends to other logs.

use chrono::{DateTime, Utc};
use traveladvisor_domain::bus::{Content, Parcel, Sent, Version, parcel_in};
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_domain::dead_letter::{DeadLetterEvent, UnansweredInstruction};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::message::Message;
use traveladvisor_infra::event_log::Metadata;
use traveladvisor_infra::kafka::{KafkaError, KafkaSettings, NotSent, Outgoing, Producer, SendError};
use uuid::Uuid;

use super::super::limits::{POST_AGAIN, POST_FLUSH_PATIENCE};
use super::{Bus, Outbox, Record, is_for_others};

/// Sends what an event of this log has to say to other logs.
pub(crate) struct Post {
    contexts: Contexts,
    context: Context,
    log: String,
    writes: Version,
    /// Absent where a connector reads the outbox table.
    producer: Option<Producer>,
    pub(super) kafka: KafkaSettings,
}

impl Post {
    /// Errors: the settings cannot be used.
    pub(crate) fn open(bus: &Bus, log: &str) -> Result<Self, KafkaError> {
        let producer = match bus.outbox {
            Outbox::Relay => Some(open_producer(&bus.kafka, log)?),
            Outbox::Table => None,
        };
        Ok(Self {
            contexts: bus.contexts,
            context: bus.context(),
            log: log.to_owned(),
            writes: bus.writes,
            producer,
            kafka: bus.kafka.clone(),
        })
    }

    /// Whether somebody in another log decides on it.
    pub(crate) fn is_for_others(&self, message: &Message) -> bool {
        is_for_others(self.contexts, message)
    }

    /// Whether the relay has anything to do with what is for others.
    pub(crate) const fn sends(&self) -> bool {
        self.producer.is_some()
    }

    /// The context that announces what stands in this log.
    pub(crate) const fn context(&self, stream: StreamId) -> Context {
        match stream.kind.context() {
            Some(context) => context,
            None => self.context,
        }
    }

    /// Hands a record over, in order; waits while the producer's queue is full. Dropped while it waits, nothing was sent. What becomes of it is
    /// told by the client's own thread.
    ///
    /// Errors: this record can never be sent; nothing is told then.
    pub(crate) async fn send(
        &self,
        parcel: &Parcel,
        told: impl FnOnce(Result<(), NotSent>) + Clone + Send + Sync + 'static,
    ) -> Result<(), KafkaError> {
        let Some(producer) = &self.producer else {
            told(Ok(()));
            return Ok(());
        };
        let headers = parcel.headers();
        let (topic, key, payload) = (parcel.topic.name, parcel.key.as_str(), parcel.payload.as_bytes());
        let record = Outgoing { topic, key, headers: &headers, payload };
        loop {
            match producer.send_telling(&record, told.clone()) {
                Ok(()) => return Ok(()),
                Err(SendError::Refused(error)) => return Err(error),
                Err(SendError::Full) => tokio::time::sleep(POST_AGAIN).await,
            }
        }
    }

    /// Why a record of this topic is not with the broker.
    pub(crate) fn why(&self, not_sent: &NotSent, topic: &str) -> KafkaError {
        match &self.producer {
            Some(producer) => producer.why(not_sent, topic),
            None => KafkaError::Other("nothing is sent from here".to_owned()),
        }
    }

    /// What is packed of an event (its stream and sequence) at this place.
    pub(crate) fn pack(
        &self,
        (stream, sequence): (StreamId, u64),
        (metadata, occurred_at): (&Metadata, DateTime<Utc>),
        place: usize,
        content: Content<'_>,
    ) -> Option<Parcel> {
        let sent = Sent {
            log: &self.log,
            stream,
            sequence,
            place,
            correlation: &metadata.correlation,
            causation: metadata.causation.as_deref(),
            occurred_at,
            traceparent: metadata.traceparent.as_deref(),
        };
        parcel_in(self.writes, sent, content)
    }

    /// Waits a little for what is on its way, so that less of it is sent twice.
    pub(crate) async fn flush(&self) {
        if let Some(producer) = &self.producer {
            producer.flush(POST_FLUSH_PATIENCE).await;
        }
    }
}

fn open_producer(kafka: &KafkaSettings, log: &str) -> Result<Producer, KafkaError> {
    Producer::open(kafka, &format!("traveladvisor-{log}"))
}

/// The letter of a record that cannot be read or handled: its stream, and what it says.
pub(crate) fn letter_of(
    record: &Record,
    message_id: Option<Uuid>,
    booking: Option<BookingId>,
    instruction: Option<UnansweredInstruction>,
    reason: &str,
) -> (StreamId, DeadLetterEvent) {
    let place = format!("{}\0{}\0{}", record.partition.topic, record.partition.number, record.offset);
    let id = message_id.unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, place.as_bytes()));
    let event = DeadLetterEvent::RecordDeadLettered {
        topic: record.partition.topic.clone(),
        partition: record.partition.number,
        offset: record.offset,
        booking,
        instruction,
        failure: Failure::new(Code::Internal, format!("The message could not be handled: {reason}.")),
    };
    (StreamId::new(StreamKind::DeadLetter, id), event)
}
