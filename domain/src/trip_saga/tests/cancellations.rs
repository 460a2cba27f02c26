//! The traveller cancels: at once recorded, never half done.

use super::{asked, assert_ended, card, plan, undone};
use crate::aggregate::{Aggregate, Event};
use crate::booking::{BookingCommand, BookingError, BookingEvent};
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, Outcome};
use crate::payment::PaymentEvent;
use crate::testing::samples::{NOW, instant};
use crate::testing::world::{World, trip};
use crate::testing::{at, given};
use crate::trip::{PaymentPlan, Step};
use crate::trip_saga::{Awaiting, TripSaga, TripSagaCommand, TripSagaEvent};

/// Delivers until the last event has this name.
fn until(world: &mut World, name: &str, count: usize) {
    while world.names().iter().filter(|known| *known == name).count() < count {
        assert!(world.deliver(0), "{name} never came: {:?}", world.names());
    }
}

#[test]
fn at_every_single_moment_of_a_trip_a_cancellation_takes_all_back() {
    for payment in [card(), PaymentPlan::None] {
        let mut whole = asked([true; 3], payment.clone());
        let mut deliveries = 0;
        while whole.deliver(0) {
            deliveries += 1;
        }
        for moment in 0..=deliveries {
            // The cancellation may overtake what waits, or come after it.
            for place in [0, usize::MAX] {
                let mut world = asked([true; 3], payment.clone());
                (0..moment).for_each(|_| assert!(world.deliver(0)));
                world.cancel();
                world.run_with(|waiting| place.min(waiting - 1));
                assert_ended(&world, [true; 3], &payment);
                assert_eq!(world.saga(), TripSaga::Compensated { resolved: None });
                assert!(world.redelivery_writes_nothing());
            }
        }
    }
}

#[test]
fn before_it_began_nothing_is_reserved_at_all() {
    let mut world = asked([true; 3], card());
    world.cancel();
    // The cancellation reaches the saga before the start does.
    world.run_with(|waiting| waiting - 1);
    assert_eq!(
        world.names(),
        [
            "BookingRequested",
            "CancellationRequested",
            "CancellationNoted",
            "SagaStarted",
            "BookingCancelled",
            "SagaCompensated"
        ]
    );
}

#[test]
fn an_outstanding_answer_is_awaited_and_then_taken_back() {
    let mut world = asked([true; 3], card());
    until(&mut world, "SeatsReserved", 1);
    world.cancel();
    world.run_with(|waiting| waiting - 1);
    assert_eq!(
        world.names()[5..],
        [
            "CancellationRequested",
            "CancellationNoted",
            "StepSucceeded",
            "SeatsReleased",
            "UndoSucceeded",
            "RoomsReleased",
            "UndoSucceeded",
            "BookingCancelled",
            "SagaCompensated",
        ]
    );
    assert_eq!(undone(&world), [Step::Flight, Step::Hotel]);
}

#[test]
fn while_a_retry_is_awaited_it_goes_back_at_once_and_never_retries() {
    let mut world = asked([true; 3], card());
    world.faults.insert((Step::Flight, Direction::Request), 1);
    until(&mut world, "StepFaulted", 1);
    world.cancel();
    while world.deliver(0) {}
    assert_eq!(world.saga(), TripSaga::Compensated { resolved: None }, "without waiting for the retry");
    assert_eq!(undone(&world), [Step::Flight, Step::Hotel], "the flight may have been reserved");
    assert!(!world.names().contains(&"StepRetried".to_owned()));
    assert!(!world.wake());
}

#[test]
fn while_the_money_is_on_its_way_its_outcome_is_awaited() {
    let mut world = asked([true; 3], card());
    until(&mut world, "PaymentRequested", 1);
    world.cancel();
    // The cancellation overtakes the call to the gateway, which succeeds all the same: the pivot is passed.
    world.run_with(|waiting| waiting - 1);
    assert_eq!(
        world.names()[9..],
        [
            "CancellationRequested",
            "CancellationNoted",
            "PaymentCompleted",
            "StepSucceeded",
            "BookingApproved",
            "StepSucceeded",
            "VehicleReleased",
            "UndoSucceeded",
            "SeatsReleased",
            "UndoSucceeded",
            "RoomsReleased",
            "UndoSucceeded",
            "RefundRequested",
            "PaymentCancelled",
            "UndoSucceeded",
            "BookingCancelled",
            "SagaCompensated",
        ]
    );
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn after_approval_all_comes_back_and_the_refund_carries_the_amount() {
    let mut world = asked([true; 3], card());
    world.run();
    world.cancel();
    world.run();
    assert_eq!(undone(&world), [Step::Car, Step::Flight, Step::Hotel, Step::Payment]);
    let refunded = world.log.iter().find_map(|(_, event)| match event {
        Event::Payment(PaymentEvent::PaymentCancelled { refunded, .. }) => Some(*refunded),
        _ => None,
    });
    assert_eq!(refunded, Some(plan([true; 3], card()).total));
    assert!(matches!(world.log.last(), Some((_, Event::TripSaga(TripSagaEvent::SagaCompensated { failure: None })))));
}

#[test]
fn a_trip_that_has_begun_is_not_cancelled() {
    let mut world = asked([true; 3], card());
    world.run();
    let Aggregate::Booking(booking) = world.aggregate(trip().stream()) else { panic!("no booking") };
    let at = instant("2024-12-24T00:00:00Z");
    assert_eq!(
        booking.decide(BookingCommand::Cancel { reason: None, at }),
        Err(BookingError::TripBegun { starts_at: at })
    );
}

#[test]
fn a_second_cancellation_writes_nothing() {
    let mut world = asked([true; 3], card());
    world.cancel();
    world.cancel();
    world.run();
    world.cancel();
    let cancellations = world
        .log
        .iter()
        .filter(|(_, event)| matches!(event, Event::Booking(BookingEvent::CancellationRequested { .. })));
    assert_eq!(cancellations.count(), 1);
}

#[test]
fn a_cancellation_during_the_way_back_changes_nothing() {
    let mut world = World::new([true, true, false]);
    world.request(plan([true; 3], card()));
    until(&mut world, "StepRefused", 1);
    world.cancel();
    world.run();
    assert!(!world.names().contains(&"CancellationNoted".to_owned()));
    assert_ended(&world, [true; 3], &card());
}

#[test]
fn a_fault_after_a_cancellation_is_not_retried() {
    let mut world = asked([true; 3], card());
    until(&mut world, "SeatsReserved", 1);
    let mut saga = given::<TripSaga>(&saga_events(&world)).when(TripSagaCommand::Cancel { occasion: at(NOW) });
    let failure = Failure::new(Code::Internal, "The decision failed.");
    let answer =
        Answer { step: Step::Flight, direction: Direction::Request, attempt: 1, outcome: Outcome::Faulted(failure) };
    saga = saga.when(TripSagaCommand::Answer { answer, occasion: at(NOW) });
    assert!(matches!(saga.events(), [TripSagaEvent::StepRefused { sends, .. }] if sends.order.step() == Step::Hotel));
    assert!(matches!(&saga.state, TripSaga::Backward(back) if matches!(back.awaiting, Awaiting::Answer { .. })));
}

fn saga_events(world: &World) -> Vec<TripSagaEvent> {
    let of_saga = |event: &Event| match event {
        Event::TripSaga(event) => Some(event.clone()),
        _ => None,
    };
    world.log.iter().filter_map(|(_, event)| of_saga(event)).collect()
}
