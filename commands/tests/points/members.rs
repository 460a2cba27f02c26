//! One member for an identity and for an address, whoever asks how often and in which process.

use std::collections::BTreeSet;

use futures::future::join_all;
use traveladvisor_commands::Request;
use traveladvisor_commands::engine::{Delivery, Faults};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::campaign::{Action, RewardTerms};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{MemberId, StreamKind};
use traveladvisor_domain::member::ProfileChanges;
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::PaymentPlan;

use super::{
    GIFT, address_of, asked_by, at_last, balance, booked_by, campaign, codes, list, names, rich_member, sign_up,
    ten_percent,
};
use crate::support::{World, count, metadata, trip};

const ASKED: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_signs_up_in_two_processes_at_once_is_one_member_with_one_gift() {
    let mut world = World::begin(Delivery::Here).await;
    list(&world, campaign("GIFT", Action::Signup, RewardTerms::Point(GIFT))).await;
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let engines = [world.engine.clone(), second];
    // Every time with another address and another key: only the identity is the same.
    let asked = (0..ASKED).map(|number| {
        let (email, key) = (address_of(&format!("pat{number}")), format!("key {number}"));
        at_last(&engines[number % 2], sign_up("pat", &email, &key))
    });
    let answers = join_all(asked).await;
    assert_eq!(codes(&answers), [Code::AlreadyExists; ASKED - 1]);
    let events = world.events().await;
    for (kind, name) in [
        (StreamKind::Member, "MemberSignedUp"),
        (StreamKind::EmailClaim, "EmailClaimed"),
        (StreamKind::Reward, "RewardGranted"),
        (StreamKind::PointsAccount, "PointsEarned"),
    ] {
        assert_eq!(count(&events, kind, name), 1, "{name}");
    }
    assert_eq!(balance(&world, MemberId::of("pat")).await, GIFT);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_twenty_want_in_two_processes_belongs_to_one_and_the_others_leave_nothing() {
    let mut world = World::begin(Delivery::Here).await;
    list(&world, campaign("GIFT", Action::Signup, RewardTerms::Point(GIFT))).await;
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let engines = [world.engine.clone(), second];
    let spellings = ["shared@example.com", " Shared@Example.com "];
    let asked = (0..ASKED).map(|number| {
        at_last(&engines[number % 2], sign_up(&format!("caller {number}"), spellings[number / 2 % 2], "key"))
    });
    let answers = join_all(asked).await;
    assert_eq!(codes(&answers), [Code::AlreadyExists; ASKED - 1]);
    let refused: BTreeSet<_> = answers.into_iter().filter_map(Result::err).map(|refused| refused.path).collect();
    assert_eq!(refused, BTreeSet::from([vec!["email".to_owned()]]));
    let events = world.events().await;
    assert_eq!(count(&events, StreamKind::Member, "MemberSignedUp"), 1);
    assert_eq!(count(&events, StreamKind::PointsAccount, "PointsEarned"), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_signs_up_once_and_tells_the_same_place_again() {
    let world = World::begin(Delivery::Here).await;
    let receipts: Vec<_> = join_all((0..5).map(|_| world.engine.submit(sign_up("pat", "pat@example.com", "key"))))
        .await
        .into_iter()
        .map(|answer| answer.expect("the same answer"))
        .collect();
    assert_eq!(receipts.iter().filter(|receipt| receipt.changed).count(), 1);
    let again = world.engine.submit(sign_up("pat", "pat@example.com", "key")).await.expect("known");
    assert_eq!((again.subject, again.position, again.changed), (receipts[0].subject, receipts[0].position, false));
    assert_eq!(again.subject, MemberId::of("pat").stream());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_signing_up_brings_is_one_append() {
    let world = World::begin(Delivery::Here).await;
    list(&world, campaign("VOUCHER", Action::Signup, ten_percent())).await;
    rich_member(&world, "pat").await;
    let events = world.events().await;
    let (streams, batches): (Vec<_>, BTreeSet<_>) = events
        .iter()
        .filter(|event| metadata(event).command == "sign_up")
        .map(|event| (event.stream.kind, metadata(event).batch))
        .unzip();
    assert_eq!(batches.len(), 1, "{streams:?}");
    assert_eq!(streams[..2], [StreamKind::Member, StreamKind::EmailClaim]);
    let times = |kind| streams.iter().filter(|known| **known == kind).count();
    assert_eq!((times(StreamKind::Reward), times(StreamKind::PointsAccount)), (2, 1), "{streams:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_a_member_gives_up_is_free_for_others_and_the_new_one_is_not() {
    let mut world = World::begin(Delivery::Here).await;
    for name in ["pat", "kim"] {
        world.engine.submit(sign_up(name, &address_of(name), "key")).await.expect("signed up");
    }
    // Nothing is in memory: which address is given up is known only once the member is loaded.
    world.restart(Delivery::Here).await;
    let change = |caller: &str, email: &str| {
        let changes = ProfileChanges { email: Some(email.to_owned()), ..ProfileChanges::default() };
        asked_by(caller, Together::ChangeProfile { member: MemberId::of(caller), changes }, None)
    };
    let taken = world.engine.submit(change("pat", "KIM@example.com")).await.expect_err("another's");
    assert_eq!((taken.code, taken.path), (Code::AlreadyExists, vec!["email".to_owned()]));
    let guess = Request { expected_version: Some(7), ..change("pat", "KIM@example.com") };
    let moved = world.engine.submit(guess).await.expect_err("another version");
    assert_eq!(moved.code, Code::VersionConflict, "not told whether the address is taken");
    assert!(world.engine.submit(change("pat", "new@example.com")).await.expect("free").changed);
    assert!(!world.engine.submit(change("pat", "new@example.com")).await.expect("so already").changed);
    let late = world.engine.submit(sign_up("late", "new@example.com", "key")).await.expect_err("taken");
    assert_eq!(late.code, Code::AlreadyExists);
    world.engine.submit(sign_up("late", "pat@example.com", "other key")).await.expect("given up");
    world.engine.submit(change("kim", "Kim@Example.com")).await.expect("the spelling of an own address");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_leaves_takes_no_points_along_and_does_not_come_back() {
    let world = World::begin(Delivery::Here).await;
    let member = rich_member(&world, "pat").await;
    let close = || asked_by("pat", Together::CloseMember { member, reason: None }, None);
    assert!(world.engine.submit(close()).await.expect("closed").changed);
    assert!(!world.engine.submit(close()).await.expect("so already").changed);
    assert_eq!((balance(&world, member).await, names(&world, member).await.len()), (0, 2));
    let again = world.engine.submit(sign_up("pat", "other@example.com", "again")).await.expect_err("closed");
    assert_eq!(again.code, Code::MemberClosed);
    world.engine.submit(sign_up("kim", &address_of("pat"), "key")).await.expect("the address is free again");
    let paid = booked_by("pat", trip(PaymentPlan::Points), "trip");
    let refused = world.engine.submit(paid).await.expect_err("no member, no points");
    assert_eq!(refused.code, Code::MemberClosed);
    let flight = TripRequest { hotel: None, car: None, ..trip(PaymentPlan::None) };
    world.engine.submit(booked_by("pat", flight, "at the counter")).await.expect("as anybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_that_breaks_off_is_told_leaves_nothing_and_harms_nobody_else() {
    let faults = Faults::default()
        .panic_together_when(|asked| matches!(asked, Together::SignUp { identity, .. } if identity == "unlucky"));
    let world = World::begin_with(Delivery::Here, faults).await;
    let (unlucky, other) = tokio::join!(
        world.engine.submit(sign_up("unlucky", "unlucky@example.com", "key")),
        world.engine.submit(sign_up("pat", "pat@example.com", "key")),
    );
    assert_eq!(unlucky.expect_err("it broke off").code, Code::Internal);
    other.expect("signed up");
    assert_eq!(count(&world.events().await, StreamKind::Member, "MemberSignedUp"), 1);
    world.engine.submit(sign_up("kim", "unlucky@example.com", "key")).await.expect("the address is nobody's");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_read_a_campaign_signs_nobody_up_half() {
    let mut world = World::begin(Delivery::Here).await;
    list(&world, campaign("GIFT", Action::Signup, RewardTerms::Point(GIFT))).await;
    world.spoil("campaign").await;
    world.restart(Delivery::Here).await;
    let refused = world.engine.submit(sign_up("pat", "pat@example.com", "key")).await.expect_err("unreadable");
    assert_eq!(refused.code, Code::Internal, "{refused}");
    assert_eq!(count(&world.events().await, StreamKind::Member, "MemberSignedUp"), 0);
}
