use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Carries, Content, Received, Sent, TOPICS, Version, announcement, parcel, parcel_in, read, topic_of, topics_for,
    traceparent,
};
use crate::aggregate::Event;
use crate::context::{Context, Contexts};
use crate::id::{BookingId, StreamId, StreamKind};
use crate::message::{Destination, Message, messages};
use crate::shape::Events;

/// One real event of every kind and version.
fn golden() -> Vec<(StreamId, Event)> {
    let mut found = Vec::new();
    for kind in StreamKind::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(kind.as_str());
        for entry in fs::read_dir(folder).expect("a folder of golden events") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            let mut parts = name.split('.');
            let event_type = parts.next().expect("a type");
            let version = parts.next().expect("a version").trim_start_matches('v');
            let payload = fs::read_to_string(&path).expect("a payload");
            let events = Events::read(kind, event_type, version, &payload).expect("an event");
            let stream = StreamId::new(kind, Uuid::from_u128(0x0193_8b5e_0000_7000_8000_0000_0000_0001));
            found.extend(events.iter().cloned().map(|event| (stream, event)));
        }
    }
    found
}

fn at() -> DateTime<Utc> {
    "2024-12-01T12:00:00Z".parse().expect("an instant")
}

fn sent(stream: StreamId, place: usize) -> Sent<'static> {
    Sent {
        log: "booking",
        stream,
        sequence: 1,
        place,
        correlation: "booking_01je5nw000e008000000000001",
        causation: None,
        occurred_at: at(),
        traceparent: None,
    }
}

#[test]
fn every_message_between_contexts_has_a_topic_and_comes_out_as_it_went_in_in_every_version() {
    for version in Version::ALL {
        comes_out_as_it_went_in(version);
    }
}

fn comes_out_as_it_went_in(version: Version) {
    let mut seen = BTreeSet::new();
    for (stream, event) in golden() {
        let mut place = 0;
        for message in messages(stream, &event) {
            let Destination::Stream(to) = message.to else { continue };
            let is_inside = stream.kind.context() == to.kind.context();
            match parcel_in(version, sent(stream, place), Content::Message(&message)) {
                None => assert!(is_inside, "{message:?} has no topic"),
                Some(parcel) => {
                    let (envelope, received) =
                        read(parcel.topic, &parcel.key, parcel.payload.as_bytes()).expect("it can be read");
                    assert_eq!(received, Received::Message(Box::new(message.clone())));
                    assert_eq!(envelope.message_id, parcel.message_id);
                    seen.insert(parcel.topic.name);
                }
            }
            place += 1;
        }
        let Some(announced) = announcement(&event) else { continue };
        let from = stream.kind.context().unwrap_or(Context::Hotel);
        let parcel = parcel_in(version, sent(stream, place), Content::Announcement(from, &announced)).expect("a topic");
        let (_, received) = read(parcel.topic, &parcel.key, parcel.payload.as_bytes()).expect("it can be read");
        assert_eq!(received, Received::Announcement(stream, Box::new(announced)));
        seen.insert(parcel.topic.name);
    }
    assert!(seen.len() > TOPICS.len() / 3, "only {seen:?}");
}

#[test]
fn nothing_personal_is_announced_or_sent() {
    for (stream, event) in golden() {
        let payload = announcement(&event)
            .and_then(|announced| parcel(sent(stream, 0), Content::Announcement(stream.kind.context()?, &announced)))
            .map(|parcel| parcel.payload)
            .unwrap_or_default();
        assert!(!payload.contains("subject") && !payload.contains('@'), "{payload}");
    }
}

#[test]
fn names_of_topics_follow_the_grammar_and_are_unique() {
    let names: BTreeSet<&str> = TOPICS.iter().map(|topic| topic.name).collect();
    assert_eq!(names.len(), TOPICS.len());
    for topic in TOPICS {
        let parts: Vec<&str> = topic.name.split('.').collect();
        assert_eq!(parts.len(), 4, "{}", topic.name);
        assert!(parts[0].ends_with("_flow"), "{}", topic.name);
        assert_eq!(parts[1], topic.from.as_str());
        assert_eq!(parts[2], topic.to.map_or("operator", Context::as_str));
    }
}

