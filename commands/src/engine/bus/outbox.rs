//! What an append writes for other logs where a connector carries it: what the relay would send, packed by the same hand.

use traveladvisor_domain::bus::{Content, Parcel, announcement};
use traveladvisor_domain::message::messages;
use traveladvisor_infra::event_log::{Metadata, NewEvent, OutboxRow};

use super::Post;

impl Post {
    /// The rows of these events, in their order. An append that is sent again has the same ones: ids and bytes derive from the events. What is
    /// too large for a record is left out: a connector would stop at it for ever. The relay sets it aside.
    ///
    /// Errors: others would not hear of one of these events.
    pub(crate) fn rows(&self, events: &[NewEvent]) -> Result<Vec<OutboxRow>, String> {
        let mut rows = Vec::new();
        for event in events {
            let parcels =
                self.parcels_of(event).ok_or_else(|| format!("{} cannot be told to others", event.event_type))?;
            rows.extend(
                parcels.into_iter().filter(|parcel| Self::check(parcel).is_ok()).map(|parcel| self.row(parcel)),
            );
        }
        Ok(rows)
    }

    /// None where one of them cannot be packed.
    fn parcels_of(&self, event: &NewEvent) -> Option<Vec<Parcel>> {
        let told = event.told.as_ref()?;
        let messages = messages(event.stream, &told.event);
        let announced = announcement(&told.event);
        let is_abroad = announced.is_some() || messages.iter().any(|message| self.is_for_others(message));
        // Most events say nothing to others.
        if !is_abroad {
            return Some(Vec::new());
        }
        let metadata = serde_json::from_str::<Metadata>(&event.metadata).ok()?;
        let pack =
            |place, content| self.pack((event.stream, event.sequence), (&metadata, told.occurred_at), place, content);
        let from = self.context(event.stream);
        let announced = announced.iter().map(|told| pack(messages.len(), Content::Announcement(from, told)));
        let sent = messages.iter().enumerate().filter(|(_, message)| self.is_for_others(message));
        announced.chain(sent.map(|(place, message)| pack(place, Content::Message(message)))).collect()
    }

    fn row(&self, parcel: Parcel) -> OutboxRow {
        OutboxRow {
            id: parcel.message_id,
            aggregate_type: parcel.aggregate_type,
            aggregate_id: parcel.key,
            message_type: parcel.topic.message_type(),
            payload: parcel.payload,
            topic: self.kafka.on_broker(parcel.topic.name),
            tracing: parcel.traceparent,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use traveladvisor_domain::aggregate::Event;
    use traveladvisor_domain::bus::Version;
    use traveladvisor_domain::context::{Context, Contexts};
    use traveladvisor_domain::dead_letter::DeadLetterEvent;
    use traveladvisor_domain::failure::{Code, Failure};
    use traveladvisor_domain::id::LetterId;
    use traveladvisor_infra::event_log::{Told, encode};
    use traveladvisor_infra::kafka::{KafkaSettings, RECORD_BYTES_MAX};
    use uuid::Uuid;

    use super::super::{Bus, Consumes, Outbox};
    use super::*;

    const METADATA: &str =
        r#"{"batch":"b","command":"c","correlation":"x","actor":"system","occurred_at":"2024-12-01T00:00:00.000Z"}"#;

    fn post() -> Post {
        let kafka = KafkaSettings { brokers: String::new(), topic_prefix: String::new() };
        let contexts = Contexts::NONE.and(Context::Hotel);
        let (outbox, slot, writes, consumes) = (Outbox::Table, String::new(), Version::default(), Consumes::Elsewhere);
        Post::open(&Bus { contexts, kafka, outbox, slot, writes, consumes }, "hotel").expect("nothing is opened")
    }

    /// An event that is announced, with so many letters.
    fn event(letters: usize, metadata: &str) -> NewEvent {
        let event = Event::DeadLetter(DeadLetterEvent::RecordDeadLettered {
            topic: "a.topic".to_owned(),
            partition: 1,
            offset: 2,
            booking: None,
            instruction: None,
            failure: Failure::new(Code::Internal, "x".repeat(letters)),
        });
        NewEvent {
            stream: LetterId(Uuid::from_u128(7)).stream(),
            sequence: 1,
            event_type: "RecordDeadLettered".into(),
            event_version: "1".into(),
            payload: encode(&event).expect("JSON").into(),
            metadata: metadata.into(),
            told: Some(Arc::new(Told { event, part: 0, occurred_at: DateTime::UNIX_EPOCH, all_fused: true })),
        }
    }

    #[test]
    fn what_no_connector_could_ever_carry_is_never_put_on_the_table() {
        let rows = |letters| post().rows(&[event(letters, METADATA), event(1, METADATA)]).expect("all can be packed");
        assert_eq!(rows(1_000).len(), 2);
        let left = rows(RECORD_BYTES_MAX - 500);
        assert_eq!(left.len(), 1, "the others go on");
        assert!(left[0].payload.len() < 2_000);
    }

    #[test]
    fn an_append_is_refused_rather_than_others_not_hearing_of_it() {
        let unfit = post().rows(&[event(1, METADATA), event(1, "no metadata")]).expect_err("it cannot be packed");
        assert_eq!(unfit, "RecordDeadLettered cannot be told to others");
    }
}
