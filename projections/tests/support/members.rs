//! Members, campaigns, points and vouchers, as the program decides them.

use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::campaign::{Action, CampaignDetails, RewardTerms};
use traveladvisor_domain::discount::{Discount, Off, VoucherTerms};
use traveladvisor_domain::id::{CampaignId, MemberId, RewardId, StreamId};
use traveladvisor_domain::member::{Gender, Profile, ProfileChanges};
use traveladvisor_domain::message::messages;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::points::{Earning, PointsTerms, PointsToRedeem};
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::{PaymentPlan, TripPlan};

use super::{House, date, instant};

/// Points at sign-up, as in the reference data.
pub(crate) const WELCOME: u64 = 1_000_000;
/// The last day on which points of a trip may move.
const UNTIL: &str = "2025-12-24";

pub(crate) fn profile(email: &str) -> Profile {
    Profile {
        email: email.to_owned(),
        nickname: "the countess".into(),
        first_name: "Augusta".into(),
        last_name: "Byronova".into(),
        contact_number: "+44 99 77 55".into(),
        gender: Gender::Female,
    }
}

pub(crate) fn campaign(code: &str, action: Action, reward: RewardTerms) -> CampaignDetails {
    CampaignDetails {
        supplier: "own".into(),
        code: code.into(),
        name: format!("Campaign {code}"),
        description: "What it is about.".into(),
        action,
        reward,
        opens_at: instant("2024-01-01T00:00:00Z"),
        ends_at: None,
        budget: None,
    }
}

/// A tenth off.
pub(crate) const TENTH: VoucherTerms = VoucherTerms { off: Off::Percent(10), minimum_total: None, valid_days: None };

impl House {
    /// What members and operators ask; tells whether it was not refused.
    pub(crate) async fn ask(&mut self, together: &Together) -> bool {
        let mut streams = together.streams();
        self.begin(&streams);
        streams = together.further_streams(&|stream| self.known(stream));
        self.begin(&streams);
        let Ok(decided) = together.decide(&|stream| self.known(stream), self.occasion()) else { return false };
        for (stream, events) in decided {
            for event in &events {
                self.take(stream, event).await;
            }
        }
        true
    }

    /// Points at sign-up and a voucher for a referral.
    pub(crate) async fn list_campaigns(&mut self) -> [CampaignId; 2] {
        let welcome = campaign("WELCOME", Action::Signup, RewardTerms::Point(WELCOME));
        let referral = campaign("REFERRAL", Action::Referral, RewardTerms::Voucher(TENTH));
        [self.list_campaign(welcome).await, self.list_campaign(referral).await]
    }

    pub(crate) async fn list_campaign(&mut self, details: CampaignDetails) -> CampaignId {
        let id = CampaignId::of(&details.supplier, &details.code);
        assert!(self.ask(&Together::ListCampaign(details)).await, "the campaign is listed");
        id
    }

    pub(crate) async fn sign_up(&mut self, identity: &str, email: &str, referrer: Option<MemberId>) -> MemberId {
        let sign_up = Together::SignUp { identity: identity.into(), profile: profile(email), referrer };
        assert!(self.ask(&sign_up).await, "{identity} signs up");
        MemberId::of(identity)
    }

    pub(crate) async fn change_email(&mut self, member: MemberId, email: &str) -> bool {
        let changes = ProfileChanges { email: Some(email.into()), ..ProfileChanges::default() };
        self.ask(&Together::ChangeProfile { member, changes }).await
    }

    pub(crate) async fn close(&mut self, member: MemberId) -> bool {
        self.ask(&Together::CloseMember { member, reason: None }).await
    }

    pub(crate) async fn give_points(&mut self, member: MemberId, points: u64) -> bool {
        self.ask(&Together::GivePoints { member, points, reason: "for the long wait".into() }).await
    }

    /// The trip as this member books it, cheaper by the voucher if that can be used, and paid with points where the plan says so.
    pub(crate) fn booked_by(&self, plan: &TripPlan, member: MemberId, voucher: Option<RewardId>) -> TripPlan {
        let mut plan = TripPlan { member: Some(member), ..plan.clone() };
        let off = voucher.and_then(|id| match self.known(id.stream()) {
            Some(Aggregate::Reward(reward)) => Some((id, reward.offer(member, plan.total, self.occasion()).ok()?)),
            _ => None,
        });
        if let Some((id, amount)) = off {
            let prices = [
                plan.hotel.as_ref().map(|part| part.price),
                plan.flight.as_ref().map(|part| part.price),
                plan.car.as_ref().map(|part| part.price),
            ];
            plan.discount = Some(Discount::shared(id, amount, prices));
            plan.total = Money::new(plan.total.minor - amount.minor, plan.total.currency);
        }
        let (terms, until) = (PointsTerms::default(), date(UNTIL));
        match plan.payment {
            PaymentPlan::Points => {
                let points = terms.points_for(plan.total);
                plan.payment = PaymentPlan::Redeem(PointsToRedeem { member, points, until });
            }
            PaymentPlan::Card(_) => {
                plan.earns = Some(Earning { member, points: terms.earned_for(plan.total), until });
            }
            _ => {}
        }
        plan
    }

    fn known(&self, stream: StreamId) -> Option<&Aggregate> {
        self.states.get(&stream).map(|(state, _)| state)
    }

    fn begin(&mut self, streams: &[StreamId]) {
        for stream in streams {
            self.states.entry(*stream).or_insert_with(|| (Aggregate::empty(stream.kind), 0));
        }
    }

    async fn take(&mut self, stream: StreamId, event: &Event) {
        self.append(stream, event).await;
        self.inbox.extend(messages(stream, event));
    }
}

/// The reward of a campaign for somebody's sign-up.
pub(crate) fn reward_for(campaign: CampaignId, newcomer: MemberId) -> RewardId {
    RewardId::of(campaign, &newcomer.to_string())
}
