//! One record on the bus: key, headers and value, and their way back into a message.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::origin;
use super::payload::{self, of};
use super::topic::{announcement_topic, topic_of};
use super::{Announcement, Carries, Topic, Version, traceparent};
use crate::context::Context;
use crate::dead_letter::UnansweredInstruction;
use crate::id::{BookingId, StreamId, StreamKind};
use crate::message::{Body, Destination, Message, message_id};
use crate::points::{Earning, PointsOrder};

/// The value of a record.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Envelope {
    /// The same at every delivery, another for every attempt.
    pub message_id: Uuid,
    /// The trip it is about; absent in what is about no trip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<BookingId>,
    /// What belongs together: the booking, for all messages of a trip.
    pub correlation_id: String,
    /// The message or request that led to the event that caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The program's time of the event that caused it.
    pub occurred_at: DateTime<Utc>,
    /// W3C trace context.
    pub traceparent: String,
    /// What it is: see [`Topic::message_type`].
    #[serde(rename = "type")]
    pub message_type: String,
    /// Of the payload's shape: see [`Version`].
    pub version: u32,
    /// What it says.
    #[schemars(with = "serde_json::Value")]
    pub payload: Box<RawValue>,
}

/// Where a message comes from, and what the event's metadata knows of it.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Name of the log.
    pub log: &'a str,
    /// Stream of the event.
    pub stream: StreamId,
    /// Its sequence there.
    pub sequence: u64,
    /// The message's place among those of the event.
    pub place: usize,
    /// As in the event's metadata.
    pub correlation: &'a str,
    /// As in the event's metadata.
    pub causation: Option<&'a str>,
    /// As in the event's metadata.
    pub occurred_at: DateTime<Utc>,
    /// As in the event's metadata.
    pub traceparent: Option<&'a str>,
}

/// A record, ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Where to.
    pub topic: &'static Topic,
    /// Whose order counts: the stream that decides, of a saga the booking.
    pub key: String,
    /// The message's id.
    pub message_id: Uuid,
    /// Kind of the stream whose event caused it.
    pub aggregate_type: &'static str,
    /// W3C trace context.
    pub traceparent: String,
    /// Name of the log that it comes from.
    pub log: String,
    /// JSON of an [`Envelope`].
    pub payload: String,
}

