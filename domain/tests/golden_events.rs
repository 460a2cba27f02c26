//! Every event that was ever stored can still be read: one real payload for each event and version, never edited.
//!
//! A new event does not compile here until it is listed, and fails until its payload lies in `events/<aggregate>/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use cqrs_es::DomainEvent;
use serde_json::Value;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::StreamKind;
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::trip_saga::TripSagaEvent;

/// Names all variants of an event; the match, which has no wild card, is what the compiler holds the list against.
macro_rules! names {
    ($event:ident: $($variant:ident)*) => {{
        fn _every_variant_is_listed(event: &$event) {
            match event {
                $($event::$variant { .. } => {})*
            }
        }
        [$(stringify!($variant)),*]
    }};
}

/// Reads every payload of an aggregate as its event and writes it again.
fn check<E: DomainEvent>(kind: StreamKind, names: &[&str]) {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "events", kind.as_str()].iter().collect();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("a folder of golden events") {
        let path = entry.expect("a file").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let stored: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
        let event: E = serde_json::from_value(stored.clone()).unwrap_or_else(|error| panic!("{file}: {error}"));
        let name = format!("{}.v{}.json", event.event_type(), event.event_version());
        assert_eq!(file, name, "{}: the file is named after the event and version that it holds", folder.display());
        assert_eq!(serde_json::to_value(&event).expect("JSON"), stored, "{file}: the stored form has changed");
        found.insert(event.event_type());
    }
    let listed: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, listed, "{}: one payload for every event", folder.display());
}

#[test]
fn of_bookings() {
    let names =
        names!(BookingEvent: BookingRequested CancellationRequested BookingApproved BookingCancelled AnswerRepeated);
    check::<BookingEvent>(StreamKind::Booking, &names);
}

#[test]
fn of_sagas() {
    let names = names!(TripSagaEvent:
        SagaStarted StepSucceeded StepRefused StepFaulted StepRetried CancellationNoted
        UndoSucceeded UndoFaulted UndoRetried SagaSucceeded SagaCompensated
        StepTimedOut LateAnswerNoted AttentionNeeded Resolved SagaFailed);
    check::<TripSagaEvent>(StreamKind::TripSaga, &names);
}

#[test]
fn of_hotels() {
    let names = names!(HotelEvent:
        HotelListed HotelChanged AllotmentChanged RoomsReserved RoomsRefused RoomsReleased ReservationBarred AnswerRepeated);
    check::<HotelEvent>(StreamKind::Hotel, &names);
}

#[test]
fn of_flights() {
    let names = names!(FlightEvent:
        FlightListed FlightChanged SeatsReserved SeatsRefused SeatsReleased ReservationBarred AnswerRepeated);
    check::<FlightEvent>(StreamKind::Flight, &names);
}

#[test]
fn of_cars() {
    let names = names!(CarEvent:
        CarListed CarChanged VehicleReserved VehicleRefused VehicleReleased ReservationBarred AnswerRepeated);
    check::<CarEvent>(StreamKind::Car, &names);
}

#[test]
fn of_payments() {
    let names = names!(PaymentEvent:
        PaymentRequested PaymentCompleted PaymentFailed PaymentFaulted UndoAwaited RefundRequested RefundFaulted
        PaymentCancelled PaymentBarred AnswerRepeated OutcomeUnknown OutcomeAsked);
    check::<PaymentEvent>(StreamKind::Payment, &names);
}

#[test]
fn of_dead_letters() {
    check::<DeadLetterEvent>(StreamKind::DeadLetter, &names!(DeadLetterEvent: MessageDeadLettered));
}
