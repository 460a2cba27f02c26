mod histories;

use super::{Car, CarCommand, CarDetails, CarError, CarEvent, VEHICLES_MAX};
use crate::failure::Code;
use crate::message::{Answer, Direction, Outcome};
use crate::testing::samples::{NOW, ON_SALE, booking, car_details, day, instant, pounds, vehicle};
use crate::testing::{Story, at, given};
use crate::trip::{CarPart, Step};

fn listed() -> Story<Car> {
    fleet_of(ON_SALE)
}

fn fleet_of(vehicles: u32) -> Story<Car> {
    let details = CarDetails { vehicles, ..car_details() };
    given(&[CarEvent::CarListed { details, business_date: day("2024-12-01") }])
}

fn reserve(trip: u128, attempt: u32, part: &CarPart) -> CarCommand {
    CarCommand::Reserve { booking: booking(trip), attempt, part: part.clone(), occasion: at(NOW) }
}

fn release_at(instant: &str, trip: u128, attempt: u32, part: &CarPart) -> CarCommand {
    CarCommand::Release { booking: booking(trip), attempt, part: part.clone(), occasion: at(instant) }
}

fn release(trip: u128, attempt: u32, part: &CarPart) -> CarCommand {
    release_at(NOW, trip, attempt, part)
}

fn upsert(details: CarDetails) -> CarCommand {
    CarCommand::Upsert { details, occasion: at(NOW) }
}

fn refusal(story: &Story<Car>) -> Code {
    match story.events() {
        [CarEvent::VehicleRefused { failure, .. }] => failure.code,
        other => panic!("not refused: {other:?}"),
    }
}

fn is_reserved(story: &Story<Car>) -> bool {
    matches!(story.events(), [CarEvent::VehicleReserved { .. }])
}

#[test]
fn a_vehicle_is_free_again_at_the_instant_it_is_back() {
    let morning = vehicle("2024-12-24T08:00:00Z", "2024-12-24T12:00:00Z");
    let afternoon = vehicle("2024-12-24T12:00:00Z", "2024-12-24T18:00:00Z");
    let overlapping = vehicle("2024-12-24T11:59:59Z", "2024-12-24T18:00:00Z");
    let story = fleet_of(1).when(reserve(1, 1, &morning)).when(reserve(2, 1, &overlapping));
    assert_eq!(refusal(&story), Code::SoldOut);
    assert!(is_reserved(&story.when(reserve(3, 1, &afternoon))));
}

#[test]
fn a_rental_around_another_needs_a_second_vehicle() {
    let short = vehicle("2024-12-25T08:00:00Z", "2024-12-25T09:00:00Z");
    let long = vehicle("2024-12-24T08:00:00Z", "2024-12-30T09:00:00Z");
    assert_eq!(refusal(&fleet_of(1).when(reserve(1, 1, &short)).when(reserve(2, 1, &long))), Code::SoldOut);
    assert_eq!(refusal(&fleet_of(1).when(reserve(1, 1, &long)).when(reserve(2, 1, &short))), Code::SoldOut);
    assert!(is_reserved(&fleet_of(2).when(reserve(1, 1, &short)).when(reserve(2, 1, &long))));
}

#[test]
fn rentals_one_after_the_other_need_one_vehicle() {
    // Two short rentals never overlap, so a long one beside them needs only a second vehicle.
    let first = vehicle("2024-12-24T08:00:00Z", "2024-12-24T10:00:00Z");
    let second = vehicle("2024-12-24T10:00:00Z", "2024-12-24T12:00:00Z");
    let long = vehicle("2024-12-24T07:00:00Z", "2024-12-24T13:00:00Z");
    let story = fleet_of(2).when(reserve(1, 1, &first)).when(reserve(2, 1, &second)).when(reserve(3, 1, &long));
    assert!(is_reserved(&story));
    assert_eq!(story.state.vehicles_left(long.rental), Some(0));
}

#[test]
fn what_cannot_be_rented_is_refused_with_its_code() {
    let good = vehicle("2024-12-24T08:00:00Z", "2024-12-24T12:00:00Z");
    let cases = [
        (vehicle("2024-12-01T11:59:59Z", "2024-12-24T12:00:00Z"), Code::Past),
        (CarPart { price: pounds(1), ..good.clone() }, Code::PriceChanged),
    ];
    for (part, code) in cases {
        assert_eq!(refusal(&listed().when(reserve(1, 1, &part))), code, "{part:?}");
    }
    assert_eq!(refusal(&given::<Car>(&[]).when(reserve(1, 1, &good))), Code::NotFound);
    assert_eq!(refusal(&fleet_of(0).when(reserve(1, 1, &good))), Code::SoldOut);
    // This very moment is not past.
    assert!(is_reserved(&listed().when(reserve(1, 1, &vehicle(NOW, "2024-12-02T12:00:00Z")))));
}