impl Parcel {
    /// `CloudEvents` 1.0 in binary mode, and those names that an outbox router gives.
    pub fn headers(&self) -> [(&'static str, String); 8] {
        [
            ("id", self.message_id.to_string()),
            ("aggregateType", self.aggregate_type.to_owned()),
            ("ce_id", self.message_id.to_string()),
            ("ce_type", self.topic.message_type().to_owned()),
            ("ce_source", format!("/traveladvisor/{}", self.log)),
            ("ce_specversion", "1.0".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("traceparent", self.traceparent.clone()),
        ]
    }
}

/// What goes over the bus.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A message that somebody decides on.
    Message(&'a Message),
    /// An announcement by a context.
    Announcement(Context, &'a Announcement),
}

/// Packs what an event causes, in today's version; none of what stays inside a context.
pub fn parcel(sent: Sent<'_>, content: Content<'_>) -> Option<Parcel> {
    parcel_in(Version::default(), sent, content)
}

/// The same in this version.
pub fn parcel_in(version: Version, sent: Sent<'_>, content: Content<'_>) -> Option<Parcel> {
    let (topic, booking, key, payload) = match content {
        Content::Message(message) => {
            let Destination::Stream(to) = message.to else { return None };
            (topic_of(message)?, Some(message.booking), key_of(to), payload::of_body(&message.body, version)?)
        }
        Content::Announcement(from, announcement) => {
            let topic = announcement_topic(from, announcement)?;
            (topic, announcement.booking(), sent.stream.to_string(), payload::of_announcement(announcement)?)
        }
    };
    let message_id = message_id(sent.log, sent.stream, sent.sequence, sent.place);
    let traceparent = traceparent(sent.traceparent, booking, message_id);
    let envelope = Envelope {
        message_id,
        booking_id: booking,
        correlation_id: sent.correlation.to_owned(),
        causation_id: sent.causation.map(str::to_owned),
        occurred_at: sent.occurred_at,
        traceparent: traceparent.clone(),
        message_type: topic.message_type().to_owned(),
        version: version.number(),
        payload,
    };
    let payload = serde_json::to_string(&envelope).ok()?;
    let (aggregate_type, log) = (sent.stream.kind.as_str(), sent.log.to_owned());
    Some(Parcel { topic, key, message_id, aggregate_type, traceparent, log, payload })
}

/// People and other programs know a saga by its booking.
fn key_of(to: StreamId) -> String {
    match to.kind {
        StreamKind::TripSaga => BookingId(to.uuid).to_string(),
        _ => to.to_string(),
    }
}

/// What came out of a record that somebody here decides on, or keeps a copy of.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A message.
    Message(Box<Message>),
    /// An announcement about a stream.
    Announcement(StreamId, Box<Announcement>),
}

/// A record that cannot be read, with what could be read of it all the same. Quotes nothing of it (L8).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct UnreadableMessage {
    /// What is wrong.
    pub reason: String,
    /// Its id, if it has one.
    pub message_id: Option<Uuid>,
    /// The trip it is about, if that can be read.
    pub booking: Option<BookingId>,
    /// The instruction that it was, if that much can be read: it is to be answered.
    pub instruction: Option<UnansweredInstruction>,
}

impl UnreadableMessage {
    fn new(reason: &str) -> Self {
        Self { reason: reason.to_owned(), message_id: None, booking: None, instruction: None }
    }
}

/// Reads a record of a topic.
///
/// # Errors
///
/// It is no envelope, what it says of where it belongs has no form of ours, it is of a version or type that this program does not know, or its key or payload do not fit its topic.
pub fn read(topic: &Topic, key: &str, value: &[u8]) -> Result<(Envelope, Received), UnreadableMessage> {
    let envelope: Envelope =
        serde_json::from_slice(value).map_err(|error| UnreadableMessage::new(&no_envelope(&error)))?;
    match origin::check(&envelope).and_then(|()| received(topic, key, &envelope)) {
        Ok(received) => Ok((origin::traced(envelope), received)),
        Err(reason) => Err(UnreadableMessage {
            reason,
            message_id: Some(envelope.message_id),
            booking: envelope.booking_id,
            instruction: instruction(topic, &envelope.payload),
        }),
    }
}

fn no_envelope(error: &serde_json::Error) -> String {
    format!("its value is no envelope (line {}, column {})", error.line(), error.column())
}

fn received(topic: &Topic, key: &str, envelope: &Envelope) -> Result<Received, String> {
    let version = Version::try_from(envelope.version).map_err(|error| error.to_string())?;
    if envelope.message_type != topic.message_type() {
        return Err("its type is not that of its topic".to_owned());
    }
    let payload = &envelope.payload;
    if let Some(announcement) = announcement(topic, payload) {
        let stream = key.parse().map_err(|_| "its key names no stream".to_owned())?;
        return Ok(Received::Announcement(stream, Box::new(announcement?)));
    }
    let booking = envelope.booking_id.ok_or("it names no booking")?;
    let (to, body) = addressed(topic, booking, payload, version)?;
    if key != key_of(to) {
        return Err("its key is not that of who decides".to_owned());
    }
    Ok(Received::Message(Box::new(Message { booking, to: Destination::Stream(to), body })))
}

fn announcement(topic: &Topic, payload: &RawValue) -> Option<Result<Announcement, String>> {
    Some(match (topic.carries, topic.from) {
        (Carries::Offer, Context::Hotel) => of(payload).map(Announcement::Hotel),
        (Carries::Offer, Context::Flight) => of(payload).map(Announcement::Flight),
        (Carries::Offer, _) => of(payload).map(Announcement::Car),
        (Carries::Standing, _) => of(payload).map(Announcement::Member),
        (Carries::Voucher, _) => of(payload).map(Announcement::Reward),
        (Carries::Letter, _) => of(payload).map(Announcement::Letter),
        _ => return None,
    })
}

fn addressed(
    topic: &Topic,
    booking: BookingId,
    payload: &RawValue,
    version: Version,
) -> Result<(StreamId, Body), String> {
    let fits = |is_so: bool| if is_so { Ok(()) } else { Err("its payload belongs to another topic".to_owned()) };
    Ok(match topic.carries {
        Carries::Instruction(step, direction) => {
            let asked = payload::instruction(payload, version)?;
            fits(asked.order.step() == step && asked.direction == direction)?;
            (asked.order.decided_by(booking), Body::Instruction(asked))
        }
        Carries::Answer(step, direction) => {
            let answer = payload::answer(payload, version)?;
            fits(answer.step == step && answer.direction == direction)?;
            (booking.saga(), Body::Answer(answer))
        }
        Carries::PointsAnswer(direction) => {
            let answer = payload::answer(payload, version)?;
            fits(answer.direction == direction)?;
            (booking.payment(), Body::Answer(answer))
        }
        Carries::Points(direction) => {
            let order: PointsOrder = of(payload)?;
            fits(order.direction == direction)?;
            (order.points.member.account(), Body::Points(order))
        }
        Carries::Earn => {
            let earning: Earning = of(payload)?;
            (earning.member.account(), Body::Earn(earning))
        }
        Carries::Reverse => {
            let earning: Earning = of(payload)?;
            (earning.member.account(), Body::Reverse(earning))
        }
        Carries::Offer | Carries::Standing | Carries::Voucher | Carries::Letter => {
            return Err("nobody decides on what its topic carries".to_owned());
        }
    })
}

/// What an instruction needs to be answered, though the rest of it cannot be read.
fn instruction(topic: &Topic, payload: &RawValue) -> Option<UnansweredInstruction> {
    #[derive(Deserialize)]
    struct Attempt {
        attempt: u32,
    }
    let Carries::Instruction(step, direction) = topic.carries else { return None };
    let Attempt { attempt } = serde_json::from_str(payload.get()).ok()?;
    Some(UnansweredInstruction { step, direction, attempt })
}
