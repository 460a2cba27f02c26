//! Members, rewards, vouchers and points: what the engine decides on several streams at once, and what trips have to do with it.

mod grants;
mod kept;
mod members;
mod set_aside;
mod trips;
mod vouchers;

use chrono::{DateTime, Utc};
use traveladvisor_commands::{CallerCommand, Engine, Receipt, Rejection, Request};
use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::campaign::{Action, CampaignDetails, RewardTerms};
use traveladvisor_domain::discount::{Off, VoucherTerms};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId, StreamKind};
use traveladvisor_domain::member::{Gender, Profile};
use traveladvisor_domain::points_account::{PointsAccount, PointsAccountEvent};
use traveladvisor_domain::together::Together;

use crate::support::{AT_LAST, World, book, decoded, request};

/// Points that a member gets for signing up where a campaign gives them.
pub(crate) const GIFT: u64 = 1_000_000;

/// What a trip of the small world costs, in points: 34000 pence.
const TRIP_POINTS: u64 = 34_000;

fn profile(email: &str) -> Profile {
    Profile {
        email: email.into(),
        nickname: "pat".into(),
        first_name: "Pat".into(),
        last_name: "Example".into(),
        contact_number: "+44 20 7946 0000".into(),
        gender: Gender::Undisclosed,
    }
}

pub(crate) fn address_of(caller: &str) -> String {
    format!("{caller}@example.com")
}

pub(crate) fn asked_by(caller: &str, asked: Together, key: Option<&str>) -> Request {
    Request { caller: caller.to_owned(), ..request(CallerCommand::Together(asked), key) }
}

pub(crate) fn sign_up(caller: &str, email: &str, key: &str) -> Request {
    let asked = Together::SignUp { identity: caller.to_owned(), profile: profile(email), referrer: None };
    asked_by(caller, asked, Some(key))
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub(crate) fn campaign(code: &str, action: Action, reward: RewardTerms) -> CampaignDetails {
    CampaignDetails {
        supplier: "own".into(),
        code: code.into(),
        name: code.into(),
        description: "A campaign of these tests".into(),
        action,
        reward,
        opens_at: instant("2024-01-01T00:00:00Z"),
        ends_at: None,
        budget: None,
    }
}

pub(crate) fn campaign_id(code: &str) -> CampaignId {
    CampaignId::of("own", code)
}

pub(crate) fn ten_percent() -> RewardTerms {
    RewardTerms::Voucher(VoucherTerms { off: Off::Percent(10), minimum_total: None, valid_days: None })
}

pub(crate) fn grant(member: MemberId, code: &str, cause: &str) -> Together {
    Together::GrantReward { member, campaign: campaign_id(code), cause: cause.into() }
}

async fn list(world: &World, details: CampaignDetails) -> Receipt {
    let asked = asked_by("operator", Together::ListCampaign(details), None);
    world.engine.submit(asked).await.expect("listed")
}

/// A member with the points of a campaign.
async fn rich_member(world: &World, caller: &str) -> MemberId {
    list(world, campaign("GIFT", Action::Signup, RewardTerms::Point(GIFT))).await;
    world.engine.submit(sign_up(caller, &address_of(caller), "sign up")).await.expect("signed up");
    MemberId::of(caller)
}

pub(crate) fn booked_by(caller: &str, wanted: TripRequest, key: &str) -> Request {
    Request { caller: caller.to_owned(), ..request(book(wanted), Some(key)) }
}

async fn book_as(world: &World, caller: &str, wanted: TripRequest, key: &str) -> BookingId {
    let receipt = world.engine.submit(booked_by(caller, wanted, key)).await.expect("accepted");
    BookingId(receipt.subject.uuid)
}

/// Asks again, as callers do, while others are faster.
async fn at_last(engine: &Engine, request: Request) -> Result<Receipt, Rejection> {
    loop {
        match engine.submit(request.clone()).await {
            Err(busy) if busy.code == Code::Conflict => {}
            answer => return answer,
        }
    }
}

/// What accepts and what is refused, by code.
fn codes(answers: &[Result<Receipt, Rejection>]) -> Vec<Code> {
    answers.iter().filter_map(|answer| answer.as_ref().err()).map(|refused| refused.code).collect()
}

/// The account as its events make it, which is also the sum of its entries: told by those who share no code with what decided.
async fn balance(world: &World, member: MemberId) -> u64 {
    let mut account = Aggregate::empty(StreamKind::PointsAccount);
    let mut sum: i128 = 0;
    for stored in world.events().await.iter().filter(|stored| stored.stream == member.account()) {
        let event = decoded(stored);
        assert!(account.apply(&event), "it is of this kind");
        let Event::PointsAccount(entry) = event else { panic!("of this kind") };
        sum += match entry {
            PointsAccountEvent::PointsEarned { points, .. } | PointsAccountEvent::PointsRestored { points, .. } => {
                i128::from(points)
            }
            PointsAccountEvent::PointsRedeemed { points, .. } => -i128::from(points.points),
            PointsAccountEvent::PointsReversed { points, .. } => -i128::from(points),
            PointsAccountEvent::AccountClosed { expired, .. } => -i128::from(expired),
            _ => 0,
        };
        assert!(sum >= 0, "never below zero: {sum} after {}", stored.event_type);
    }
    let Aggregate::PointsAccount(account) = account else { panic!("of this kind") };
    let account: PointsAccount = account;
    assert_eq!(i128::from(account.balance()), sum, "the balance is the sum of the history");
    account.balance()
}

/// Waits until an account has an entry of this name.
async fn until_entry(world: &World, member: MemberId, name: &str) {
    let arrived = async {
        while !names(world, member).await.iter().any(|entry| entry == name) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(AT_LAST, arrived).await.is_ok();
    assert!(in_time, "no {name}: {:?}", names(world, member).await);
}

/// The entries of an account.
async fn names(world: &World, member: MemberId) -> Vec<String> {
    let events = world.events().await;
    let own = events.iter().filter(|event| event.stream == member.account());
    own.map(|event| event.event_type.to_string()).collect()
}
