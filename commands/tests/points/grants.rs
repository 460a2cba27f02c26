//! A reward once for a cause, and no more of them than there are.

use futures::future::join_all;
use traveladvisor_commands::catalog::{self, CatalogueItem};
use traveladvisor_commands::engine::Delivery;
use traveladvisor_domain::campaign::{Action, CampaignDetails, RewardTerms};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{MemberId, RewardId, StreamKind};
use traveladvisor_domain::together::Together;

use super::{
    GIFT, address_of, asked_by, at_last, balance, campaign, campaign_id, codes, grant, instant, list, names,
    rich_member, sign_up, ten_percent,
};
use crate::support::{World, count};

/// Rewards that there are.
const BUDGET: usize = 5;
/// Who asks for one beyond them.
const TOO_MANY: usize = 20;

fn bounded(code: &str, action: Action) -> CampaignDetails {
    CampaignDetails { budget: Some(5), ..campaign(code, action, RewardTerms::Point(7)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cause_that_is_rewarded_twenty_times_in_two_processes_is_rewarded_once() {
    let mut world = World::begin(Delivery::Here).await;
    let member = rich_member(&world, "pat").await;
    list(&world, campaign("REVIEW", Action::Review, RewardTerms::Point(50))).await;
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let engines = [world.engine.clone(), second];
    let asked = (0..20).map(|number| {
        let key = format!("key {number}");
        at_last(&engines[number % 2], asked_by("operator", grant(member, "REVIEW", "review 1"), Some(&key)))
    });
    let receipts: Vec<_> = join_all(asked).await.into_iter().map(|answer| answer.expect("granted")).collect();
    assert_eq!(receipts.iter().filter(|receipt| receipt.changed).count(), 1);
    assert!(receipts.iter().all(|it| it.subject == RewardId::of(campaign_id("REVIEW"), "review 1").stream()));
    assert_eq!(balance(&world, member).await, GIFT + 50);
    let other = asked_by("operator", grant(member, "REVIEW", "review 2"), Some("other"));
    assert!(world.engine.submit(other).await.expect("another cause").changed);
    let kim = MemberId::of("kim");
    let nobody = asked_by("operator", grant(kim, "REVIEW", "review 3"), Some("nobody"));
    let refused = world.engine.submit(nobody).await.expect_err("no member");
    assert_eq!((refused.code, refused.path), (Code::NotFound, vec!["memberId".to_owned()]));
    world.engine.submit(sign_up("kim", &address_of("kim"), "key")).await.expect("signed up");
    let anothers = asked_by("operator", grant(kim, "REVIEW", "review 1"), Some("kim"));
    let refused = world.engine.submit(anothers).await.expect_err("rewarded already");
    assert_eq!((refused.code, refused.path), (Code::AlreadyExists, vec!["cause".to_owned()]));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_budget_no_more_is_granted_than_there_is_and_everybody_else_signs_up_without() {
    let mut world = World::begin(Delivery::Here).await;
    list(&world, bounded("FIRST", Action::Signup)).await;
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let engines = [world.engine.clone(), second];
    let callers: Vec<String> = (0..BUDGET + TOO_MANY).map(|number| format!("caller-{number}")).collect();
    let asked = callers
        .iter()
        .enumerate()
        .map(|(number, name)| at_last(&engines[number % 2], sign_up(name, &address_of(name), "key")));
    let answers = join_all(asked).await;
    assert_eq!(codes(&answers), [], "all are members");
    let events = world.events().await;
    assert_eq!(count(&events, StreamKind::Member, "MemberSignedUp"), BUDGET + TOO_MANY);
    for (kind, name, times) in [
        (StreamKind::Reward, "RewardGranted", BUDGET),
        (StreamKind::PointsAccount, "PointsEarned", BUDGET),
        (StreamKind::Campaign, "RewardCounted", BUDGET),
        (StreamKind::Campaign, "CampaignClosed", 1),
    ] {
        assert_eq!(count(&events, kind, name), times, "{name}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_grants_more_than_there_is_hears_that_the_campaign_is_closed() {
    let mut world = World::begin(Delivery::Here).await;
    let member = rich_member(&world, "pat").await;
    list(&world, bounded("FEW", Action::Review)).await;
    let (second, running) = world.second_engine(Delivery::Elsewhere).await;
    let engines = [world.engine.clone(), second];
    let asked = (0..BUDGET + TOO_MANY).map(|number| {
        let cause = format!("review {number}");
        at_last(&engines[number % 2], asked_by("operator", grant(member, "FEW", &cause), Some(&cause)))
    });
    let answers = join_all(asked).await;
    assert_eq!(codes(&answers), [Code::CampaignClosed; TOO_MANY]);
    assert_eq!(balance(&world, member).await, GIFT + 7 * BUDGET as u64);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_grants_from_its_beginning_to_its_end() {
    let world = World::begin(Delivery::Here).await;
    let later = CampaignDetails { opens_at: instant("2025-06-01T00:00:00Z"), ..bounded("LATER", Action::Signup) };
    list(&world, later).await;
    let over = CampaignDetails { ends_at: Some(instant("2024-11-30T23:59:59Z")), ..bounded("OVER", Action::Signup) };
    list(&world, over).await;
    world.engine.submit(sign_up("early", &address_of("early"), "key")).await.expect("signed up");
    let early = MemberId::of("early");
    assert_eq!(names(&world, early).await, Vec::<String>::new(), "nothing is granted");
    let own_id = early.to_string();
    let asks =
        |code: &str, key: &str| world.engine.submit(asked_by("operator", grant(early, code, &own_id), Some(key)));
    assert_eq!(asks("LATER", "1").await.expect_err("too early").code, Code::CampaignNotOpen);
    assert_eq!(asks("OVER", "2").await.expect_err("too late").code, Code::CampaignClosed);
    assert_eq!(asks("NONE", "3").await.expect_err("unknown").code, Code::NotFound);
    let by_hand = |asked| world.engine.submit(asked_by("operator", asked, None));
    by_hand(Together::OpenCampaign { campaign: campaign_id("LATER") }).await.expect("opened");
    asks("LATER", "4").await.expect("granted");
    by_hand(Together::CloseCampaign { campaign: campaign_id("LATER") }).await.expect("closed");
    world.engine.submit(sign_up("late", &address_of("late"), "key")).await.expect("signed up");
    assert_eq!(names(&world, MemberId::of("late")).await, Vec::<String>::new());
    assert_eq!(balance(&world, early).await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_referred_a_new_member_gets_the_voucher_for_each_of_them_once() {
    let mut world = World::begin(Delivery::Here).await;
    let referrer = rich_member(&world, "pat").await;
    list(&world, campaign("REFERRAL", Action::Referral, ten_percent())).await;
    // The campaigns and the account are known only once the programme is loaded.
    world.restart(Delivery::Here).await;
    let sign_up_by = |caller: &str, by: MemberId| {
        let asked = Together::SignUp {
            identity: caller.to_owned(),
            profile: super::profile(&address_of(caller)),
            referrer: Some(by),
        };
        asked_by(caller, asked, Some("key"))
    };
    for caller in ["kim", "lee"] {
        world.engine.submit(sign_up_by(caller, referrer)).await.expect("signed up");
        let voucher = RewardId::of(campaign_id("REFERRAL"), &MemberId::of(caller).to_string());
        let events = world.events().await;
        assert_eq!(events.iter().filter(|event| event.stream == voucher.stream()).count(), 1, "for {caller}");
    }
    for (caller, by) in [("ann", MemberId::of("nobody")), ("bob", MemberId::of("bob"))] {
        let refused = world.engine.submit(sign_up_by(caller, by)).await.expect_err("no such referrer");
        assert_eq!((refused.code, refused.path), (Code::NotFound, vec!["referrer".to_owned()]), "{caller}");
    }
    assert_eq!(count(&world.events().await, StreamKind::Member, "MemberSignedUp"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_campaigns_of_the_reference_data_are_imported_once_and_grant_what_they_say() {
    let world = World::begin(Delivery::Here).await;
    let campaigns: Vec<CampaignDetails> = catalog::embedded()
        .into_iter()
        .filter_map(|line| if let Ok(CatalogueItem::Campaign(details)) = line.item { Some(details) } else { None })
        .collect();
    for (time, changed) in [("first", true), ("second", false)] {
        for details in campaigns.clone() {
            assert_eq!(list(&world, details).await.changed, changed, "{time}");
        }
    }
    world.engine.submit(sign_up("pat", "pat@example.com", "key")).await.expect("signed up");
    assert_eq!(balance(&world, MemberId::of("pat")).await, 1_000_000);
}
