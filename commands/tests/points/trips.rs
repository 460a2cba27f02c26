//! Trips that are paid with points, and trips that bring some.

use std::collections::BTreeSet;

use futures::future::join_all;
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::{Delivery, Faults};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, MemberId, StreamKind};
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::PaymentPlan;

use super::{
    GIFT, TRIP_POINTS, address_of, asked_by, at_last, balance, book_as, booked_by, names, rich_member, sign_up,
    until_entry,
};
use crate::crowd::list_plenty;
use crate::support::{World, card, count, decoded, metadata, trip};

/// A trip that is paid with points: one commit.
const STORY: [&str; 14] = [
    "BookingRequested",
    "SagaStarted",
    "RoomsReserved",
    "StepSucceeded",
    "SeatsReserved",
    "StepSucceeded",
    "VehicleReserved",
    "StepSucceeded",
    "PaymentRequested",
    "PointsRedeemed",
    "PaymentCompleted",
    "StepSucceeded",
    "BookingApproved",
    "SagaSucceeded",
];

fn flight_only(payment: PaymentPlan) -> TripRequest {
    TripRequest { hotel: None, car: None, ..trip(payment) }
}

fn cancel(booking: BookingId) -> CallerCommand {
    CallerCommand::CancelBooking { booking, reason: None }
}

