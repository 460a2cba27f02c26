//! Campaigns as members and operators see them: where each stands by the clock of who asks, and what it has granted.

use chrono::TimeDelta;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::campaign::{
    Action, Campaign, CampaignDetails, CampaignEvent, CampaignStatus, ClosedBecause, RewardTerms,
};
use traveladvisor_domain::id::CampaignId;
use traveladvisor_domain::together::Together;
use traveladvisor_projections::reads::{CampaignFilter, Page, Reads};
use traveladvisor_projections::views::CampaignView;

use crate::pages::assert_paged;
use crate::support::members::{TENTH, campaign};
use crate::support::{House, instant};

async fn shown(reads: &Reads, id: CampaignId) -> CampaignView {
    reads.campaign(id).await.expect("readable").expect("known")
}

async fn codes(reads: &Reads, filter: &CampaignFilter) -> Vec<String> {
    let slice = reads.campaigns(filter, &Page::first(100)).await.expect("readable");
    slice.items.into_iter().map(|(_, campaign)| campaign.details.code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_says_what_it_grants_how_often_it_has_and_why_it_was_closed() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let details = CampaignDetails { budget: Some(2), ..campaign("TWO", Action::Signup, RewardTerms::Point(10)) };
    let two = house.list_campaign(details.clone()).await;
    let endless = house.list_campaign(campaign("ENDLESS", Action::Signup, RewardTerms::Voucher(TENTH))).await;
    for identity in ["a", "b", "c"] {
        house.sign_up(identity, &format!("{identity}@example.org"), None).await;
    }
    house.catch_up(&reads).await;
    let view = shown(&reads, two).await;
    assert_eq!((view.details, view.granted, view.closed), (details, 2, Some(ClosedBecause::BudgetUsed)));
    let view = shown(&reads, endless).await;
    assert_eq!((view.granted, view.closed, view.opened_by_hand), (3, None, false), "counted without a budget as well");
    assert!(house.ask(&Together::CloseCampaign { campaign: endless }).await);
    house.catch_up(&reads).await;
    let view = shown(&reads, endless).await;
    assert_eq!((view.closed, view.version), (Some(ClosedBecause::ByHand), 2));
    assert_eq!(view.status(house.now), CampaignStatus::Close);
    assert_eq!(reads.campaigns_by_id(&[two, CampaignId::of("own", "none")]).await.expect("readable").len(), 1);
}

/// Every campaign that dates and hands can make.
fn ways() -> Vec<(CampaignDetails, Vec<CampaignEvent>)> {
    let mut ways = Vec::new();
    let closed = CampaignEvent::CampaignClosed { because: ClosedBecause::ByHand };
    for (opens, opens_at) in ["2024-12-01T00:00:00Z", "2024-12-10T00:00:00Z"].into_iter().enumerate() {
        for (ends, ends_at) in [None, Some("2024-12-20T00:00:00Z")].into_iter().enumerate() {
            for (hands, events) in
                [vec![], vec![CampaignEvent::CampaignOpened], vec![closed.clone()]].into_iter().enumerate()
            {
                let action = [Action::Signup, Action::Referral, Action::Review][hands];
                let mut details = campaign(&format!("{opens}{ends}{hands}"), action, RewardTerms::Point(1));
                (details.opens_at, details.ends_at) = (instant(opens_at), ends_at.map(instant));
                ways.push((details, events));
            }
        }
    }
    ways
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_campaign_stands_is_told_by_the_callers_clock_as_the_campaign_itself_would() {
    let mut house = House::new().await;
    let mut campaigns = Vec::new();
    for (details, events) in ways() {
        let listed = CampaignEvent::CampaignListed { details };
        let mut itself = Campaign::default();
        let CampaignEvent::CampaignListed { details } = &listed else { unreachable!("just made") };
        let id = CampaignId::of(&details.supplier, &details.code);
        for event in std::iter::once(listed.clone()).chain(events) {
            itself.apply(&event);
            house.append(id.stream(), &Event::Campaign(event)).await;
        }
        campaigns.push((id, itself));
    }
    let (_projectors, reads) = house.read().await;
    let edges = ["2024-12-01T00:00:00Z", "2024-12-10T00:00:00Z", "2024-12-20T00:00:00Z"].map(instant);
    for now in edges.into_iter().flat_map(|at| [-1, 0, 1].map(|us| at + TimeDelta::microseconds(us))) {
        for status in [CampaignStatus::WillOpen, CampaignStatus::Active, CampaignStatus::Close] {
            let mut wanted = Vec::new();
            for (id, itself) in &campaigns {
                let view = shown(&reads, *id).await;
                assert_eq!(Some(view.status(now)), itself.status(now), "{id} at {now}");
                wanted.extend((itself.status(now) == Some(status)).then_some(view.details.code));
            }
            let mut found = codes(&reads, &CampaignFilter { status: vec![status], ..CampaignFilter::all(now) }).await;
            wanted.sort();
            found.sort();
            assert_eq!(found, wanted, "{status:?} at {now}");
        }
    }
    let now = edges[1];
    let reviews = CampaignFilter { action: vec![Action::Review], ..CampaignFilter::all(now) };
    assert_eq!(codes(&reads, &reviews).await.len(), 4);
    let closed = vec![CampaignStatus::Close, CampaignStatus::Active];
    let both = CampaignFilter { status: closed, action: vec![Action::Review, Action::Signup], now };
    assert_eq!(codes(&reads, &both).await.len(), 8);
    let (reads, all) = (&reads, &CampaignFilter::all(now));
    assert_paged("campaigns", |page| async move { reads.campaigns(all, &page).await }).await;
    let active = &CampaignFilter { status: vec![CampaignStatus::Active], ..CampaignFilter::all(now) };
    assert_paged("active campaigns", |page| async move { reads.campaigns(active, &page).await }).await;
    let beyond = instant("+12000-01-01T00:00:00Z");
    assert_eq!(codes(reads, &CampaignFilter::all(beyond)).await, [""; 0], "years that cannot be compared");
}
