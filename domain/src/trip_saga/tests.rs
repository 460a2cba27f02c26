mod attention;
mod cancellations;
mod deadlines;
mod endings;
mod explorer;
mod faults;
mod histories;
mod money;
mod reference_system;
mod unwinding;

use std::collections::BTreeSet;

use crate::aggregate::{Aggregate, Event};
use crate::booking::Booking;
use crate::failure::{Code, Failure};
use crate::payment::GatewayOutcome;
use crate::testing::samples::{ON_SALE, car_id, card, day, flight_id, hotel_id, trip as plan};
use crate::testing::world::{World, trip};
use crate::trip::{PaymentPlan, Step, TripPlan};
use crate::trip_saga::steps::{CURRENT, PIVOT};
use crate::trip_saga::{TripSaga, TripSagaEvent};

/// Every non-empty subset of hotel, flight and car.
fn subsets() -> impl Iterator<Item = [bool; 3]> {
    (1..8u8).map(|bits| [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0])
}

const PARTS: [Step; 3] = [Step::Hotel, Step::Flight, Step::Car];

fn parts_of(subset: [bool; 3]) -> Vec<Step> {
    PARTS.into_iter().zip(subset).filter(|(_, there)| *there).map(|(step, _)| step).collect()
}

fn reserved(step: Step) -> &'static str {
    ["VoucherRedeemed", "RoomsReserved", "SeatsReserved", "VehicleReserved"][step as usize]
}

fn refused(step: Step) -> &'static str {
    ["VoucherRefused", "RoomsRefused", "SeatsRefused", "VehicleRefused"][step as usize]
}

fn released(step: Step) -> &'static str {
    ["VoucherReturned", "RoomsReleased", "SeatsReleased", "VehicleReleased"][step as usize]
}

fn declined() -> GatewayOutcome {
    GatewayOutcome::Refused(Failure::new(Code::PaymentDeclined, "The card was declined: use another one."))
}

/// A world in which a trip was asked for and nothing delivered yet.
fn asked(subset: [bool; 3], payment: PaymentPlan) -> World {
    let mut world = World::new([true; 3]);
    world.request(plan(subset, payment));
    world
}

/// The parts that trips hold, the voucher too, as the participants see it.
fn held(world: &World) -> BTreeSet<Step> {
    let mut held = BTreeSet::new();
    if world.has_voucher() {
        held.insert(Step::Voucher);
    }
    if let Aggregate::Hotel(hotel) = world.aggregate(hotel_id().stream())
        && hotel.rooms_left("DBL", day("2024-12-24")).is_some_and(|left| left < ON_SALE)
    {
        held.insert(Step::Hotel);
    }
    if let Aggregate::Flight(flight) = world.aggregate(flight_id().stream())
        && flight.seats_left("ECONOMY").is_some_and(|left| left < ON_SALE)
    {
        held.insert(Step::Flight);
    }
    if let Aggregate::Car(car) = world.aggregate(car_id().stream())
        && car.vehicles_left(plan([true; 3], card()).car.expect("a car").rental).is_some_and(|left| left < ON_SALE)
    {
        held.insert(Step::Car);
    }
    held
}

/// Everything stands or nothing does, for the booking, the saga, the participants and the money alike.
fn assert_ended(world: &World, subset: [bool; 3], payment: &PaymentPlan) {
    assert_ended_as(world, &plan(subset, payment.clone()));
}

/// The same for a trip with a voucher, or one that brings points.
fn assert_ended_as(world: &World, plan: &TripPlan) {
    let Aggregate::Booking(booking) = world.aggregate(trip().stream()) else { panic!("no booking") };
    let (money, points) = match &plan.payment {
        PaymentPlan::Card(_) => (plan.total.minor, 0),
        PaymentPlan::Redeem(redeem) => (0, redeem.points),
        PaymentPlan::None | PaymentPlan::Points => (0, 0),
    };
    match world.saga() {
        TripSaga::Succeeded { .. } => {
            assert!(matches!(booking, Booking::Approved { .. }), "{booking:?}");
            assert_eq!(held(world), steps_of(plan).into_iter().filter(|step| *step < PIVOT).collect());
            assert_eq!(world.gateway.kept, money);
            let earned = plan.earns.map_or(0, |earns| earns.points);
            assert_eq!(world.account().balance(), world.points_before() - points + earned);
        }
        TripSaga::Compensated { .. } => {
            assert!(matches!(booking, Booking::Cancelled { .. }), "{booking:?}");
            assert_eq!(held(world), BTreeSet::new());
            assert_eq!(world.gateway.kept, 0);
            assert_eq!(world.account().balance(), world.points_before());
        }
        other => panic!("not ended: {other:?}"),
    }
}

fn steps_of(plan: &TripPlan) -> Vec<Step> {
    CURRENT.steps_of(plan)
}

/// The steps that were taken back, in order.
fn undone(world: &World) -> Vec<Step> {
    let undo = |event: &Event| match event {
        Event::TripSaga(TripSagaEvent::UndoSucceeded { step, .. }) => Some(*step),
        _ => None,
    };
    world.log.iter().filter_map(|(_, event)| undo(event)).collect()
}
