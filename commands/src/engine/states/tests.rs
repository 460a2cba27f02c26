//! What others append, against what is in memory of it.

use chrono::DateTime;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::{BookingId, HotelId, StreamId};
use traveladvisor_domain::message::{Answer, Direction, Outcome};
use traveladvisor_domain::trip::Step;
use traveladvisor_infra::event_log::{Position, StoredEvent, encode};
use uuid::Uuid;

use super::{State, States};

fn hotel() -> StreamId {
    HotelId::of("own", "H1").stream()
}

fn event() -> Event {
    let answer = Answer { step: Step::Hotel, direction: Direction::Undo, attempt: 1, outcome: Outcome::Done };
    let business_date = "2025-01-01".parse().expect("a date");
    Event::Hotel(HotelEvent::AnswerRepeated { booking: BookingId(Uuid::nil()), answer, business_date })
}

fn stored(sequence: u64) -> StoredEvent {
    StoredEvent {
        position: Position(100 + sequence),
        stream: hotel(),
        sequence,
        event_type: "AnswerRepeated".into(),
        event_version: "1".into(),
        payload: encode(&event()).expect("JSON").into(),
        metadata: "{}".into(),
        recorded_at: DateTime::UNIX_EPOCH,
        told: None,
    }
}

/// The hotel is in memory, with two events.
fn states() -> States {
    let mut states = States::default();
    let mut state = State::empty(hotel().kind);
    for _ in 0..2 {
        state.take(&event()).expect("taken");
    }
    states.put(hotel(), state);
    states
}

fn sequence(states: &States) -> Option<u64> {
    states.view(hotel()).map(|state| state.sequence)
}

#[test]
fn the_very_next_event_is_taken_in_with_its_position() {
    let mut states = states();
    states.follow(&[stored(1), stored(2), stored(3), stored(4)]);
    assert_eq!((sequence(&states), states.committed_position(hotel())), (Some(4), Position(104)));
}

#[test]
fn after_a_hole_the_stream_is_loaded_when_it_is_needed() {
    let mut states = states();
    states.follow(&[stored(4)]);
    assert_eq!((sequence(&states), states.is_hot(hotel())), (None, false));
    states.follow(&[stored(5)]);
    assert!(!states.is_hot(hotel()), "what is not in memory stays where it is");
}

#[test]
fn what_this_program_cannot_read_takes_the_stream_out_of_memory() {
    let mut states = states();
    states.follow(&[StoredEvent { event_version: "2".into(), ..stored(3) }]);
    assert!(!states.is_hot(hotel()));
}

#[test]
fn a_staged_copy_goes_along_and_what_is_staged_beyond_it_stays_for_the_log_to_refuse() {
    let mut states = states();
    states.stage(hotel(), &event()).expect("staged");
    states.commit_applied(hotel(), (3, Position(50)), &[&event()]);
    states.follow(&[stored(4)]);
    assert_eq!(sequence(&states), Some(4), "the copy is what the next decision sees");
    states.stage(hotel(), &event()).expect("staged");
    states.follow(&[stored(5)]);
    assert_eq!(sequence(&states), Some(5), "one event of our own, on what the other process did not see either");
    states.drop_staged();
    assert_eq!((sequence(&states), states.committed_position(hotel())), (Some(5), Position(105)));
}

#[test]
fn a_copy_that_is_what_the_log_has_takes_the_place_of_a_state_that_is_gone() {
    let mut states = states();
    states.stage(hotel(), &event()).expect("staged");
    states.take_out(hotel());
    states.commit_applied(hotel(), (3, Position(50)), &[&event()]);
    assert_eq!((sequence(&states), states.committed_position(hotel())), (Some(3), Position(50)));
}

#[test]
fn what_is_weighed_is_what_is_there() {
    let mut states = States::default();
    let numbered = |n: u32| HotelId::of("own", &n.to_string()).stream();
    for n in 0..50 {
        states.put(numbered(n), State::empty(hotel().kind));
        states.commit_applied(numbered(n), (1, Position(1)), &[&event()]);
    }
    let full = states.bytes;
    for n in 0..50 {
        states.commit_applied(numbered(n), (2, Position(2)), &[&event()]);
    }
    assert_eq!(states.bytes, full, "the same size again");
    states.end_turn();
    states.bytes_max = full / 2;
    // Those that are seen now stay, whatever came before.
    (20..30).for_each(|n| assert!(states.view(numbered(n)).is_some()));
    states.end_turn();
    assert!(states.bytes <= full / 2 && states.bytes > full / 3, "{} of {full}", states.bytes);
    assert!((20..30).all(|n| states.is_hot(numbered(n))));
    states.bytes_max = 0;
    states.end_turn();
    assert_eq!((states.bytes, states.committed.len()), (0, 0));
}

#[test]
fn an_event_that_is_two_of_today_is_one_step_of_its_stream() {
    let booking = BookingId(Uuid::nil()).stream();
    let mut states = States::default();
    states.put(booking, State::empty(booking.kind));
    let settled = |sequence| StoredEvent {
        stream: booking,
        event_type: "BookingSettled".into(),
        payload: r#"{"BookingSettled":{"nth":1}}"#.into(),
        ..stored(sequence)
    };
    states.follow(&[settled(1), settled(2)]);
    assert_eq!(states.view(booking).map(|state| (state.sequence, state.position)), Some((2, Position(102))));
}
