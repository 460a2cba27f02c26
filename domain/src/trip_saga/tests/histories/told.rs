//! The histories that are told: finished trips and trips half-way.

use super::super::{World, asked, card, declined, plan};
use crate::failure::{Code, Failure};
use crate::message::Direction;
use crate::payment::GatewayOutcome;
use crate::testing::samples::{earning, points, with_voucher};
use crate::trip::{PaymentPlan, Step, TripPlan};
use crate::trip_saga::attention::Resolution;

const PARTS: [(Step, &str); 3] = [(Step::Hotel, "hotel"), (Step::Flight, "flight"), (Step::Car, "car")];

pub(super) fn all() -> Vec<(String, World)> {
    let mut told = finished();
    told.extend(half_way());
    told.extend(with_deadlines());
    told.extend(with_an_operator());
    told.extend(of_a_member());
    told
}

fn run(mut world: World) -> World {
    world.run();
    world
}

/// All three parts by card, where one of them cannot be had.
fn without(missing: Step) -> World {
    let mut world = World::new([Step::Hotel, Step::Flight, Step::Car].map(|step| step != missing));
    world.request(plan([true; 3], card()));
    world
}

fn away() -> GatewayOutcome {
    GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway is away."))
}

fn finished() -> Vec<(String, World)> {
    let mut told = vec![
        ("succeeded-card".to_owned(), run(asked([true; 3], card()))),
        ("succeeded-none".to_owned(), run(asked([true; 3], PaymentPlan::None))),
    ];
    for (step, name) in PARTS {
        told.push((format!("refused-{name}"), run(without(step))));
        let mut world = asked([true; 3], card());
        world.faults.insert((step, Direction::Request), 3);
        told.push((format!("tries-used-up-{name}"), run(world)));
    }
    let mut world = asked([true; 3], card());
    world.gateway.script.push_back(declined());
    told.push(("declined".to_owned(), run(world)));
    let mut world = asked([true; 3], card());
    world.gateway.script.extend([away(), away()]);
    told.push(("payment-retried".to_owned(), run(world)));
    let mut world = asked([true; 3], card());
    world.cancel();
    world.run_with(|waiting| waiting - 1);
    told.push(("cancelled-before-the-start".to_owned(), world));
    let mut world = asked([true; 3], card());
    (0..4).for_each(|_| assert!(world.deliver(0)));
    world.cancel();
    told.push(("cancelled-under-way".to_owned(), run(world)));
    let mut world = run(asked([true; 3], card()));
    world.gateway.script.extend([away(), away()]);
    world.cancel();
    told.push(("cancelled-after-approval".to_owned(), run(world)));
    told
}

/// Delivers until the saga has written so many events.
fn until(mut world: World, events: usize) -> World {
    let written = |world: &World| world.log.iter().filter(|(stream, _)| *stream == super::trip().saga()).count();
    while written(&world) < events {
        assert!(world.deliver(0), "it ended before");
    }
    world
}

fn half_way() -> Vec<(String, World)> {
    let mut told = Vec::new();
    for events in 1..=5 {
        told.push((format!("half-way-forth-{events}"), until(asked([true; 3], card()), events)));
    }
    for events in 4..=6 {
        told.push((format!("half-way-back-{}", events - 3), until(without(Step::Car), events)));
    }
    for events in 7..=11 {
        let mut world = run(asked([true; 3], card()));
        world.cancel();
        told.push((format!("half-way-after-cancelling-{}", events - 6), until(world, events)));
    }
    let mut world = asked([true; 3], card());
    world.faults.insert((Step::Flight, Direction::Request), 1);
    told.push(("retry-awaited".to_owned(), until(world, 3)));
    let mut world = without(Step::Car);
    world.faults.insert((Step::Flight, Direction::Undo), 1);
    told.push(("undo-awaited".to_owned(), until(world, 5)));
    let mut world = asked([true; 3], card());
    while !world.names().contains(&"PaymentRequested".to_owned()) {
        assert!(world.deliver(0));
    }
    told.push(("call-in-flight".to_owned(), world));
    told
}

/// What came with the second definition: deadlines.
fn with_deadlines() -> Vec<(String, World)> {
    let mut told = Vec::new();
    for (step, name) in PARTS {
        let mut world = asked([true; 3], card());
        world.hold(step, Direction::Request);
        told.push((format!("deadline-{name}"), run(world)));
    }
    let mut world = asked([true; 3], card());
    world.hold(Step::Flight, Direction::Request);
    assert!(world.wake());
    told.push(("deadline-undoing".to_owned(), world));
    let mut world = asked([true; 3], card());
    let request = world.hold(Step::Flight, Direction::Request);
    world.outbox.push_back(request);
    assert!(world.deliver(0));
    let answer = world.outbox.pop_front().expect("an answer");
    assert!(world.wake());
    world.outbox.push_back(answer);
    told.push(("late-success".to_owned(), run(world)));
    let mut world = asked([true; 3], card());
    world.hold(Step::Payment, Direction::Request);
    assert!(world.wake());
    told.push(("payment-in-doubt".to_owned(), world));
    told
}