#[test]
fn a_log_receives_what_other_logs_send_and_nothing_of_its_own() {
    let names = |contexts| topics_for(contexts).map(|topic| topic.name).collect::<Vec<_>>();
    assert_eq!(
        names(Contexts::NONE.and(Context::Hotel)),
        ["booking_request_flow.booking.hotel.request_booking", "booking_cancel_flow.booking.hotel.cancel_booking"]
    );
    assert!(names(Contexts::ALL).is_empty());
    let both = Contexts::NONE.and(Context::Booking).and(Context::Hotel);
    assert!(names(both).iter().all(|name| !name.contains("hotel")));
}

#[test]
fn what_does_not_fit_its_topic_is_not_read_but_its_instruction_is_known() {
    let topic = TOPICS.iter().find(|topic| topic.name.ends_with("hotel.request_booking")).expect("a topic");
    let envelope = |version: u32, payload: &str| {
        format!(
            r#"{{"message_id":"{}","booking_id":"{}","correlation_id":"00000000-0000-7000-8000-000000000001","occurred_at":"2024-12-01T12:00:00Z",
                "traceparent":"t","type":"booking.hotel.request_booking","version":{version},"payload":{payload}}}"#,
            Uuid::nil(),
            BookingId(Uuid::nil())
        )
    };
    let of = |value: &str| read(topic, "hotel_00000000000000000000000000", value.as_bytes()).expect_err("unreadable");
    let unfit = of(&envelope(1, r#"{"attempt":3,"order":{"Seats":"secret"}}"#));
    assert_eq!(unfit.instruction.map(|asked| asked.attempt), Some(3));
    assert!(unfit.booking.is_some() && !unfit.reason.contains("secret"));
    assert!(of(&envelope(99, r#"{"attempt":1}"#)).reason.contains("newer"));
    assert!(of(&envelope(0, r#"{"attempt":1}"#)).reason.contains("begin with 1"));
    let nothing = of("no json at all");
    assert!(nothing.booking.is_none() && nothing.reason.contains("no envelope"));
}

#[test]
fn a_stranger_says_in_forms_of_ours_where_a_message_belongs_or_it_is_not_read() {
    let (stream, event) = golden().into_iter().find(|(_, event)| !messages_abroad(event).is_empty()).expect("one");
    let message = messages_abroad(&event).remove(0);
    let told = parcel(sent(stream, 0), Content::Message(&message)).expect("a topic");
    let with = |field: &str, value: &str| {
        let mut envelope: serde_json::Value = serde_json::from_str(&told.payload).expect("JSON");
        envelope[field] = value.into();
        read(told.topic, &told.key, envelope.to_string().as_bytes())
    };
    let secret = "ada@example.com";
    for (field, value) in
        [("correlation_id", secret), ("correlation_id", &"x".repeat(100_000)), ("causation_id", secret)]
    {
        let unreadable = with(field, value).expect_err("it goes into the log for ever");
        assert!(unreadable.reason.contains(field) && !unreadable.reason.contains(secret), "{}", unreadable.reason);
        assert!(unreadable.booking.is_some());
    }
    for malformed in ["", "no trace", &"0".repeat(100_000)] {
        let (envelope, _) = with("traceparent", malformed).expect("a trace is no reason to refuse a message");
        assert_eq!(envelope.traceparent, told.traceparent, "as if it had none");
    }
}

/// What an event of a saga asks of others.
fn messages_abroad(event: &Event) -> Vec<Message> {
    let saga = BookingId(Uuid::from_u128(7)).saga();
    let all = if matches!(event, Event::TripSaga(_)) { messages(saga, event) } else { Vec::new() };
    all.into_iter().filter(|message| topic_of(message).is_some()).collect()
}

#[test]
fn a_message_always_has_a_trace() {
    let booking = BookingId(Uuid::from_u128(7));
    let own = traceparent(None, Some(booking), Uuid::from_u128(0x1234_5678_9abc_def0_0000_0000_0000_0000));
    assert_eq!(own, "00-00000000000000000000000000000007-123456789abcdef0-01");
}

#[test]
fn copies_are_compacted_and_nothing_else_is() {
    for topic in TOPICS {
        let is_copy = topic.name.starts_with("supply_flow") || topic.name.starts_with("member_flow");
        assert_eq!(topic.carries.is_compacted(), is_copy, "{}", topic.name);
        assert_eq!(topic.carries == Carries::Letter, topic.to.is_none());
    }
}
