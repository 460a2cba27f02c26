mod members;

use std::sync::LazyLock;

use super::quote::{Booker, Offers, RoomsWanted, SeatsWanted, TripRequest, VehicleWanted, quote};
use super::{Booking, BookingCommand, BookingError, BookingEvent};
use crate::car::{Car, CarDetails, CarEvent};
use crate::failure::{Code, Failure};
use crate::flight::{Flight, FlightEvent};
use crate::hotel::{Hotel, HotelEvent};
use crate::message::{Answer, Direction, FailedStep, Outcome};
use crate::money::Money;
use crate::personal::{Personal, Traveller};
use crate::points::PointsTerms;
use crate::testing::samples::{
    NOW, booking, car_details, card, day, flight_details, hotel_details, instant, pounds, trip,
};
use crate::testing::{Story, at, given};
use crate::trip::{PaymentPlan, Step};

fn traveller() -> Personal<Traveller> {
    let value = Traveller { email: "traveller@example.com".into(), name: "Pat Example".into(), phone: None };
    Personal { subject: booking(1).to_string(), value }
}

fn request() -> BookingCommand {
    BookingCommand::Request { owner: "someone".into(), traveller: traveller(), plan: trip([true; 3], card()) }
}

fn requested() -> BookingEvent {
    BookingEvent::BookingRequested { owner: "someone".into(), traveller: traveller(), plan: trip([true; 3], card()) }
}

fn cancel(instant: &str) -> BookingCommand {
    BookingCommand::Cancel { reason: None, at: at(instant).at }
}

fn asked() -> Story<Booking> {
    given(&[requested()])
}

fn approved() -> Story<Booking> {
    given(&[requested(), BookingEvent::BookingApproved { attempt: 1, earns: None }])
}

fn repeated(direction: Direction, attempt: u32) -> BookingEvent {
    BookingEvent::AnswerRepeated { answer: Answer { step: Step::Approve, direction, attempt, outcome: Outcome::Done } }
}

#[test]
fn a_trip_is_asked_for_once() {
    given::<Booking>(&[]).when(request()).then(&[requested()]).when(request()).then(&[]);
}

#[test]
fn an_approval_is_answered_once_for_each_attempt() {
    asked()
        .when(BookingCommand::Approve { attempt: 1 })
        .then(&[BookingEvent::BookingApproved { attempt: 1, earns: None }])
        .when(BookingCommand::Approve { attempt: 1 })
        .then(&[])
        .when(BookingCommand::Approve { attempt: 2 })
        .then(&[repeated(Direction::Request, 2)])
        .when(BookingCommand::Approve { attempt: 2 })
        .then(&[]);
}

#[test]
fn a_trip_that_failed_is_closed_with_its_cause() {
    let failure = FailedStep { step: Step::Car, failure: Failure::new(Code::SoldOut, "No vehicle is free.") };
    let close = |attempt| BookingCommand::Close { attempt, failure: Some(failure.clone()) };
    asked()
        .when(close(1))
        .then(&[BookingEvent::BookingCancelled { attempt: 1, failure: Some(failure.clone()), reverses: None }])
        .when(close(1))
        .then(&[])
        .when(close(2))
        .then(&[repeated(Direction::Undo, 2)])
        .when(close(2))
        .then(&[])
        .when(cancel(NOW))
        .then(&[]);
}

#[test]
fn a_cancellation_is_recorded_once_and_until_the_trip_begins() {
    let wanted = BookingEvent::CancellationRequested { reason: None };
    for story in [asked(), approved()] {
        story.when(cancel("2024-12-23T23:59:59Z")).then(std::slice::from_ref(&wanted)).when(cancel(NOW)).then(&[]);
    }
    let begun = BookingError::TripBegun { starts_at: at("2024-12-24T00:00:00Z").at };
    approved().when(cancel("2024-12-24T00:00:00Z")).then_error(&begun);
    // Also while it is still asked for: what stands of it may be in use.
    given::<Booking>(&[requested()]).when(cancel("2024-12-24T00:00:00Z")).then_error(&begun);
    given::<Booking>(&[]).when(cancel(NOW)).then_error(&BookingError::NotFound);
}

#[test]
fn an_approval_in_between_does_not_undo_the_cancellation() {
    asked()
        .when(cancel(NOW))
        .when(BookingCommand::Approve { attempt: 1 })
        .then(&[BookingEvent::BookingApproved { attempt: 1, earns: None }])
        .when(BookingCommand::Approve { attempt: 1 })
        .then(&[])
        .when(BookingCommand::Close { attempt: 1, failure: None })
        .then(&[BookingEvent::BookingCancelled { attempt: 1, failure: None, reverses: None }]);
}

#[test]
fn who_travels_is_never_shown_by_accident() {
    let shown = format!("{:?}", requested());
    assert!(!shown.contains("traveller@example.com") && !shown.contains("Pat"), "{shown}");
}

