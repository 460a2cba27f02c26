use super::{Memory, REMEMBERED_DAYS, RequestVerdict, Reservations, UndoVerdict, is_forgotten};
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, Outcome};
use crate::testing::samples::{booking, day};
use crate::trip::Step;

const UNTIL: &str = "2024-12-26";

fn full() -> Failure {
    Failure::new(Code::SoldOut, "Nothing is left.")
}

fn held() -> Reservations<&'static str> {
    let mut bookings = Reservations::default();
    bookings.hold(booking(1), 1, "a room", day(UNTIL));
    bookings
}

#[test]
fn a_request_is_decided_once() {
    let bookings = held();
    assert_eq!(bookings.on_request(booking(2), 1), RequestVerdict::Decide);
    assert_eq!(bookings.on_request(booking(1), 1), RequestVerdict::Answered);
    assert_eq!(bookings.on_request(booking(1), 2), RequestVerdict::Repeat(Outcome::Done));
    assert_eq!(bookings.held().collect::<Vec<_>>(), [(booking(1), &"a room")]);
}

#[test]
fn what_is_given_back_is_given_back_once() {
    let mut bookings = held();
    assert_eq!(bookings.on_undo(booking(1), 1), UndoVerdict::Release(&"a room"));
    assert_eq!(bookings.release(booking(1), 1), Some("a room"));
    assert_eq!(bookings.release(booking(1), 2), None);
    assert_eq!(bookings.on_undo(booking(1), 1), UndoVerdict::Answered);
    assert_eq!(bookings.on_undo(booking(1), 3), UndoVerdict::Repeat);
    assert!(matches!(bookings.on_request(booking(1), 2), RequestVerdict::Refuse(_)), "never taken again");
}

#[test]
fn a_refusal_stands_until_it_is_cancelled() {
    let mut bookings = Reservations::<&str>::default();
    bookings.refuse(booking(1), 1, full(), day(UNTIL));
    assert_eq!(bookings.on_request(booking(1), 2), RequestVerdict::Repeat(Outcome::Refused(full())));
    assert_eq!(bookings.on_undo(booking(1), 1), UndoVerdict::Bar);
    bookings.bar(booking(1), 1, day(UNTIL));
    assert!(matches!(bookings.on_request(booking(1), 2), RequestVerdict::Refuse(_)));
}

#[test]
fn a_refused_late_request_stays_barred() {
    let mut bookings = Reservations::<&str>::default();
    bookings.bar(booking(1), 1, day(UNTIL));
    bookings.refuse(booking(1), 1, full(), day(UNTIL));
    assert_eq!(bookings.on_request(booking(1), 1), RequestVerdict::Answered);
    assert_eq!(bookings.on_undo(booking(1), 1), UndoVerdict::Answered);
    assert_eq!(bookings.on_undo(booking(1), 2), UndoVerdict::Repeat);
}

#[test]
fn a_repeated_answer_counts_as_one() {
    let mut bookings = held();
    let answer = Answer { step: Step::Hotel, direction: Direction::Request, attempt: 2, outcome: Outcome::Done };
    bookings.repeat(booking(1), &answer);
    assert_eq!(bookings.on_request(booking(1), 2), RequestVerdict::Answered);
    bookings.repeat(booking(9), &answer);
    assert_eq!(bookings.on_request(booking(9), 1), RequestVerdict::Decide, "the unknown stays unknown");
}

#[test]
fn what_ended_is_remembered_for_its_days_and_no_longer() {
    let last = day(UNTIL) + chrono::Days::new(REMEMBERED_DAYS);
    let (mut memory, after) = (Memory::default(), last + chrono::Days::new(1));
    memory.bookings = held();
    assert_eq!(memory.reach(last), Some(day(UNTIL)));
    assert!(!memory.bookings.is_empty() && !memory.has_forgotten(day(UNTIL), last));
    assert!(memory.has_forgotten(day(UNTIL), after), "as it will be once something is decided on that day");
    assert_eq!(memory.reach(last), None, "the same day again forgets nothing more");
    memory.reach(after);
    assert_eq!(memory.bookings.len(), 0);
    assert!(memory.has_forgotten(day(UNTIL), last), "also when the clock was set back");
    assert!(!is_forgotten(day(UNTIL), last) && is_forgotten(day(UNTIL), after));
}
