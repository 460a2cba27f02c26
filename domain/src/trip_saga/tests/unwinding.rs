//! Every trip is made to fail at each step of the table in turn, in every way in which that step can fail, and everything is delivered
//! twice, the undos too: the log proves that each undo ran, once, in reverse.

use super::{
    World, asked, assert_ended, assert_ended_as, card, declined, parts_of, plan, released, steps_of, subsets, undone,
};
use crate::aggregate::Event;
use crate::failure::{Code, Failure};
use crate::message::{Body, Direction};
use crate::payment::{GatewayOutcome, PaymentEvent};
use crate::testing::samples::{earning, points, with_voucher};
use crate::trip::{PaymentPlan, Step, TripPlan};
use crate::trip_saga::TripSaga;
use crate::trip_saga::steps::{PIVOT, TRIES_MAX};

/// How a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A business no.
    Refused,
    /// Technical noes until the tries are used up.
    TriesUsedUp,
    /// The request is lost; the deadline passes.
    RequestLate,
    /// The step is done, but its answer comes after the deadline.
    AnswerLate,
    /// The traveller cancels while its answer is outstanding; it is done.
    Cancelled,
}

const WAYS: [Way; 5] = [Way::Refused, Way::TriesUsedUp, Way::RequestLate, Way::AnswerLate, Way::Cancelled];

/// The trips that are made to fail: every subset of parts, paid by card and with points, with a voucher, and one that brings points.
fn trips() -> impl Iterator<Item = TripPlan> {
    subsets().flat_map(|subset| {
        [
            plan(subset, card()),
            plan(subset, points()),
            with_voucher(plan(subset, points())),
            earning(with_voucher(plan(subset, card()))),
        ]
    })
}

/// Whether a step can fail in this way. A payment is never taken back on a deadline, and an account that does not answer is asked until it
/// does; an approval is tried until it is done.
fn can_fail(plan: &TripPlan, step: Step, way: Way) -> bool {
    let is_by_points = matches!(plan.payment, PaymentPlan::Redeem(_));
    match way {
        Way::Cancelled => true,
        Way::TriesUsedUp if step == PIVOT && is_by_points => false,
        Way::Refused | Way::TriesUsedUp => step <= PIVOT,
        Way::RequestLate | Way::AnswerLate => step < PIVOT,
    }
}

/// Delivers the next message twice. What could not be handled comes again by itself.
fn deliver_twice(world: &mut World) -> bool {
    let Some(message) = world.outbox.front().cloned() else { return false };
    let fails = match &message.body {
        Body::Instruction(asked) => {
            world.faults.get(&(asked.order.step(), asked.direction)).is_some_and(|left| *left > 0)
        }
        Body::Points(_) => world.lost_orders > 0,
        _ => false,
    };
    assert!(world.deliver(0));
    if !fails {
        let written = world.log.len();
        world.outbox.push_front(message);
        assert!(world.deliver(0) && world.log.len() == written, "the second time writes nothing");
    }
    true
}

fn run_twice(world: &mut World) {
    while deliver_twice(world) || world.wake() {}
    assert!(world.redelivery_writes_nothing(), "nor does everything once more");
}

/// Everything twice until the saga has asked for the step; the request is what comes next.
fn reach(world: &mut World, step: Step) {
    let is_asked = |world: &World| match world.outbox.front().map(|message| &message.body) {
        Some(Body::Instruction(asked)) => asked.order.step() == step && asked.direction == Direction::Request,
        _ => false,
    };
    while !is_asked(world) {
        assert!(deliver_twice(world), "{step:?} is never asked for");
    }
}

fn failed(plan: &TripPlan, step: Step, way: Way) -> World {
    let listed = [Step::Hotel, Step::Flight, Step::Car].map(|part| (part, way) != (step, Way::Refused));
    let mut world = World::new(listed);
    match (&plan.payment, step) {
        (PaymentPlan::Redeem(redeem), PIVOT) if way == Way::Refused => world.leave_points(redeem.points - 1),
        (_, Step::Voucher) if way == Way::Refused => world.use_up_voucher(),
        _ => {}
    }
    world.request(plan.clone());
    reach(&mut world, step);
    match way {
        Way::Refused if step == PIVOT => world.gateway.script.push_back(declined()),
        Way::TriesUsedUp if step == PIVOT => {
            let fault = GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway is away."));
            world.gateway.script.extend(vec![fault; TRIES_MAX as usize]);
        }
        Way::Refused => {}
        Way::TriesUsedUp => drop(world.faults.insert((step, Direction::Request), TRIES_MAX)),
        Way::RequestLate => {
            let request = world.outbox.pop_front().expect("a request");
            assert!(world.wake());
            world.outbox.push_back(request);
        }
        Way::AnswerLate => {
            assert!(world.deliver(0));
            let answer = world.outbox.pop_front().expect("an answer");
            assert!(world.wake());
            world.outbox.push_back(answer);
        }
        Way::Cancelled => {
            world.cancel();
            let cancellation = world.outbox.pop_back().expect("the cancellation");
            world.outbox.push_front(cancellation);
        }
    }
    run_twice(&mut world);
    world
}

fn count(world: &World, name: &str) -> usize {
    world.names().iter().filter(|known| *known == name).count()
}

/// The undos that must have run: of what was done, and of what may have been.
fn expected(plan: &TripPlan, step: Step, way: Way) -> Vec<Step> {
    let is_taken_back = |part: &Step| *part < PIVOT && (*part < step || (*part == step && way != Way::Refused));
    let parts = steps_of(plan).into_iter().rev().filter(is_taken_back);
    let is_paid = way == Way::Cancelled && step >= PIVOT;
    parts.chain(is_paid.then_some(PIVOT)).collect()
}

