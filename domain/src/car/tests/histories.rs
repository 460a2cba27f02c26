//! Random and long histories: never more rentals than vehicles, always repeatable, always small.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{fleet_of, upsert};
use crate::car::levels::Levels;
use crate::car::{Car, CarCommand, CarDetails, CarEvent};
use crate::failure::Code;
use crate::occasion::Occasion;
use crate::rental::Rental;
use crate::testing::samples::{NOW, booking, car_details, day, instant, vehicle_for};
use crate::testing::{at, given, stored_and_read};

/// Hours over which the rentals of random histories are spread.
const SPAN_HOURS: i64 = 12;

fn hour(number: i64) -> DateTime<Utc> {
    instant("2024-12-24T00:00:00Z") + TimeDelta::hours(number)
}

fn rental(from: i64, hours: i64) -> Rental {
    Rental::new(hour(from), hour(from + hours)).expect("a rental")
}

/// Vehicles that rentals need at the hour that needs most, counted one by one.
fn needed(rentals: &[Rental]) -> u32 {
    let out = |at: DateTime<Utc>| rentals.iter().filter(|r| r.pick_up() <= at && at < r.drop_off()).count();
    (0..2 * SPAN_HOURS).map(|number| out(hour(number))).max().unwrap_or(0).try_into().expect("few")
}

fn command(verb: u8, trip: u128, attempt: u32, (from, hours): (i64, i64)) -> CarCommand {
    let (booking, occasion) = (booking(trip), at(NOW));
    let part = vehicle_for(rental(from, hours));
    match verb {
        0..4 => CarCommand::Reserve { booking, attempt, part, occasion },
        4..7 => CarCommand::Release { booking, attempt, part, occasion },
        _ => upsert(CarDetails { vehicles: hours.try_into().expect("few"), ..car_details() }),
    }
}

proptest! {
    #[test]
    fn never_more_rentals_at_any_instant_than_vehicles(
        acts in prop::collection::vec((0..8u8, 0..12u128, 1..3u32, (0..SPAN_HOURS, 1..6i64)), 1..100)
    ) {
        let mut car = fleet_of(2).state;
        let (mut held, mut vehicles) = (BTreeMap::new(), 2);
        for (verb, trip, attempt, span) in acts {
            for event in car.decide(command(verb, trip, attempt, span)).unwrap() {
                match &event {
                    CarEvent::VehicleReserved { booking, part, .. } => {
                        prop_assert!(held.insert(*booking, part.rental).is_none(), "rented twice to one trip");
                        prop_assert!(needed_within(&part.rental, held.values()) <= vehicles);
                    }
                    CarEvent::VehicleRefused { part, failure, .. } if failure.code != Code::Conflict => {
                        prop_assert!(needed_within(&part.rental, held.values()) >= vehicles, "refused what was free");
                    }
                    CarEvent::VehicleReleased { booking, part, .. } => {
                        prop_assert_eq!(held.remove(booking), Some(part.rental));
                    }
                    CarEvent::CarChanged { details, .. } => vehicles = details.vehicles,
                    _ => {}
                }
                car.apply(&event);
            }
            car = stored_and_read(&car);
        }
        let span = rental(0, 2 * SPAN_HOURS);
        prop_assert_eq!(car.vehicles_left(span), Some(vehicles.saturating_sub(needed(&held.into_values().collect::<Vec<_>>()))));
    }

    #[test]
    fn the_order_of_rentals_does_not_matter(spans in prop::collection::vec((0..SPAN_HOURS, 1..6i64), 1..20)) {
        let rentals: Vec<Rental> = spans.into_iter().map(|(from, hours)| rental(from, hours)).collect();
        let (mut forth, mut back) = (Levels::default(), Levels::default());
        for (one, other) in rentals.iter().zip(rentals.iter().rev()) {
            forth.take(*one);
            back.take(*other);
        }
        prop_assert_eq!(&forth, &back);
        for rental in rentals {
            forth.give_back(rental);
        }
        prop_assert_eq!(forth, Levels::default());
    }
}

/// Vehicles that are out at the hour within `span` that needs most.
fn needed_within<'a>(span: &Rental, held: impl Iterator<Item = &'a Rental>) -> u32 {
    let clipped =
        held.filter_map(|r| Rental::new(r.pick_up().max(span.pick_up()), r.drop_off().min(span.drop_off())).ok());
    needed(&clipped.collect::<Vec<_>>())
}

/// The `number`th day's job: a rental of three days in a week, a cancellation of every third.
fn daily_jobs(number: i64) -> Vec<CarCommand> {
    let occasion = Occasion { at: instant(NOW) + TimeDelta::days(number), entropy: 0 };
    let pick_up = occasion.at + TimeDelta::days(7);
    let part = vehicle_for(Rental::new(pick_up, pick_up + TimeDelta::days(3)).expect("a rental"));
    let booking = booking(number.unsigned_abs().into());
    let mut jobs = vec![CarCommand::Reserve { booking, attempt: 1, part: part.clone(), occasion }];
    if number % 3 == 0 {
        jobs.push(CarCommand::Release { booking, attempt: 1, part, occasion });
    }
    jobs
}

#[test]
fn years_of_history_leave_a_small_state_that_replay_repeats() {
    let mut log = vec![CarEvent::CarListed { details: car_details(), business_date: day("2024-12-01") }];
    let mut car = given::<Car>(&log).state;
    let mut restarted = None;
    for job in (0..5 * 365).flat_map(daily_jobs) {
        for event in car.decide(job).expect("no error") {
            car.apply(&event);
            log.push(event);
        }
        if log.len() == 1_000 {
            restarted = Some((stored_and_read(&car), log.len()));
        }
    }
    assert!(car.memory().bookings.len() < 50, "{} bookings", car.memory().bookings.len());
    assert!(serde_json::to_string(&car).expect("JSON").len() < 20_000);
    assert_eq!(given::<Car>(&log).state, car);
    let (mut from_snapshot, read) = restarted.expect("a thousand events");
    log[read..].iter().for_each(|event| from_snapshot.apply(event));
    assert_eq!(from_snapshot, car);
}

#[test]
fn a_rental_half_forgotten_is_given_back_whole() {
    // It began so long ago that its first days are forgotten, and is cancelled before it ends.
    let long = Rental::new(instant("2024-12-02T08:00:00Z"), instant("2025-04-01T08:00:00Z")).expect("a rental");
    let job = |instant| Occasion { at: instant, entropy: 0 };
    let (part, booking) = (vehicle_for(long), booking(1));
    let reserve = CarCommand::Reserve { booking, attempt: 1, part: part.clone(), occasion: at(NOW) };
    let story = fleet_of(1).when(reserve);
    let occasion = job(instant("2025-03-01T08:00:00Z"));
    let story = story.when(CarCommand::Upsert {
        details: CarDetails { vehicles: 1, name: "Another".into(), ..car_details() },
        occasion,
    });
    let ahead = Rental::new(instant("2025-03-02T08:00:00Z"), instant("2025-03-03T08:00:00Z")).expect("a rental");
    assert_eq!(story.state.vehicles_left(ahead), Some(0));
    let story = story.when(CarCommand::Release { booking, attempt: 1, part, occasion });
    assert_eq!(story.state.vehicles_left(ahead), Some(1));
    let all = Rental::new(instant("2025-02-15T08:00:00Z"), instant("2025-12-01T08:00:00Z")).expect("a rental");
    assert_eq!(story.state.vehicles_left(all), Some(1));
}
