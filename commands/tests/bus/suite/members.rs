//! Trips with points and vouchers.

use traveladvisor_commands::{CallerCommand, Request};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::campaign::{Action, CampaignDetails, RewardTerms};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::discount::{Off, VoucherTerms};
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId, RewardId};
use traveladvisor_domain::member::{Gender, Profile};
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::PaymentPlan;

use super::stage::Scene;
use crate::support::{card, request};

/// What a trip of a scene costs, in points.
const TRIP_POINTS: u64 = 34_000;

impl Scene<'_> {
    async fn together(&self, caller: &str, asked: Together, key: &str) {
        let asked = Request { caller: caller.to_owned(), ..request(CallerCommand::Together(asked), Some(key)) };
        self.ask(Context::Member, asked).await.expect("accepted");
    }

    /// Somebody who bears this scene's name signs up, and is given points.
    async fn member(&self, points: u64) -> MemberId {
        let profile = Profile {
            email: format!("{}@example.com", self.name),
            nickname: "pat".into(),
            first_name: "Pat".into(),
            last_name: "Example".into(),
            contact_number: "+44 20 7946 0000".into(),
            gender: Gender::Undisclosed,
        };
        let sign_up = Together::SignUp { identity: self.name.to_owned(), profile, referrer: None };
        self.together(self.name, sign_up, "sign up").await;
        let member = MemberId::of(self.name);
        if points > 0 {
            let given = Together::GivePoints { member, points, reason: "for a scene".into() };
            self.together("operator", given, &format!("{} points", self.name)).await;
        }
        member
    }

    async fn book_as_member(&self, payment: PaymentPlan, voucher: Option<RewardId>, key: &str) -> BookingId {
        let wanted = TripRequest { voucher, ..self.trip(payment) };
        self.book_known(self.name, wanted, key).await
    }

    /// Names of what happened to a member's account or voucher for one trip.
    async fn of_member(&self, booking: BookingId) -> Vec<String> {
        self.story(Context::Member, booking).await
    }
}

pub(super) async fn points_pay_and_come_back(scene: Scene<'_>) {
    scene.supply(5, 5, 5).await;
    scene.member(2 * TRIP_POINTS).await;
    let kept = scene.book_as_member(PaymentPlan::Points, None, "kept").await;
    let cancelled = scene.book_as_member(PaymentPlan::Points, None, "cancelled").await;
    scene.until(kept, "SagaSucceeded").await;
    scene.until(cancelled, "SagaSucceeded").await;
    scene.cancel(cancelled).await;
    scene.until(cancelled, "SagaCompensated").await;
    assert_eq!(scene.of_member(kept).await, ["PointsRedeemed"]);
    assert_eq!(scene.of_member(cancelled).await, ["PointsRedeemed", "PointsRestored"]);
}

pub(super) async fn too_few_points_give_everything_back(scene: Scene<'_>) {
    scene.supply(5, 5, 5).await;
    scene.member(TRIP_POINTS - 1).await;
    let booking = scene.book_as_member(PaymentPlan::Points, None, "too few").await;
    scene.until(booking, "SagaCompensated").await;
    assert_eq!(scene.of_member(booking).await, ["RedemptionRefused"]);
    assert_eq!(scene.story(Context::Car, booking).await, ["VehicleReserved", "VehicleReleased"]);
}

pub(super) async fn a_card_brings_points_that_a_cancellation_takes(scene: Scene<'_>) {
    scene.supply(5, 5, 5).await;
    scene.member(0).await;
    // Only a member may ask for this, whatever comes of it: now it is known who that is.
    let asked = scene.book_as_member(PaymentPlan::Points, None, "member?").await;
    scene.until(asked, "SagaCompensated").await;
    let booking = scene.book_as_member(card("approves"), None, "earns").await;
    scene.until(booking, "SagaSucceeded").await;
    scene.until_member(booking, "PointsEarned").await;
    scene.cancel(booking).await;
    scene.until(booking, "SagaCompensated").await;
    scene.until_member(booking, "PointsReversed").await;
    assert_eq!(scene.of_member(booking).await, ["PointsEarned", "PointsReversed"]);
}

pub(super) async fn a_voucher_makes_one_trip_cheaper_and_comes_back(scene: Scene<'_>) {
    scene.supply(1, 5, 5).await;
    let voucher = VoucherTerms { off: Off::Percent(10), minimum_total: None, valid_days: None };
    let details = CampaignDetails {
        supplier: "own".into(),
        code: "TEN".into(),
        name: "Ten percent".into(),
        description: "A campaign of a scene".into(),
        action: Action::Review,
        reward: RewardTerms::Voucher(voucher),
        opens_at: "2024-01-01T00:00:00Z".parse().expect("an instant"),
        ends_at: None,
        budget: None,
    };
    scene.together("operator", Together::ListCampaign(details), "campaign").await;
    let (member, campaign) = (scene.member(0).await, CampaignId::of("own", "TEN"));
    let granted = Together::GrantReward { member, campaign, cause: "a scene".into() };
    scene.together("operator", granted, "grant").await;
    let voucher = RewardId::of(campaign, "a scene");
    let first = scene.book_as_member(PaymentPlan::None, Some(voucher), "first").await;
    scene.until(first, "SagaSucceeded").await;
    assert_eq!(scene.of_member(first).await, ["VoucherRedeemed"]);
    scene.cancel(first).await;
    scene.until(first, "SagaCompensated").await;
    assert_eq!(scene.of_member(first).await, ["VoucherRedeemed", "VoucherReturned"]);
    let again = scene.book_as_member(PaymentPlan::None, Some(voucher), "again").await;
    scene.until(again, "SagaSucceeded").await;
}
