use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    CABIN_SEATS_MAX, CABINS_MAX, CabinDetails, Flight, FlightCommand, FlightDetails, FlightError, FlightEvent,
};
use crate::failure::Code;
use crate::message::{Answer, Direction, Outcome};
use crate::reservation::REMEMBERED_DAYS;
use crate::testing::samples::{NOW, ON_SALE, booking, day, flight_details, instant, pounds, seats};
use crate::testing::{Story, at, given, stored_and_read};
use crate::trip::{FlightPart, Step};

/// The sample flight departs at 20:30 on 23 December in New York, when it is the 24th in UTC.
fn listed() -> Story<Flight> {
    given(&[FlightEvent::FlightListed { details: flight_details(), business_date: day("2024-12-01") }])
}

fn reserve_at(instant: &str, trip: u128, attempt: u32, part: &FlightPart) -> FlightCommand {
    FlightCommand::Reserve { booking: booking(trip), attempt, part: part.clone(), occasion: at(instant) }
}

fn reserve(trip: u128, attempt: u32, part: &FlightPart) -> FlightCommand {
    reserve_at(NOW, trip, attempt, part)
}

fn release_at(instant: &str, trip: u128, attempt: u32, part: &FlightPart) -> FlightCommand {
    FlightCommand::Release { booking: booking(trip), attempt, part: part.clone(), occasion: at(instant) }
}

fn release(trip: u128, attempt: u32, part: &FlightPart) -> FlightCommand {
    release_at(NOW, trip, attempt, part)
}

fn upsert(details: FlightDetails) -> FlightCommand {
    FlightCommand::Upsert { details, occasion: at(NOW) }
}

fn cabin(name: &str, seats: u32) -> CabinDetails {
    CabinDetails { cabin: name.into(), seats, price: pounds(10_000) }
}

fn with_cabins(cabins: Vec<CabinDetails>) -> FlightDetails {
    FlightDetails { cabins, ..flight_details() }
}

fn refusal(story: &Story<Flight>) -> Code {
    match story.events() {
        [FlightEvent::SeatsRefused { failure, .. }] => failure.code,
        other => panic!("not refused: {other:?}"),
    }
}

fn is_reserved(story: &Story<Flight>) -> bool {
    matches!(story.events(), [FlightEvent::SeatsReserved { .. }])
}

#[test]
fn seats_are_sold_until_none_is_left() {
    let story = listed().when(reserve(1, 1, &seats(2)));
    assert!(is_reserved(&story));
    let story = story.when(reserve(2, 1, &seats(2)));
    assert_eq!(refusal(&story), Code::SoldOut);
    assert_eq!(story.state.seats_left("ECONOMY"), Some(1));
    assert!(is_reserved(&story.when(reserve(3, 1, &seats(1)))));
}

#[test]
fn what_cannot_be_sold_is_refused_with_its_code() {
    let cases = [
        (FlightPart { cabin: "FIRST".into(), ..seats(1) }, Code::UnknownCabin),
        (seats(0), Code::InvalidInput),
        (seats(100), Code::InvalidInput),
        (FlightPart { price: pounds(1), ..seats(1) }, Code::PriceChanged),
        (seats(ON_SALE + 1), Code::SoldOut),
    ];
    for (part, code) in cases {
        assert_eq!(refusal(&listed().when(reserve(1, 1, &part))), code, "{part:?}");
    }
    assert_eq!(refusal(&given::<Flight>(&[]).when(reserve(1, 1, &seats(1)))), Code::NotFound);
}

#[test]
fn nobody_books_a_flight_that_has_departed() {
    assert!(is_reserved(&listed().when(reserve_at("2024-12-24T01:29:59Z", 1, 1, &seats(1)))));
    assert_eq!(refusal(&listed().when(reserve_at("2024-12-24T01:30:00Z", 1, 1, &seats(1)))), Code::Past);
    let offer = listed().state.offer("ECONOMY", 1, at("2024-12-24T01:30:00Z"));
    assert_eq!(offer.unwrap_err().field, "flightId");
}

#[test]
fn business_dates_are_those_of_the_airport_of_departure() {
    let story = listed().when(reserve_at("2024-12-02T04:59:59Z", 1, 1, &seats(1)));
    assert_eq!(story.events()[0].business_date(), day("2024-12-01"));
    let unlisted = given::<Flight>(&[]).when(reserve_at("2024-12-02T04:59:59Z", 1, 1, &seats(1)));
    assert_eq!(unlisted.events()[0].business_date(), day("2024-12-02"));
}

