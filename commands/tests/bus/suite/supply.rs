//! Hotels, flights and cars: what stands, what is refused, what is cancelled.

use futures::future::join_all;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::trip::PaymentPlan;

use super::stage::Scene;

/// Whether a hotel, a flight and a car are part of the trip: every set but the empty one.
const SETS: [(bool, bool, bool); 7] = [
    (true, true, true),
    (true, true, false),
    (true, false, true),
    (true, false, false),
    (false, true, true),
    (false, true, false),
    (false, false, true),
];

pub(super) async fn every_set_of_parts_stands(scene: Scene<'_>) {
    scene.supply(10, 10, 10).await;
    let trips = SETS.iter().enumerate().map(async |(number, (hotel, flight, car))| {
        let whole = scene.trip(PaymentPlan::None);
        let wanted = TripRequest {
            hotel: whole.hotel.filter(|_| *hotel),
            flight: whole.flight.filter(|_| *flight),
            car: whole.car.filter(|_| *car),
            ..whole
        };
        let booking = scene.book_as("tests", wanted, &number.to_string()).await;
        scene.until(booking, "SagaSucceeded").await;
        let parts = [
            (Context::Hotel, *hotel, "RoomsReserved"),
            (Context::Flight, *flight, "SeatsReserved"),
            (Context::Car, *car, "VehicleReserved"),
        ];
        for (context, is_part, name) in parts {
            let expected: &[&str] = if is_part { &[name] } else { &[] };
            assert_eq!(scene.story(context, booking).await, expected, "{context:?} of {:?}", SETS[number]);
        }
        assert_eq!(scene.story(Context::Payment, booking).await, ["PaymentRequested", "PaymentCompleted"]);
    });
    join_all(trips).await;
}

/// The last room, the last seat and the last car are each wanted by two.
pub(super) async fn whatever_is_sold_out_gives_back_what_came_before(scene: Scene<'_>) {
    for (rooms, seats, vehicles, last) in [
        (1, 9, 9, Context::Hotel),
        // What the first trip of the round before has left.
        (9, 2, 9, Context::Flight),
        (9, 9, 3, Context::Car),
    ] {
        scene.supply(rooms, seats, vehicles).await;
        let stands = scene.book(PaymentPlan::None, &format!("{last:?} stands")).await;
        scene.until(stands, "SagaSucceeded").await;
        let fails = scene.book(PaymentPlan::None, &format!("{last:?} fails")).await;
        scene.until(fails, "SagaCompensated").await;
        let parts = [
            (Context::Hotel, "RoomsReserved", "RoomsReleased", "RoomsRefused"),
            (Context::Flight, "SeatsReserved", "SeatsReleased", "SeatsRefused"),
            (Context::Car, "VehicleReserved", "VehicleReleased", "VehicleRefused"),
        ];
        for (context, reserved, released, refused) in parts {
            let story = scene.story(context, fails).await;
            let expected: &[&str] = match context.cmp(&last) {
                std::cmp::Ordering::Less => &[reserved, released],
                std::cmp::Ordering::Equal => &[refused],
                std::cmp::Ordering::Greater => &[],
            };
            assert_eq!(story, expected, "{context:?} when the last of {last:?} is taken");
        }
    }
}

/// Each trip is cancelled once so many of its steps are done; the last one when it stands.
pub(super) async fn a_cancellation_at_any_stage_takes_everything_back(scene: Scene<'_>) {
    scene.supply(10, 10, 10).await;
    let trips = (0..=5_usize).map(async |steps| {
        let booking = scene.book(PaymentPlan::None, &steps.to_string()).await;
        match steps {
            0..=4 => scene.until_times(booking, "StepSucceeded", steps).await,
            _ => scene.until(booking, "SagaSucceeded").await,
        }
        assert!(scene.cancel(booking).await.changed);
        scene.until(booking, "SagaCompensated").await;
        assert!(!scene.cancel(booking).await.changed, "it is so already");
        for (context, released) in
            [(Context::Hotel, "RoomsReleased"), (Context::Flight, "SeatsReleased"), (Context::Car, "VehicleReleased")]
        {
            let story = scene.story(context, booking).await;
            assert!(story.last().is_none_or(|last| last == released), "{context:?}: {story:?}");
        }
    });
    join_all(trips).await;
}
