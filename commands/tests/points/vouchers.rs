//! A voucher makes one trip cheaper, whoever wants it how often.

use futures::future::join_all;
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::campaign::Action;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, MemberId, RewardId, StreamKind};
use traveladvisor_domain::trip::PaymentPlan;

use super::{
    GIFT, address_of, at_last, balance, book_as, booked_by, campaign, campaign_id, list, rich_member, sign_up,
    ten_percent,
};
use crate::crowd::list_plenty;
use crate::support::{World, count, decoded, trip};

/// Who want the same voucher.
const CALLERS: usize = 20;

/// A member with points and a voucher of ten percent.
async fn with_voucher(world: &World) -> (MemberId, RewardId) {
    list(world, campaign("TEN", Action::Signup, ten_percent())).await;
    let member = rich_member(world, "pat").await;
    (member, RewardId::of(campaign_id("TEN"), &member.to_string()))
}

fn cheaper(voucher: RewardId, payment: PaymentPlan) -> TripRequest {
    TripRequest { voucher: Some(voucher), ..trip(payment) }
}

async fn entries(world: &World, voucher: RewardId) -> Vec<String> {
    let events = world.events().await;
    let own = events.iter().filter(|event| event.stream == voucher.stream());
    own.map(|event| event.event_type.to_string()).collect()
}

/// What the trip was quoted, in minor units.
async fn total_of(world: &World, booking: BookingId) -> i64 {
    let events = world.events().await;
    let requested = events.iter().find(|event| event.stream == booking.stream()).expect("a booking");
    let Event::Booking(BookingEvent::BookingRequested { plan, .. }) = decoded(requested) else { panic!("a request") };
    plan.total.minor
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_with_a_voucher_and_points_is_one_commit_and_costs_what_is_left() {
    let mut world = World::begin(Delivery::Here).await;
    let (member, voucher) = with_voucher(&world).await;
    world.restart(Delivery::Here).await;
    let booking = book_as(&world, "pat", cheaper(voucher, PaymentPlan::Points), "key").await;
    let story = world.story(booking).await;
    assert_eq!(story[..4], ["BookingRequested", "SagaStarted", "VoucherRedeemed", "StepSucceeded"]);
    assert_eq!(story.last().map(String::as_str), Some("SagaSucceeded"));
    assert_eq!(total_of(&world, booking).await, 30_600);
    assert_eq!(balance(&world, member).await, GIFT - 30_600);
    let events = world.events().await;
    let mut batches: Vec<_> = events
        .iter()
        .map(crate::support::metadata)
        .filter(|metadata| metadata.correlation == booking.to_string())
        .map(|metadata| metadata.batch)
        .collect();
    batches.dedup();
    assert_eq!(batches.len(), 1, "one append");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_want_a_voucher_in_two_processes_one_has_it_and_the_others_are_told() {
    let mut world = World::begin(Delivery::Here).await;
    list_plenty(&world, CALLERS as u32 + 5).await;
    let (member, voucher) = with_voucher(&world).await;
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let engines = [world.engine.clone(), second];
    let asked = (0..CALLERS).map(|number| {
        let wanted = cheaper(voucher, PaymentPlan::Points);
        at_last(&engines[number % 2], booked_by("pat", wanted, &format!("trip {number}")))
    });
    let mut approved = 0;
    for answer in join_all(asked).await {
        match answer {
            Ok(receipt) => {
                let booking = BookingId(receipt.subject.uuid);
                let story = world.until(booking, &["SagaSucceeded", "SagaCompensated"]).await;
                approved += usize::from(story.iter().any(|name| name == "SagaSucceeded"));
            }
            Err(refused) => {
                assert_eq!((refused.code, &*refused.path), (Code::VoucherUsed, &["voucher".to_owned()][..]));
            }
        }
    }
    assert_eq!(approved, 1);
    assert_eq!(count(&world.events().await, StreamKind::Reward, "VoucherRedeemed"), 1);
    assert_eq!(balance(&world, member).await, GIFT - 30_600, "one trip, cheaper");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_comes_back_once_from_a_trip_that_is_refused_or_cancelled_and_is_used_again() {
    let mut world = World::begin(Delivery::Here).await;
    let (member, voucher) = with_voucher(&world).await;
    // The only vehicle is another's.
    let other = book_as(&world, "other", trip(PaymentPlan::None), "key").await;
    let refused = book_as(&world, "pat", cheaper(voucher, PaymentPlan::Points), "refused").await;
    let story = world.story(refused).await;
    assert_eq!(
        story[story.len() - 4..],
        ["VoucherReturned", "UndoSucceeded", "BookingCancelled", "SagaCompensated"],
        "the last step back"
    );
    world.submit(CallerCommand::CancelBooking { booking: other, reason: None }, None).await.expect("cancelled");
    world.until(other, &["SagaCompensated"]).await;
    world.restart(Delivery::Here).await;
    let stands = book_as(&world, "pat", cheaper(voucher, PaymentPlan::Points), "stands").await;
    assert_eq!(world.story(stands).await.last().map(String::as_str), Some("SagaSucceeded"));
    world.restart(Delivery::Here).await;
    let cancel = || world.submit(CallerCommand::CancelBooking { booking: stands, reason: None }, None);
    cancel().await.expect("cancelled");
    world.until(stands, &["SagaCompensated"]).await;
    assert!(!cancel().await.expect("so already").changed);
    let twice = ["VoucherRedeemed", "VoucherReturned"];
    assert_eq!(entries(&world, voucher).await, [&["RewardGranted"][..], &twice, &twice].concat());
    assert_eq!(balance(&world, member).await, GIFT);
    book_as(&world, "pat", cheaper(voucher, PaymentPlan::None), "once more").await;
    assert_eq!(entries(&world, voucher).await.last().map(String::as_str), Some("VoucherRedeemed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_uses_anothers_voucher_or_one_that_is_not_there() {
    let world = World::begin(Delivery::Here).await;
    let (_, voucher) = with_voucher(&world).await;
    world.engine.submit(sign_up("kim", &address_of("kim"), "key")).await.expect("signed up");
    let missing = RewardId::of(campaign_id("TEN"), "nobody");
    for (caller, voucher) in [("kim", voucher), ("stranger", voucher), ("pat", missing)] {
        let asked = booked_by(caller, cheaper(voucher, PaymentPlan::None), "key");
        let refused = world.engine.submit(asked).await.expect_err("not this one's");
        assert_eq!((refused.code, refused.path), (Code::NotFound, vec!["voucher".to_owned()]), "{caller}");
    }
    assert_eq!(entries(&world, voucher).await, ["RewardGranted"]);
}
