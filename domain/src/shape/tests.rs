//! Older shapes, read.

use std::collections::BTreeSet;

use super::{Events, StreamKind, Unreadable, is_current, shapes};
use crate::aggregate::Event;
use crate::booking::BookingEvent;
use crate::id::BookingId;
use crate::message::{Body, message_id, messages_of};
use uuid::Uuid;

/// As versions 1 to 3 were stored.
const SETTLED: [(&str, &str); 3] = [
    ("1", r#"{"BookingSettled":{"nth":2}}"#),
    ("2", r#"{"BookingSettled":{"attempt":2}}"#),
    ("3", r#"{"BookingSettled":{"attempt":2,"reason":null}}"#),
];

fn read(name: &str, version: &str, payload: &str) -> Result<Events, Unreadable> {
    Events::read(StreamKind::Booking, name, version, payload)
}

#[test]
fn a_field_renamed_a_field_added_and_an_event_split_are_read_as_today() {
    let today = [
        Event::Booking(BookingEvent::BookingApproved { attempt: 2, earns: None }),
        Event::Booking(BookingEvent::CancellationRequested { reason: None }),
    ];
    for (version, payload) in SETTLED {
        let events = read("BookingSettled", version, payload).expect("readable");
        assert_eq!(events.into_iter().collect::<Vec<_>>(), today, "version {version}");
        assert!(!is_current(StreamKind::Booking, "BookingSettled", version));
    }
    assert!(is_current(StreamKind::Booking, "BookingApproved", "1"));
}

#[test]
fn what_a_split_event_causes_keeps_its_place_and_id_in_every_version() {
    let booking = BookingId(Uuid::from_u128(7));
    let mut ids = BTreeSet::new();
    for (version, payload) in SETTLED {
        let events = read("BookingSettled", version, payload).expect("readable");
        let messages = messages_of(booking.stream(), &events);
        assert!(matches!(messages[0].body, Body::Answer(_)), "the first part's message has the first place");
        assert_eq!(messages[1].body, Body::CancelTrip);
        ids.extend((0..messages.len()).map(|place| message_id("log", booking.stream(), 4, place)));
    }
    assert_eq!(ids.len(), 2);
}

#[test]
fn what_a_newer_program_wrote_is_told_apart_from_damage() {
    let approved = r#"{"BookingApproved":{"attempt":1}}"#;
    assert_eq!(read("BookingApproved", "2", approved), Err(Unreadable::UnknownVersion));
    assert_eq!(read("BookingSettled", "4", SETTLED[2].1), Err(Unreadable::UnknownVersion));
    assert_eq!(read("BookingApproved", "0", approved), Err(Unreadable::UnknownVersion));
    assert_eq!(read("BookingPraised", "1", r#"{"BookingPraised":{}}"#), Err(Unreadable::UnknownEvent));
}

#[test]
fn what_is_damaged_is_no_event_and_its_values_are_not_told() {
    assert_eq!(read("CancellationRequested", "1", r#"{"BookingApproved":{"attempt":1}}"#), Err(Unreadable::OtherEvent));
    assert_eq!(read("BookingSettled", "1", r#"{"BookingApproved":{"attempt":1}}"#), Err(Unreadable::OtherEvent));
    for (version, payload) in [
        ("1", r#"{"BookingSettled":{"name":"Ada"}}"#),
        ("2", r#"{"BookingSettled":{"attempt":2,"reason":"Ada"}}"#),
        ("3", r#"{"BookingSettled":{"attempt":"Ada","reason":null}}"#),
        ("3", r#"{"BookingSettled":"Ada"}"#),
        ("3", "Ada"),
    ] {
        let error = read("BookingSettled", version, payload).expect_err("damaged").to_string();
        assert!(!error.contains("Ada"), "{error}");
    }
    assert!(read("BookingApproved", "1", r#"{"BookingApproved":{"attempt":1}} Ada"#).is_err(), "and nothing after it");
}

#[test]
fn every_listed_event_has_one_entry_and_a_version() {
    for kind in StreamKind::ALL {
        let names: BTreeSet<&str> = shapes(kind).iter().map(|shape| shape.name).collect();
        assert_eq!(names.len(), shapes(kind).len(), "{kind:?}");
        for shape in shapes(kind) {
            assert_eq!(shape.current(), shape.versions().last().copied(), "none of ours is retired yet");
        }
    }
}