#[test]
fn the_same_message_again_writes_nothing_and_a_new_attempt_repeats_the_answer() {
    let repeated = |direction, attempt| FlightEvent::AnswerRepeated {
        booking: booking(1),
        answer: Answer { step: Step::Flight, direction, attempt, outcome: Outcome::Done },
        business_date: day("2024-12-01"),
    };
    listed()
        .when(reserve(1, 1, &seats(1)))
        .when(reserve(1, 1, &seats(1)))
        .then(&[])
        .when(reserve(1, 2, &seats(1)))
        .then(&[repeated(Direction::Request, 2)])
        .when(release(1, 1, &seats(1)))
        .when(release(1, 1, &seats(1)))
        .then(&[])
        .when(release(1, 2, &seats(1)))
        .then(&[repeated(Direction::Undo, 2)]);
}

#[test]
fn a_cancel_that_comes_first_bars_the_late_request() {
    for story in [listed(), given(&[])] {
        let story = story.when(release(1, 1, &seats(1)));
        assert!(matches!(story.events(), [FlightEvent::ReservationBarred { .. }]));
        let story = story.when(reserve(1, 1, &seats(1)));
        assert_eq!(refusal(&story), Code::Conflict);
        story.when(reserve(1, 1, &seats(1))).then(&[]).when(release(1, 1, &seats(1))).then(&[]);
    }
}

#[test]
fn seats_lowered_below_what_is_sold_keep_what_is_sold() {
    let story = listed().when(reserve(1, 1, &seats(ON_SALE))).when(upsert(with_cabins(vec![cabin("ECONOMY", 1)])));
    assert_eq!(story.state.seats_left("ECONOMY"), Some(0));
    let story = story.when(reserve(2, 1, &seats(1)));
    assert_eq!(refusal(&story), Code::SoldOut);
    assert_eq!(story.when(release(1, 1, &seats(ON_SALE))).state.seats_left("ECONOMY"), Some(1));
}

#[test]
fn a_withdrawn_cabin_counts_again_when_it_is_back() {
    let story = listed().when(reserve(1, 1, &seats(2))).when(upsert(with_cabins(vec![cabin("FIRST", 4)])));
    assert_eq!(story.state.seats_left("ECONOMY"), None);
    let story = story.when(reserve(2, 1, &seats(1)));
    assert_eq!(refusal(&story), Code::UnknownCabin);
    assert_eq!(story.when(upsert(flight_details())).state.seats_left("ECONOMY"), Some(ON_SALE - 2));
}

#[test]
fn the_same_details_again_write_nothing() {
    listed().when(upsert(flight_details())).then(&[]);
    assert!(matches!(
        listed().when(upsert(with_cabins(vec![cabin("FIRST", 4)]))).events(),
        [FlightEvent::FlightChanged { .. }]
    ));
}

#[test]
fn details_that_cannot_be_are_refused() {
    let backwards = FlightDetails { arrival_at: instant("2024-12-24T01:30:00Z"), ..flight_details() };
    let many = (0..=CABINS_MAX).map(|n| cabin(&n.to_string(), 1)).collect();
    let cases = [
        (backwards, FlightError::ArrivalBeforeDeparture),
        (with_cabins(vec![]), FlightError::Cabins),
        (with_cabins(vec![cabin("A", 1), cabin("A", 2)]), FlightError::Cabins),
        (with_cabins(many), FlightError::Cabins),
        (with_cabins(vec![cabin("A", CABIN_SEATS_MAX + 1)]), FlightError::TooManySeats),
    ];
    for (details, error) in cases {
        given::<Flight>(&[]).when(upsert(details)).then_error(&error);
    }
}

