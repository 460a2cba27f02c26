//! Every event that was ever stored can still be read: one real payload for each event and version, never edited.
//!
//! A new event, and a new version of one, fails here until its payload lies in `events/<aggregate>/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::bus::{ANNOUNCING, announcement};
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_domain::message::messages_of;
use traveladvisor_domain::shape::{Events, Shape, Upcast, is_current, shapes};
use uuid::Uuid;

fn folder(kind: StreamKind) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "events", kind.as_str()].iter().collect()
}

/// The files that there must be: one for every version that was ever written.
fn expected(shapes: &[Shape]) -> BTreeSet<String> {
    let of = |shape: &Shape| shape.versions().iter().map(|version| file(shape.name, version)).collect::<Vec<_>>();
    shapes.iter().flat_map(of).collect()
}

fn file(name: &str, version: &str) -> String {
    format!("{name}.v{version}.json")
}

fn found(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder of golden events");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
}

fn written(event: &Event) -> Value {
    fn json(event: &impl Serialize) -> Value {
        serde_json::to_value(event).expect("JSON")
    }
    match event {
        Event::Booking(event) => json(event),
        Event::TripSaga(event) => json(event),
        Event::Hotel(event) => json(event),
        Event::Flight(event) => json(event),
        Event::Car(event) => json(event),
        Event::Payment(event) => json(event),
        Event::DeadLetter(event) => json(event),
        Event::Member(event) => json(event),
        Event::EmailClaim(event) => json(event),
        Event::PointsAccount(event) => json(event),
        Event::Campaign(event) => json(event),
        Event::Reward(event) => json(event),
        Event::Programme(event) => json(event),
    }
}

#[test]
fn every_version_of_every_event_has_its_payload_and_no_payload_is_without_an_event() {
    for kind in StreamKind::ALL {
        assert_eq!(found(&folder(kind)), expected(shapes(kind)), "{}", folder(kind).display());
    }
}

#[test]
fn a_new_version_without_a_payload_is_found() {
    let changed = Shape::new("BookingApproved", &[Upcast::Next(|_| Ok(()))]);
    let missing: Vec<String> =
        expected(&[changed]).into_iter().filter(|file| !found(&folder(StreamKind::Booking)).contains(file)).collect();
    assert_eq!(missing, ["BookingApproved.v2.json"]);
}

#[test]
fn every_payload_that_was_ever_stored_is_read() {
    for kind in StreamKind::ALL {
        for shape in shapes(kind) {
            for version in shape.versions() {
                reads_back(kind, shape.name, version);
            }
        }
    }
}

/// What is written today is also written in the same form again.
fn reads_back(kind: StreamKind, name: &str, version: &str) {
    let file = file(name, version);
    let payload = fs::read_to_string(folder(kind).join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let events = Events::read(kind, name, version, &payload).unwrap_or_else(|error| panic!("{file}: {error}"));
    if !is_current(kind, name, version) {
        return;
    }
    let stored: Value = serde_json::from_str(&payload).expect("JSON");
    assert_eq!(written(events.first()), stored, "{file}: the stored form has changed");
    assert_eq!((events.first().event_type(), events.first().event_version()), (name, version), "{file}");
}

#[test]
fn the_events_that_announce_are_named_and_cause_no_message() {
    let mut announcing = BTreeSet::new();
    for kind in StreamKind::ALL.into_iter().filter(|kind| *kind != StreamKind::DeadLetter) {
        for shape in shapes(kind) {
            for version in shape.versions() {
                let path = folder(kind).join(file(shape.name, version));
                let payload = fs::read_to_string(path).expect("a golden event");
                let events = Events::read(kind, shape.name, version, &payload).expect("an event");
                if events.iter().any(|event| announcement(event).is_some()) {
                    let messages = messages_of(StreamId::new(kind, Uuid::nil()), &events);
                    assert!(messages.is_empty(), "{} would be taken for an announcement", shape.name);
                    announcing.insert(shape.name);
                }
            }
        }
    }
    assert_eq!(announcing, BTreeSet::from(ANNOUNCING));
}