#[test]
fn a_started_day_is_paid_as_a_day() {
    let cases = [
        ("2024-12-24T08:00:00Z", "2024-12-24T08:00:01Z", 1),
        ("2024-12-24T08:00:00Z", "2024-12-25T08:00:00Z", 1),
        ("2024-12-24T08:00:00Z", "2024-12-25T08:00:01Z", 2),
        // A day of 23 hours by the wall clock is still counted in 24 hours.
        ("2025-03-29T20:00:00Z", "2025-03-30T20:00:00Z", 1),
    ];
    for (pick_up, drop_off, days) in cases {
        let offer = listed().state.offer(vehicle(pick_up, drop_off).rental, at(NOW)).unwrap();
        assert_eq!((offer.price, offer.starts_at), (pounds(10_000 * days), instant(pick_up)));
    }
}

#[test]
fn no_offer_names_the_field_at_fault() {
    let rental = vehicle("2024-12-24T08:00:00Z", "2024-12-26T12:00:00Z").rental;
    let gone = vehicle("2024-11-24T08:00:00Z", "2024-12-26T12:00:00Z").rental;
    let dear = CarDetails { daily_price: pounds(1_000_000_000_000), ..car_details() };
    let dear = given::<Car>(&[CarEvent::CarListed { details: dear, business_date: day("2024-12-01") }]).state;
    let cases = [
        (Car::default().offer(rental, at(NOW)), Code::NotFound, "carId"),
        (listed().state.offer(gone, at(NOW)), Code::Past, "pickUpAt"),
        (dear.offer(rental, at(NOW)), Code::InvalidInput, "dropOffAt"),
    ];
    for (offer, code, field) in cases {
        let reason = offer.unwrap_err();
        assert_eq!((reason.failure.code, reason.field), (code, field));
    }
}

#[test]
fn the_same_message_again_writes_nothing_and_a_new_attempt_repeats_the_answer() {
    let part = vehicle("2024-12-24T08:00:00Z", "2024-12-24T12:00:00Z");
    let repeated = |direction, attempt| CarEvent::AnswerRepeated {
        booking: booking(1),
        answer: Answer { step: Step::Car, direction, attempt, outcome: Outcome::Done },
        business_date: day("2024-12-01"),
    };
    listed()
        .when(reserve(1, 1, &part))
        .when(reserve(1, 1, &part))
        .then(&[])
        .when(reserve(1, 2, &part))
        .then(&[repeated(Direction::Request, 2)])
        .when(release(1, 1, &part))
        .when(release(1, 1, &part))
        .then(&[])
        .when(release(1, 2, &part))
        .then(&[repeated(Direction::Undo, 2)]);
}

#[test]
fn a_cancel_that_comes_first_bars_the_late_request() {
    let part = vehicle("2024-12-24T08:00:00Z", "2024-12-24T12:00:00Z");
    for story in [listed(), given(&[])] {
        let story = story.when(release(1, 1, &part));
        assert!(matches!(story.events(), [CarEvent::ReservationBarred { .. }]));
        let story = story.when(reserve(1, 1, &part));
        assert_eq!(refusal(&story), Code::Conflict);
        story.when(reserve(1, 1, &part)).then(&[]).when(release(1, 1, &part)).then(&[]);
    }
}

#[test]
fn a_smaller_fleet_keeps_its_rentals() {
    let part = vehicle("2024-12-24T08:00:00Z", "2024-12-24T12:00:00Z");
    let story = fleet_of(2).when(reserve(1, 1, &part)).when(reserve(2, 1, &part));
    let story = story.when(upsert(CarDetails { vehicles: 1, ..car_details() }));
    assert_eq!(story.state.vehicles_left(part.rental), Some(0));
    let story = story.when(release(1, 1, &part)).when(reserve(3, 1, &part));
    assert_eq!(refusal(&story), Code::SoldOut);
    assert!(is_reserved(&story.when(release(2, 1, &part)).when(reserve(4, 1, &part))));
}

#[test]
fn the_same_details_again_write_nothing_and_too_many_vehicles_are_refused() {
    let too_many = CarDetails { vehicles: VEHICLES_MAX + 1, ..car_details() };
    let story = listed().when(upsert(car_details())).then(&[]).when(upsert(too_many));
    let story = story.then_error(&CarError::TooManyVehicles).when(upsert(CarDetails { vehicles: 9, ..car_details() }));
    assert!(matches!(story.events(), [CarEvent::CarChanged { .. }]));
}

#[test]
fn business_dates_are_those_of_the_location() {
    let details = CarDetails { time_zone: chrono_tz::Tz::Pacific__Auckland, ..car_details() };
    let story = given::<Car>(&[]).when(upsert(details));
    assert_eq!(story.events()[0].business_date(), day("2024-12-02"));
}

#[test]
fn a_rental_is_forgotten_a_month_after_it_ended() {
    let part = vehicle("2024-12-24T08:00:00Z", "2024-12-26T12:00:00Z");
    let story = listed().when(reserve(1, 1, &part)).when(release_at("2025-01-25T12:00:00Z", 1, 1, &part));
    assert!(matches!(story.events(), [CarEvent::VehicleReleased { .. }]));
    let story = listed().when(reserve(1, 1, &part)).when(release_at("2025-01-26T12:00:00Z", 1, 1, &part));
    assert!(matches!(story.events(), [CarEvent::AnswerRepeated { .. }]));
    assert!(story.state.memory().bookings.is_empty());
    assert_eq!(refusal(&story.when(reserve(2, 1, &part))), Code::Past, "also when the clock was set back");
}