fn requested(plan: TripPlan) -> World {
    let mut world = World::new([true; 3]);
    world.request(plan);
    world
}

/// Delivers until an event of this name has happened.
fn until_named(mut world: World, name: &str) -> World {
    while !world.names().iter().any(|known| known == name) {
        assert!(world.deliver(0), "{name} never happens");
    }
    world
}

/// What came with the third definition: vouchers; and, beside it, points as payment and points that a trip brings.
fn of_a_member() -> Vec<(String, World)> {
    let by_points = || with_voucher(plan([true; 3], points()));
    let brings = || earning(with_voucher(plan([true; 3], card())));
    let mut told = vec![
        ("succeeded-points".to_owned(), run(requested(by_points()))),
        ("succeeded-earning".to_owned(), run(requested(brings()))),
    ];
    for (name, plan) in [("points", by_points()), ("earning", brings())] {
        let mut world = run(requested(plan.clone()));
        world.cancel();
        told.push((format!("cancelled-after-approval-{name}"), run(world)));
        let mut world = requested(plan);
        world.faults.insert((Step::Car, Direction::Request), 3);
        told.push((format!("tries-used-up-car-{name}"), run(world)));
    }
    let mut world = requested(by_points());
    world.hold(Step::Voucher, Direction::Request);
    told.push(("deadline-voucher".to_owned(), run(world)));
    let mut world = requested(by_points());
    world.lost_orders = 1;
    told.push(("points-asked-for-again".to_owned(), run(world)));
    let mut world = run(requested(by_points()));
    world.lost_orders = 1;
    world.cancel();
    told.push(("points-given-back-again".to_owned(), run(world)));
    for (name, event) in [
        ("half-way-voucher", "VoucherRedeemed"),
        ("half-way-points-asked", "PaymentRequested"),
        ("half-way-points-taken", "PointsRedeemed"),
        ("half-way-paid-with-points", "PaymentCompleted"),
        ("half-way-approved-with-points", "BookingApproved"),
    ] {
        told.push((name.to_owned(), until_named(requested(by_points()), event)));
    }
    for (name, event) in [
        ("half-way-points-asked-back", "PointsAsked"),
        ("half-way-points-restored", "PointsRestored"),
        ("half-way-voucher-returned", "VoucherReturned"),
    ] {
        let mut world = run(requested(by_points()));
        world.cancel();
        told.push((name.to_owned(), until_named(world, event)));
    }
    told.push(("half-way-earning".to_owned(), until_named(requested(brings()), "BookingApproved")));
    let mut world = run(requested(brings()));
    world.cancel();
    told.push(("half-way-reversing".to_owned(), until_named(world, "BookingCancelled")));
    told
}

/// The gateway has charged the card but tells nobody, until an operator is called.
fn payment_unknown() -> World {
    let mut world = asked([true; 3], card());
    world.gateway.silent = 3;
    attended(world)
}

/// The car could not be had, and the flight cannot be given back.
fn undo_stuck() -> World {
    let mut world = without(Step::Car);
    world.faults.insert((Step::Flight, Direction::Undo), 5);
    attended(world)
}

fn attended(mut world: World) -> World {
    while world.saga().attention().is_none() {
        assert!(world.deliver(0) || world.wake(), "no operator is called");
    }
    while world.deliver(0) {}
    world
}

fn with_an_operator() -> Vec<(String, World)> {
    let mark_done = || Resolution::MarkDone { reference: "ch_1".into() };
    let mut told = vec![
        ("attention-payment".to_owned(), payment_unknown()),
        ("attention-undo".to_owned(), undo_stuck()),
        ("attention-by-itself".to_owned(), run(payment_unknown())),
    ];
    for resolution in [Resolution::Retry, mark_done(), Resolution::MarkUndone, Resolution::GiveUp] {
        let mut world = payment_unknown();
        let verb = resolution.verb().as_str();
        world.resolve(resolution).expect("accepted");
        told.push((format!("resolved-payment-{verb}"), run(world)));
    }
    for resolution in [Resolution::Retry, Resolution::MarkUndone, Resolution::GiveUp] {
        let mut world = undo_stuck();
        let verb = resolution.verb().as_str();
        world.resolve(resolution).expect("accepted");
        told.push((format!("resolved-undo-{verb}"), run(world)));
    }
    let mut world = payment_unknown();
    world.cancel();
    while world.deliver(0) {}
    told.push(("cancelled-in-doubt".to_owned(), world));
    told
}