#[test]
fn whatever_step_fails_in_whatever_way_each_undo_runs_once_although_all_comes_twice() {
    let mut unwound = 0;
    for plan in trips() {
        for step in steps_of(&plan) {
            for way in WAYS.into_iter().filter(|way| can_fail(&plan, step, *way)) {
                let world = failed(&plan, step, way);
                let story = format!("{plan:?} {step:?} {way:?}: {:?}", world.names());
                assert_eq!(world.saga(), TripSaga::Compensated { resolved: None }, "{story}");
                assert_ended_as(&world, &plan);
                let undos = expected(&plan, step, way);
                assert_eq!(undone(&world), undos, "{story}");
                // What never reached its participant is barred there; the late request finds the bar.
                let is_barred = |part: Step| part == step && matches!(way, Way::TriesUsedUp | Way::RequestLate);
                for part in undos.iter().copied().filter(|part| *part < PIVOT) {
                    assert_eq!(count(&world, released(part)), usize::from(!is_barred(part)), "{story}");
                }
                let bars = undos.iter().filter(|part| is_barred(**part)).count();
                assert_eq!(count(&world, "ReservationBarred") + count(&world, "RedemptionBarred"), bars, "{story}");
                assert_eq!(count(&world, "BookingCancelled"), 1, "{story}");
                assert_refunded(&world, undos.contains(&PIVOT), &story);
                assert_points(&world, &plan, undos.contains(&PIVOT), &story);
                unwound += 1;
            }
        }
    }
    assert_eq!(unwound, 88 + 81 + 116 + 123, "every step of every trip, in every way");
}

/// Points came back once and whole, or were never taken; what the trip had brought was taken back once.
fn assert_points(world: &World, plan: &TripPlan, was_paid: bool, story: &str) {
    let by_points = usize::from(was_paid && matches!(plan.payment, PaymentPlan::Redeem(_)));
    assert_eq!((count(world, "PointsRedeemed"), count(world, "PointsRestored")), (by_points, by_points), "{story}");
    let brought = usize::from(plan.earns.is_some() && count(world, "BookingApproved") == 1);
    assert_eq!((count(world, "PointsEarned"), count(world, "PointsReversed")), (brought, brought), "{story}");
}

/// The money came back once and whole, or was never taken.
fn assert_refunded(world: &World, was_paid: bool, story: &str) {
    let total = world.log.iter().find_map(|(_, event)| match event {
        Event::Payment(PaymentEvent::PaymentCompleted { amount, .. }) => Some(*amount),
        _ => None,
    });
    let refunds = world.log.iter().filter_map(|(_, event)| match event {
        Event::Payment(PaymentEvent::PaymentCancelled { refunded, .. }) => Some(*refunded),
        _ => None,
    });
    assert_eq!(total.is_some(), was_paid, "{story}");
    assert_eq!(refunds.collect::<Vec<_>>(), total.into_iter().collect::<Vec<_>>(), "{story}");
}

#[test]
fn an_undo_that_is_asked_for_again_says_so_and_gives_nothing_back_twice() {
    for subset in subsets() {
        for part in parts_of(subset) {
            let mut world = asked(subset, card());
            world.run();
            world.cancel();
            // The undo is done and its answer held back: the deadline passes, and it comes again as a new attempt.
            let undo = world.hold(part, Direction::Undo);
            world.outbox.push_front(undo);
            assert!(world.deliver(0));
            let answer = world.outbox.pop_front().expect("an answer");
            assert!(world.wake() && world.wake());
            world.run();
            world.outbox.push_back(answer);
            world.run();
            assert_eq!((count(&world, "UndoRetried"), count(&world, "AnswerRepeated")), (1, 1));
            assert_eq!(count(&world, released(part)), 1);
            assert!(world.redelivery_writes_nothing());
            assert_ended(&world, subset, &card());
        }
    }
}

#[test]
fn an_order_that_never_reaches_the_account_is_asked_for_again_and_carried_out_once() {
    for plan in subsets().map(|subset| plan(subset, points())) {
        for lost in 1..=3 {
            let mut world = World::new([true; 3]);
            world.request(plan.clone());
            world.lost_orders = lost;
            run_twice(&mut world);
            assert!(matches!(world.saga(), TripSaga::Succeeded { .. }), "{:?}", world.names());
            assert_ended_as(&world, &plan);
            world.lost_orders = lost;
            world.cancel();
            run_twice(&mut world);
            assert_eq!(world.saga(), TripSaga::Compensated { resolved: None }, "{:?}", world.names());
            assert_ended_as(&world, &plan);
            assert_points(&world, &plan, true, &format!("{:?}", world.names()));
        }
    }
}

#[test]
fn a_voucher_of_a_cancelled_trip_serves_the_next_one() {
    let plan = with_voucher(plan([true; 3], points()));
    let mut world = World::new([true; 3]);
    world.request(plan.clone());
    world.run();
    assert_ended_as(&world, &plan);
    world.cancel();
    world.run();
    assert_ended_as(&world, &plan);
    let next = crate::testing::samples::booking(2);
    world.request_as(next, plan.clone());
    world.run();
    assert!(matches!(world.saga_of(next), TripSaga::Succeeded { .. }), "{:?}", world.names());
    assert!(world.voucher().is_used());
    assert_eq!(count(&world, "VoucherReturned"), 1);
    assert!(world.redelivery_writes_nothing());
}
