//! How trips end without anybody's help: approved, or taken back in exact reverse.

use proptest::prelude::*;

use super::{
    PARTS, World, asked, assert_ended, assert_ended_as, card, declined, parts_of, plan, refused, released, reserved,
    subsets, undone,
};
use crate::aggregate::Event;
use crate::failure::{Code, Failure};
use crate::message::Direction;
use crate::payment::{GatewayOutcome, PaymentEvent};
use crate::testing::samples::{earning, points, with_voucher};
use crate::testing::world::trip;
use crate::trip::{PaymentPlan, Step, TripPlan};
use crate::trip_saga::{TripSaga, TripSagaEvent};

#[test]
fn a_whole_trip_is_thirteen_events_in_this_order() {
    let mut world = asked([true; 3], PaymentPlan::None);
    world.run();
    assert_eq!(
        world.names(),
        [
            "BookingRequested",
            "SagaStarted",
            "RoomsReserved",
            "StepSucceeded",
            "SeatsReserved",
            "StepSucceeded",
            "VehicleReserved",
            "StepSucceeded",
            "PaymentRequested",
            "PaymentCompleted",
            "StepSucceeded",
            "BookingApproved",
            "SagaSucceeded",
        ]
    );
    assert_ended(&world, [true; 3], &PaymentPlan::None);
}

#[test]
fn with_a_card_the_first_commit_ends_before_the_gateway_is_asked() {
    let mut world = asked([true; 3], card());
    while world.log.len() < 9 {
        assert!(world.deliver(0));
    }
    assert_eq!(world.names().last().map(String::as_str), Some("PaymentRequested"));
    assert_eq!(world.gateway.kept, 0);
    world.run();
    assert_eq!(world.log.len(), 13);
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn a_refused_car_gives_back_flight_and_hotel() {
    let mut world = World::new([true, true, false]);
    world.request(plan([true; 3], card()));
    world.run();
    assert_eq!(
        world.names()[6..],
        [
            "VehicleRefused",
            "StepRefused",
            "SeatsReleased",
            "UndoSucceeded",
            "RoomsReleased",
            "UndoSucceeded",
            "BookingCancelled",
            "SagaCompensated",
        ]
    );
    assert_ended(&world, [true; 3], &card());
}

/// The events of a trip whose part `failing`, or whose payment if absent, is refused.
fn refused_trip(subset: [bool; 3], failing: Option<Step>) -> Vec<&'static str> {
    let done: Vec<Step> = parts_of(subset).into_iter().take_while(|step| Some(*step) != failing).collect();
    let forth = done.iter().flat_map(|step| [reserved(*step), "StepSucceeded"]);
    let failure = match failing {
        Some(step) => vec![refused(step)],
        None => vec!["PaymentRequested", "PaymentFailed"],
    };
    let back = done.iter().rev().flat_map(|step| [released(*step), "UndoSucceeded"]);
    let start = ["BookingRequested", "SagaStarted"].into_iter();
    let end = ["BookingCancelled", "SagaCompensated"];
    start.chain(forth).chain(failure).chain(["StepRefused"]).chain(back).chain(end).collect()
}

#[test]
fn every_refusal_of_every_trip_is_undone_in_exact_reverse() {
    for subset in subsets() {
        for failing in parts_of(subset) {
            let mut world = World::new(PARTS.map(|step| step != failing));
            world.request(plan(subset, card()));
            world.run();
            assert_eq!(world.names(), refused_trip(subset, Some(failing)));
            assert_ended(&world, subset, &card());
            assert!(world.redelivery_writes_nothing());
        }
        let mut world = asked(subset, card());
        world.gateway.script.push_back(declined());
        world.run();
        assert_eq!(world.names(), refused_trip(subset, None));
        assert_ended(&world, subset, &card());
        assert!(world.redelivery_writes_nothing());
    }
}

#[test]
fn every_subset_of_parts_can_be_booked() {
    for subset in subsets() {
        for payment in [card(), PaymentPlan::None] {
            let mut world = asked(subset, payment.clone());
            world.run();
            assert!(matches!(world.saga(), TripSaga::Succeeded { .. }));
            assert_ended(&world, subset, &payment);
            assert!(world.redelivery_writes_nothing());
        }
    }
}

#[test]
fn with_a_members_points_a_trip_is_one_commit_and_needs_no_gateway() {
    let mut world = asked([true; 3], points());
    while world.deliver(0) {}
    let names = world.names();
    assert_eq!(
        names[8..],
        ["PaymentRequested", "PointsRedeemed", "PaymentCompleted", "StepSucceeded", "BookingApproved", "SagaSucceeded"]
    );
    assert_ended(&world, [true; 3], &points());
}

#[test]
fn too_few_points_give_back_all_that_was_booked() {
    let plan = with_voucher(plan([true; 3], points()));
    let mut world = World::new([true; 3]);
    world.leave_points(plan.total.minor.unsigned_abs() - 1);
    world.request(plan.clone());
    world.run();
    assert_eq!(
        world.names()[10..],
        [
            "PaymentRequested",
            "RedemptionRefused",
            "PaymentFailed",
            "StepRefused",
            "VehicleReleased",
            "UndoSucceeded",
            "SeatsReleased",
            "UndoSucceeded",
            "RoomsReleased",
            "UndoSucceeded",
            "VoucherReturned",
            "UndoSucceeded",
            "BookingCancelled",
            "SagaCompensated",
        ]
    );
    assert_ended_as(&world, &plan);
    let Some((_, Event::TripSaga(TripSagaEvent::SagaCompensated { failure: Some(failed) }))) = world.log.last() else {
        panic!("no cause: {:?}", world.log.last());
    };
    assert_eq!((failed.step, failed.failure.code), (Step::Payment, Code::InsufficientFunds));
}