fn hotel() -> Hotel {
    given(&[HotelEvent::HotelListed { details: hotel_details(), business_date: day("2024-12-01") }]).state
}

fn flight() -> Flight {
    given(&[FlightEvent::FlightListed { details: flight_details(), business_date: day("2024-12-01") }]).state
}

fn car(details: CarDetails) -> Car {
    given(&[CarEvent::CarListed { details, business_date: day("2024-12-01") }]).state
}

/// Who books is no member.
fn nobody() -> Booker<'static> {
    static TERMS: LazyLock<PointsTerms> = LazyLock::new(PointsTerms::default);
    Booker { member: None, has_left: false, terms: &TERMS }
}

/// The sample trip, as it is asked for.
fn wanted(expected_total: Option<Money>) -> TripRequest {
    let plan = trip([true; 3], card());
    let (hotel, flight, car) = (plan.hotel.unwrap(), plan.flight.unwrap(), plan.car.unwrap());
    TripRequest {
        hotel: Some(RoomsWanted {
            hotel: hotel.hotel,
            room_type: hotel.room_type,
            stay: hotel.stay,
            rooms: hotel.rooms,
        }),
        flight: Some(SeatsWanted { flight: flight.flight, cabin: flight.cabin, seats: flight.seats }),
        car: Some(VehicleWanted { car: car.car, rental: car.rental }),
        payment: card(),
        expected_total,
        voucher: None,
    }
}

#[test]
fn a_trip_is_priced_from_the_offers() {
    let (hotel, flight, car) = (hotel(), flight(), car(car_details()));
    let offers = Offers { hotel: Some(&hotel), flight: Some(&flight), car: Some(&car), voucher: None };
    let plan = quote(&wanted(None), offers, nobody(), at(NOW)).unwrap();
    // 2 nights, 1 seat, 2 started days.
    assert_eq!(plan.total, pounds(50_000));
    // The check-in day begins before the flight departs and the car is taken.
    assert_eq!(plan.starts_at, instant("2024-12-24T00:00:00Z"));
    assert_eq!(plan, trip([true; 3], card()));
    assert!(quote(&wanted(Some(pounds(50_000))), offers, nobody(), at(NOW)).is_ok());
}

#[test]
fn another_total_than_expected_is_refused() {
    let (hotel, flight, car) = (hotel(), flight(), car(car_details()));
    let offers = Offers { hotel: Some(&hotel), flight: Some(&flight), car: Some(&car), voucher: None };
    for expected in [pounds(49_999), Money::new(50_000, "EUR".parse().unwrap())] {
        let reason = quote(&wanted(Some(expected)), offers, nobody(), at(NOW)).unwrap_err();
        assert_eq!((reason.failure.code, reason.path), (Code::PriceChanged, vec!["expectedTotal"]));
    }
}

#[test]
fn parts_in_different_currencies_are_refused() {
    let daily_price = Money::new(10_000, "EUR".parse().unwrap());
    let (hotel, flight, car) = (hotel(), flight(), car(CarDetails { daily_price, ..car_details() }));
    let offers = Offers { hotel: Some(&hotel), flight: Some(&flight), car: Some(&car), voucher: None };
    assert_eq!(quote(&wanted(None), offers, nobody(), at(NOW)).unwrap_err().failure.code, Code::CurrencyMismatch);
}

#[test]
fn a_trip_without_parts_is_refused() {
    let nothing = TripRequest {
        hotel: None,
        flight: None,
        car: None,
        payment: PaymentPlan::None,
        expected_total: None,
        voucher: None,
    };
    let offers = Offers { hotel: None, flight: None, car: None, voucher: None };
    assert_eq!(quote(&nothing, offers, nobody(), at(NOW)).unwrap_err().failure.code, Code::InvalidInput);
}

#[test]
fn a_part_without_an_offer_is_refused_not_left_out() {
    let (hotel, flight) = (hotel(), flight());
    let offers = Offers { hotel: Some(&hotel), flight: Some(&flight), car: None, voucher: None };
    let reason = quote(&wanted(None), offers, nobody(), at(NOW)).unwrap_err();
    assert_eq!((reason.failure.code, reason.path), (Code::NotFound, vec!["car", "carId"]));
}

#[test]
fn a_part_that_cannot_be_had_is_named_by_its_path() {
    let (hotel, flight, car) = (Hotel::default(), flight(), car(car_details()));
    let offers = Offers { hotel: Some(&hotel), flight: Some(&flight), car: Some(&car), voucher: None };
    let reason = quote(&wanted(None), offers, nobody(), at(NOW)).unwrap_err();
    assert_eq!((reason.failure.code, reason.path), (Code::NotFound, vec!["hotel", "hotelId"]));
}