#[test]
fn no_offer_names_the_field_at_fault() {
    let flight = listed().state;
    let cases = [
        (Flight::default().offer("ECONOMY", 1, at(NOW)), Code::NotFound, "flightId"),
        (flight.offer("FIRST", 1, at(NOW)), Code::UnknownCabin, "cabin"),
        (flight.offer("ECONOMY", 0, at(NOW)), Code::InvalidInput, "seats"),
        (flight.offer("ECONOMY", u32::MAX, at(NOW)), Code::InvalidInput, "seats"),
    ];
    for (offer, code, field) in cases {
        let reason = offer.unwrap_err();
        assert_eq!((reason.failure.code, reason.field), (code, field));
    }
    let offer = flight.offer("ECONOMY", 2, at(NOW)).unwrap();
    assert_eq!((offer.price, offer.starts_at), (pounds(20_000), instant("2024-12-24T01:30:00Z")));
}

#[test]
fn bookings_are_forgotten_a_month_after_the_departure() {
    // It departs on the 23rd at the airport: the 22nd of January is the last day on which it is remembered.
    let story = listed().when(reserve(1, 1, &seats(1))).when(release_at("2025-01-22T12:00:00Z", 1, 1, &seats(1)));
    assert!(matches!(story.events(), [FlightEvent::SeatsReleased { .. }]));
    let late = release_at("2025-01-23T12:00:00Z", 1, 1, &seats(1));
    let story = listed().when(reserve(1, 1, &seats(1))).when(late);
    assert!(matches!(story.events(), [FlightEvent::AnswerRepeated { .. }]));
    assert!(story.state.memory().bookings.is_empty());
    assert_eq!(refusal(&story.when(reserve(2, 1, &seats(1)))), Code::Past, "also when the clock was set back");
}

#[test]
fn a_departure_that_is_put_off_is_remembered_for_longer() {
    let later = FlightDetails {
        departure_at: instant("2025-06-01T12:00:00Z"),
        arrival_at: instant("2025-06-01T20:00:00Z"),
        ..flight_details()
    };
    let story = listed().when(reserve(1, 1, &seats(1))).when(upsert(later));
    let story = story.when(release_at("2025-05-01T12:00:00Z", 1, 1, &seats(1)));
    assert!(matches!(story.events(), [FlightEvent::SeatsReleased { .. }]));
    assert_eq!(story.state.seats_left("ECONOMY"), Some(ON_SALE));
}

#[test]
fn a_late_refusal_is_remembered_for_its_time() {
    let late = "2025-03-01T12:00:00Z";
    let story = listed().when(reserve_at(late, 1, 1, &seats(1)));
    assert_eq!(refusal(&story), Code::Past);
    let story = story.when(reserve_at(late, 1, 1, &seats(1))).then(&[]);
    let much_later = instant(late) + chrono::Days::new(REMEMBERED_DAYS + 1);
    let story = story.when(reserve_at(&much_later.to_rfc3339(), 2, 1, &seats(1)));
    assert_eq!(story.state.memory().bookings.len(), 1);
}

proptest! {
    #[test]
    fn nothing_is_ever_sold_above_the_seats_in_force(
        acts in prop::collection::vec((0..3u8, 0..10u128, 1..3u32, 1..4u32), 1..80)
    ) {
        let (mut flight, mut held, mut on_sale) = (listed().state, BTreeMap::new(), ON_SALE);
        for (verb, trip, attempt, count) in acts {
            let command = match verb {
                0 => reserve(trip, attempt, &seats(count)),
                1 => release(trip, attempt, &seats(count)),
                _ => upsert(with_cabins(vec![cabin("ECONOMY", count)])),
            };
            for event in flight.decide(command).unwrap() {
                let sold = held.values().sum::<u32>();
                match &event {
                    FlightEvent::SeatsReserved { booking, part, .. } => {
                        prop_assert!(sold + part.seats <= on_sale);
                        prop_assert!(held.insert(*booking, part.seats).is_none());
                    }
                    FlightEvent::SeatsRefused { part, failure, .. } => {
                        prop_assert!(failure.code == Code::Conflict || sold + part.seats > on_sale);
                    }
                    FlightEvent::SeatsReleased { booking, part, .. } => {
                        prop_assert_eq!(held.remove(booking), Some(part.seats));
                    }
                    FlightEvent::FlightChanged { details, .. } => on_sale = details.cabins[0].seats,
                    _ => {}
                }
                flight.apply(&event);
            }
            flight = stored_and_read(&flight);
            let left = on_sale.saturating_sub(held.values().sum());
            prop_assert_eq!(flight.seats_left("ECONOMY"), Some(left));
        }
    }
}
