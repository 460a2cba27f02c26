//! Letters of records: what came over a broker and could not be handled is fetched from there once more.

use std::str;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use traveladvisor_domain::bus::{Received, Topic, read};
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_infra::kafka::KafkaSettings;
use traveladvisor_infra::kafka::admin::fetch_one;

use super::Opened;
use crate::engine::job::{Cause, Origin, SoThat, Task};

/// Where the records stand that were set aside.
pub(in crate::engine) trait Records: Send + Sync {
    /// The record at this place; none if the broker has it no more. The error says why it cannot be asked now.
    fn fetch<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: u64,
    ) -> BoxFuture<'a, Result<Option<Fetched>, String>>;
}

/// A record as the broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Fetched {
    /// Its key.
    pub(super) key: Vec<u8>,
    /// Its value.
    pub(super) value: Vec<u8>,
}

impl Records for KafkaSettings {
    fn fetch<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: u64,
    ) -> BoxFuture<'a, Result<Option<Fetched>, String>> {
        async move {
            let found = fetch_one(self, topic, partition, offset).await.map_err(|error| error.to_string())?;
            Ok(found.map(|record| Fetched {
                key: record.key.unwrap_or_default(),
                value: record.payload.unwrap_or_default(),
            }))
        }
        .boxed()
    }
}

/// The record's message, or its letter once more with what is wrong with it today; while the broker is away it is put off to `later`, as all
/// timers wait meanwhile.
pub(super) async fn task_of(
    records: Option<&dyn Records>,
    opened: &Opened,
    later: DateTime<Utc>,
) -> Option<(Task, Arc<Origin>)> {
    let DeadLetterEvent::RecordDeadLettered { topic, partition, offset, .. } = &opened.letter.written else {
        return None;
    };
    let failure = |why: &str| Failure::new(Code::Internal, format!("The message could not be read: {why}."));
    let stays = |why: &str| Some(opened.stays(Some(failure(why)), SoThat::SagaHears));
    let Some(records) = records else {
        return stays("it came over a broker, and this program was started without one");
    };
    let record = match records.fetch(topic, *partition, *offset).await {
        Ok(Some(record)) => record,
        Ok(None) => return stays("the broker has it no more"),
        Err(error) => {
            tracing::warn!(letter = %opened.letter.stream, error, "a record cannot be fetched; it is asked for again later");
            let away = failure("the broker does not answer, it is asked again later");
            return Some(opened.stays(Some(away), SoThat::MessageComes { at: later }));
        }
    };
    let Some(topic) = Topic::named(topic) else {
        return stays("this program does not know its topic");
    };
    let Ok(key) = str::from_utf8(&record.key) else { return stays("its key is no text") };
    let (envelope, received) = match read(topic, key, &record.value) {
        Ok(found) => found,
        Err(unreadable) => return stays(&unreadable.reason),
    };
    let Received::Message(message) = received else { return stays("nobody decides on what its topic carries") };
    let cause = Cause { message_id: envelope.message_id, ..opened.cause() };
    let letter = Some(Box::new(opened.letter.clone()));
    let origin = Origin {
        correlation: envelope.correlation_id,
        traceparent: Some(envelope.traceparent),
        ..Origin::of_message(&opened.metadata, &cause)
    };
    Some((Task::Message { message, cause, letter }, Arc::new(origin)))
}

#[cfg(test)]
mod tests {
    use traveladvisor_domain::bus::{Content, Sent, parcel};
    use traveladvisor_domain::id::{BookingId, HotelId, LetterId};
    use traveladvisor_domain::message::{Answer, Body, Destination, Direction, Message, Outcome};
    use traveladvisor_domain::trip::Step;
    use traveladvisor_infra::event_log::Metadata;
    use uuid::Uuid;

    use super::*;
    use crate::engine::job::Letter;

    const TRIP: BookingId = BookingId(Uuid::from_u128(7));

    /// A broker with one record, or one that is away.
    struct One(Result<Option<Fetched>, String>);

    impl Records for One {
        fn fetch<'a>(&'a self, _: &'a str, _: i32, _: u64) -> BoxFuture<'a, Result<Option<Fetched>, String>> {
            let found = self.0.clone();
            async move { found }.boxed()
        }
    }

    fn message() -> Message {
        let answer = Answer { step: Step::Hotel, direction: Direction::Request, attempt: 1, outcome: Outcome::Done };
        Message { booking: TRIP, to: Destination::Stream(TRIP.saga()), body: Body::Answer(answer) }
    }

    fn record() -> Fetched {
        let sent = Sent {
            log: "hotel",
            stream: HotelId(Uuid::nil()).stream(),
            sequence: 3,
            place: 0,
            correlation: &TRIP.to_string(),
            causation: None,
            occurred_at: "2024-12-01T00:00:00Z".parse().expect("an instant"),
            traceparent: None,
        };
        let parcel = parcel(sent, Content::Message(&message())).expect("a topic");
        Fetched { key: parcel.key.into_bytes(), value: parcel.payload.into_bytes() }
    }

    fn opened(topic: &str) -> Opened {
        let written = DeadLetterEvent::RecordDeadLettered {
            topic: topic.to_owned(),
            partition: 2,
            offset: 17,
            booking: Some(TRIP),
            instruction: None,
            failure: Failure::new(Code::Internal, "It could not be read."),
        };
        let metadata = r#"{"batch":"b","command":"c","correlation":"x","actor":"system","occurred_at":"2024-12-01T00:00:00.000Z"}"#;
        let metadata: Metadata = serde_json::from_str(metadata).expect("metadata");
        Opened { letter: Letter { stream: LetterId(Uuid::nil()).stream(), written }, sequence: 1, metadata }
    }

    const TOPIC: &str = "booking_request_flow.hotel.booking.notify_booking_completed";

    async fn task(records: Option<&dyn Records>, topic: &str) -> Task {
        task_of(records, &opened(topic), DateTime::UNIX_EPOCH).await.expect("a task").0
    }

    fn why(task: &Task) -> &str {
        match task {
            Task::SetAside { letter, so_that: SoThat::SagaHears, .. } => {
                letter.failure().map_or("", |failure| failure.message.as_str())
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_record_that_was_set_aside_is_fetched_from_the_broker_and_brought_as_its_message() {
        let one = One(Ok(Some(record())));
        let Task::Message { message: brought, letter, .. } = task(Some(&one), TOPIC).await else {
            panic!("no message")
        };
        assert_eq!(*brought, message());
        assert!(letter.is_some(), "if it cannot be handled again, the same letter says so");
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_brought_stays_set_aside_and_says_why() {
        let gone = One(Ok(None));
        assert!(why(&task(Some(&gone), TOPIC).await).contains("the broker has it no more"));
        assert!(why(&task(None, TOPIC).await).contains("started without one"));
        assert!(why(&task(Some(&One(Ok(Some(record())))), "no.such.topic.here").await).contains("its topic"));
        let broken = One(Ok(Some(Fetched { value: b"{".to_vec(), ..record() })));
        assert!(why(&task(Some(&broken), TOPIC).await).contains("no envelope"));
        let away = One(Err("no broker answers".to_owned()));
        let Task::SetAside { so_that: SoThat::MessageComes { .. }, .. } = task(Some(&away), TOPIC).await else {
            panic!("it is asked for again later")
        };
    }
}