#[test]
fn points_are_refused_where_nobody_is_a_member() {
    let mut world = asked([true; 3], PaymentPlan::Points);
    world.run();
    let refused = |event: &Event| match event {
        Event::Payment(PaymentEvent::PaymentFailed { failure, .. }) => Some(failure.code),
        _ => None,
    };
    let codes: Vec<Code> = world.log.iter().filter_map(|(_, event)| refused(event)).collect();
    assert_eq!(codes, [Code::PaymentMethodUnavailable]);
    assert_ended(&world, [true; 3], &PaymentPlan::Points);
}

#[test]
fn the_cause_reaches_the_booking_and_the_end_of_the_saga() {
    let mut world = asked([true; 3], card());
    world.gateway.script.push_back(declined());
    world.run();
    let Some((_, Event::TripSaga(TripSagaEvent::SagaCompensated { failure: Some(failed) }))) = world.log.last() else {
        panic!("no cause: {:?}", world.log.last());
    };
    assert_eq!((failed.step, failed.failure.code), (Step::Payment, Code::PaymentDeclined));
    let cancelled = world.log.iter().find_map(|(stream, event)| match event {
        Event::Booking(crate::booking::BookingEvent::BookingCancelled { failure, .. })
            if *stream == trip().stream() =>
        {
            failure.clone()
        }
        _ => None,
    });
    assert_eq!(cancelled.as_ref(), Some(failed));
}

const CURRENT_STEPS: [Step; 6] = [Step::Voucher, Step::Hotel, Step::Flight, Step::Car, Step::Payment, Step::Approve];

/// What may go wrong in one trip.
#[derive(Debug, Clone)]
struct Weather {
    parts: [bool; 3],
    listed: [bool; 3],
    payment: PaymentPlan,
    has_voucher: bool,
    earns: bool,
    /// The voucher is used, the points are spent.
    taken: [bool; 2],
    lost_orders: u32,
    gateway: Vec<u8>,
    faults: Vec<(Step, Direction, u32)>,
    /// After how many deliveries the traveller cancels, if at all.
    cancelled_after: Option<usize>,
    /// Which of the waiting messages comes next.
    choices: Vec<usize>,
}

fn weather() -> impl Strategy<Value = Weather> {
    let steps = prop::sample::select(CURRENT_STEPS.to_vec());
    let faults = (steps, prop::sample::select(vec![Direction::Request, Direction::Undo]), 1..5u32);
    (
        prop::sample::select(subsets().collect::<Vec<_>>()),
        prop::array::uniform3(prop::bool::weighted(0.85)),
        prop::sample::select(vec![card(), card(), PaymentPlan::None, points(), points(), PaymentPlan::Points]),
        (prop::bool::ANY, prop::bool::ANY, prop::array::uniform2(prop::bool::weighted(0.15)), 0..3u32),
        prop::collection::vec(0..4u8, 0..6),
        prop::collection::vec(faults, 0..4),
        prop::option::of(0..30usize),
        prop::collection::vec(0..4usize, 64),
    )
        .prop_map(|(parts, listed, payment, means, gateway, faults, cancelled_after, choices)| Weather {
            parts,
            listed,
            payment,
            has_voucher: means.0,
            earns: means.1,
            taken: means.2,
            lost_orders: means.3,
            gateway,
            faults,
            cancelled_after,
            choices,
        })
}

fn world_in(weather: &Weather) -> World {
    let mut world = World::new(weather.listed);
    world.faults = weather.faults.iter().map(|(step, direction, count)| ((*step, *direction), *count)).collect();
    let yes = |number: usize| GatewayOutcome::Done { reference: format!("ch_{number}") };
    let outcomes = weather.gateway.iter().enumerate().map(|(number, kind)| match kind {
        0 => declined(),
        1 => GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway is away.")),
        _ => yes(number),
    });
    world.gateway.script = outcomes.collect();
    world.lost_orders = weather.lost_orders;
    let [voucher, points] = weather.taken;
    if voucher {
        world.use_up_voucher();
    }
    if points {
        world.leave_points(1);
    }
    world
}

/// The trip that is asked for. What is paid with points brings none.
fn plan_in(weather: &Weather) -> TripPlan {
    let plan = plan(weather.parts, weather.payment.clone());
    let plan = if weather.has_voucher { with_voucher(plan) } else { plan };
    if weather.earns && !matches!(weather.payment, PaymentPlan::Redeem(_)) { earning(plan) } else { plan }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn whatever_happens_everything_stands_or_nothing_does(weather in weather()) {
        let mut world = world_in(&weather);
        let plan = plan_in(&weather);
        world.request(plan.clone());
        let mut choices = weather.choices.iter().cycle();
        let mut choose = |waiting: usize| choices.next().map_or(0, |choice| choice % waiting);
        for _ in 0..weather.cancelled_after.unwrap_or(0) {
            if world.outbox.is_empty() {
                world.wake();
            } else {
                world.deliver(choose(world.outbox.len()));
            }
        }
        if weather.cancelled_after.is_some() {
            world.cancel();
        }
        world.run_with(choose);
        assert_ended_as(&world, &plan);
        if weather.cancelled_after.is_some() || (weather.taken[0] && weather.has_voucher) {
            prop_assert_eq!(world.saga(), TripSaga::Compensated { resolved: None });
        }
        prop_assert!(world.redelivery_writes_nothing());
        // The parts come back in reverse, the refund after them.
        let undone = undone(&world);
        let parts: Vec<Step> = undone.iter().copied().filter(|step| *step < Step::Payment).collect();
        prop_assert!(parts.is_sorted_by(|one, next| one > next), "{undone:?}");
        prop_assert!(undone.iter().position(|step| *step == Step::Payment).is_none_or(|place| place == parts.len()));
    }
}