async fn batches_of(world: &World, booking: BookingId) -> BTreeSet<String> {
    let events = world.events().await;
    let of_trip = events.iter().map(metadata).filter(|metadata| metadata.correlation == booking.to_string());
    of_trip.map(|metadata| metadata.batch).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_paid_with_points_is_one_commit_also_when_nothing_is_in_memory() {
    let mut world = World::begin(Delivery::Here).await;
    let member = rich_member(&world, "pat").await;
    world.restart(Delivery::Here).await;
    let booking = book_as(&world, "pat", trip(PaymentPlan::Points), "key").await;
    assert_eq!(world.story(booking).await, STORY);
    assert_eq!(batches_of(&world, booking).await.len(), 1, "one append");
    assert_eq!(balance(&world, member).await, GIFT - TRIP_POINTS);
    for event in world.events().await.iter().filter(|event| metadata(event).correlation == booking.to_string()) {
        let causes = traveladvisor_domain::message::messages(event.stream, &decoded(event)).len();
        assert!((0..causes).all(|place| metadata(event).is_fused(place)), "{}", event.event_type);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_points_give_everything_back_and_take_none() {
    let world = World::begin(Delivery::Here).await;
    world.engine.submit(sign_up("poor", &address_of("poor"), "key")).await.expect("signed up");
    let few = Together::GivePoints { member: MemberId::of("poor"), points: TRIP_POINTS - 1, reason: "nearly".into() };
    world.engine.submit(asked_by("operator", few, Some("few"))).await.expect("given");
    let booking = book_as(&world, "poor", trip(PaymentPlan::Points), "key").await;
    let story = world.story(booking).await;
    assert_eq!(
        story[9..],
        [
            "RedemptionRefused",
            "PaymentFailed",
            "StepRefused",
            "VehicleReleased",
            "UndoSucceeded",
            "SeatsReleased",
            "UndoSucceeded",
            "RoomsReleased",
            "UndoSucceeded",
            "BookingCancelled",
            "SagaCompensated"
        ]
    );
    let refused = world.events().await.into_iter().find(|event| event.event_type == "PaymentFailed").expect("refused");
    assert!(refused.payload.contains(Code::InsufficientFunds.as_str()), "{}", refused.payload);
    assert_eq!(balance(&world, MemberId::of("poor")).await, TRIP_POINTS - 1);
    let nobody = booked_by("nobody", trip(PaymentPlan::Points), "key");
    let refused = world.engine.submit(nobody).await.expect_err("no member has no points");
    assert_eq!((refused.code, refused.path), (Code::PaymentMethodUnavailable, vec!["payment".into(), "method".into()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_trip_gives_its_points_back_once() {
    let mut world = World::begin(Delivery::Here).await;
    let member = rich_member(&world, "pat").await;
    let booking = book_as(&world, "pat", trip(PaymentPlan::Points), "key").await;
    world.restart(Delivery::Here).await;
    let first = world.submit(cancel(booking), None).await.expect("cancelled");
    let story = world.until(booking, &["SagaCompensated"]).await;
    let undone = &story[14..];
    assert_eq!(
        undone[undone.len() - 6..],
        ["PointsAsked", "PointsRestored", "PaymentCancelled", "UndoSucceeded", "BookingCancelled", "SagaCompensated"]
    );
    assert_eq!(balance(&world, member).await, GIFT);
    let again = world.submit(cancel(booking), None).await.expect("so already");
    assert!(first.changed && !again.changed);
    assert_eq!(balance(&world, member).await, GIFT);
    // Everything of the way back is one commit as well: the account was loaded with the trip.
    assert_eq!(batches_of(&world, booking).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_that_is_paid_otherwise_brings_points_with_its_approval_and_takes_them_back_once() {
    let world = World::begin(Delivery::Here).await;
    let member = rich_member(&world, "pat").await;
    let booking = book_as(&world, "pat", trip(card("approves")), "key").await;
    world.until(booking, &["SagaSucceeded"]).await;
    assert_eq!(batches_of(&world, booking).await.len(), 2, "what it brings comes with the approval");
    assert_eq!(balance(&world, member).await, GIFT + TRIP_POINTS / 100, "one percent");
    world.submit(cancel(booking), None).await.expect("cancelled");
    world.until(booking, &["SagaCompensated"]).await;
    until_entry(&world, member, "PointsReversed").await;
    assert!(!world.submit(cancel(booking), None).await.expect("so already").changed);
    assert_eq!(balance(&world, member).await, GIFT);
    assert_eq!(names(&world, member).await, ["PointsEarned", "PointsEarned", "PointsReversed"]);
    let others = book_as(&world, "nobody", flight_only(card("approves")), "key").await;
    world.until(others, &["SagaSucceeded"]).await;
    let at_the_counter = book_as(&world, "pat", flight_only(PaymentPlan::None), "counter").await;
    world.until(at_the_counter, &["SagaSucceeded"]).await;
    assert_eq!(
        count(&world.events().await, StreamKind::PointsAccount, "PointsEarned"),
        2,
        "only a member who has paid"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_relay_delivers_comes_to_the_same() {
    let faults = Faults::default().cold_when(|stream| stream.kind == StreamKind::PointsAccount);
    let world = World::begin_with(Delivery::Here, faults).await;
    let member = rich_member(&world, "pat").await;
    let booking = book_as(&world, "pat", flight_only(PaymentPlan::Points), "key").await;
    world.until(booking, &["SagaSucceeded"]).await;
    assert!(batches_of(&world, booking).await.len() > 1, "the account was asked by the relay");
    assert_eq!(balance(&world, member).await, GIFT - 8_000);
    world.submit(cancel(booking), None).await.expect("cancelled");
    world.until(booking, &["SagaCompensated"]).await;
    assert_eq!(balance(&world, member).await, GIFT);
    let brings = book_as(&world, "pat", flight_only(card("approves")), "other").await;
    world.until(brings, &["SagaSucceeded"]).await;
    world.submit(cancel(brings), None).await.expect("cancelled");
    world.until(brings, &["SagaCompensated"]).await;
    let settled = async {
        while !names(&world, member)
            .await
            .iter()
            .any(|name| ["PointsReversed", "EarningBarred"].contains(&name.as_str()))
        {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(crate::support::AT_LAST, settled).await.expect("taken back");
    assert_eq!(balance(&world, member).await, GIFT, "what came and went, in whatever order");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_all_delivered_again_move_no_points_twice() {
    let faults = || Faults::default().cold_when(|stream| stream.kind == StreamKind::PointsAccount);
    let mut world = World::begin_with(Delivery::Here, faults()).await;
    let member = rich_member(&world, "pat").await;
    let booking = book_as(&world, "pat", flight_only(PaymentPlan::Points), "key").await;
    let brings = book_as(&world, "pat", flight_only(card("approves")), "other").await;
    for trip in [booking, brings] {
        world.until(trip, &["SagaSucceeded"]).await;
        world.submit(cancel(trip), None).await.expect("cancelled");
        world.until(trip, &["SagaCompensated"]).await;
    }
    until_relayed(&world).await;
    let before = names(&world, member).await;
    world.stop().await;
    // The relay begins anew: everything that it has ever delivered comes a second time.
    sqlx::query("UPDATE consumed_offsets SET \"offset\" = 0").execute(world.log.pool()).await.expect("set back");
    let ports = world.next_ports();
    world.restart_with(ports, Delivery::Here, faults()).await;
    until_relayed(&world).await;
    assert_eq!(names(&world, member).await, before);
    assert_eq!(balance(&world, member).await, GIFT);
}

/// Waits until the relay has passed the end of the log.
async fn until_relayed(world: &World) {
    let relayed = async {
        loop {
            let head = world.log.head().await.expect("read");
            let passed = world.log.consumed_offset(traveladvisor_infra::event_log::RELAY).await.expect("read");
            if passed >= head.0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::AT_LAST, relayed).await.expect("the relay passes the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_come_while_more_are_asked_for_than_there_are_lose_nothing() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, 40).await;
    world.engine.submit(sign_up("pat", &address_of("pat"), "key")).await.expect("signed up");
    let member = MemberId::of("pat");
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    // Each gift is enough for one trip of two; trips and gifts come at once, in two processes.
    let gifts = (0..10).map(|number| {
        let gift = Together::GivePoints { member, points: 8_000, reason: format!("gift {number}") };
        at_last(&second, asked_by("operator", gift, Some(&format!("gift {number}"))))
    });
    let trips = (0..20).map(|number| {
        at_last(&world.engine, booked_by("pat", flight_only(PaymentPlan::Points), &format!("trip {number}")))
    });
    let (given, booked) = tokio::join!(join_all(gifts), join_all(trips));
    assert_eq!((given.iter().flatten().count(), booked.iter().flatten().count()), (10, 20));
    for receipt in booked.into_iter().flatten() {
        world.until(BookingId(receipt.subject.uuid), &["SagaSucceeded", "SagaCompensated"]).await;
    }
    let events = world.events().await;
    let redeemed = count(&events, StreamKind::PointsAccount, "PointsRedeemed");
    assert_eq!(count(&events, StreamKind::TripSaga, "SagaSucceeded"), redeemed, "who has paid travels");
    assert_eq!(count(&events, StreamKind::PointsAccount, "RedemptionRefused"), 20 - redeemed);
    assert_eq!(balance(&world, member).await, 80_000 - 8_000 * redeemed as u64);
    running.stop().await;
}
