//! What members were granted, and which trip uses it.

use chrono::TimeDelta;
use traveladvisor_domain::campaign::{Action, RewardTerms};
use traveladvisor_domain::discount::{Off, VoucherTerms};
use traveladvisor_domain::id::{CampaignId, MemberId, RewardId};
use traveladvisor_domain::reward::Grant;
use traveladvisor_domain::together::Together;
use traveladvisor_projections::reads::{Page, Reads, VoucherFilter};
use traveladvisor_projections::views::VoucherView;

use crate::pages::assert_paged;
use crate::support::members::{TENTH, campaign, reward_for};
use crate::support::{House, PLENTY, Supply, card, gbp};

async fn listed(reads: &Reads, filter: VoucherFilter) -> Vec<VoucherView> {
    let slice = reads.vouchers(&filter, &Page::first(100)).await.expect("readable");
    slice.items.into_iter().map(|(_, voucher)| voucher).collect()
}

/// One campaign of each kind, for reviews, and somebody who gets of all.
async fn all_kinds(house: &mut House) -> (MemberId, Vec<RewardId>) {
    let soon = VoucherTerms { off: Off::Amount(gbp(500)), minimum_total: Some(gbp(100)), valid_days: Some(10) };
    let ada = house.sign_up("ada", "ada@example.org", None).await;
    let mut rewards = Vec::new();
    for (code, reward) in [
        ("P", RewardTerms::Point(10)),
        ("V", RewardTerms::Voucher(soon)),
        ("D", RewardTerms::Discount(TENTH)),
        ("G", RewardTerms::Gift("A cup.".into())),
    ] {
        let campaign = house.list_campaign(campaign(code, Action::Review, reward)).await;
        let grant = Together::GrantReward { member: ada, campaign, cause: "review 1".into() };
        assert!(house.ask(&grant).await && house.ask(&grant).await, "once for a cause, however often it is asked");
        rewards.push(RewardId::of(campaign, "review 1"));
    }
    (ada, rewards)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_each_reward_once_with_its_terms_the_newest_first() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let (ada, rewards) = all_kinds(&mut house).await;
    let granted_before = house.now;
    house.catch_up(&reads).await;
    let shown = listed(&reads, VoucherFilter::of(ada)).await;
    assert_eq!(shown.iter().rev().map(|voucher| voucher.id).collect::<Vec<_>>(), rewards);
    let kinds: Vec<_> = shown.iter().rev().map(|voucher| voucher.grant.as_str()).collect();
    assert_eq!(kinds, ["POINT", "VOUCHER", "DISCOUNT", "GIFT"]);
    assert!(shown.iter().all(|voucher| voucher.cause == "review 1" && voucher.member == ada));
    assert_eq!(shown[0].grant, Grant::Gift("A cup.".into()));
    assert_eq!(shown[0].campaign, CampaignId::of("own", "G"));
    let soon = &shown[2];
    let expires_at = soon.expires_at().expect("it expires");
    assert_eq!((expires_at - soon.granted_at).num_days(), 9, "ten days from the decision, a second before the event");
    let usable = async |at| {
        let filter = VoucherFilter { usable_at: Some(at), ..VoucherFilter::of(ada) };
        listed(&reads, filter).await.iter().map(|voucher| voucher.grant.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(usable(granted_before).await, ["DISCOUNT", "VOUCHER"]);
    assert_eq!(usable(expires_at - TimeDelta::microseconds(1)).await, ["DISCOUNT", "VOUCHER"]);
    assert_eq!(usable(expires_at).await, ["DISCOUNT"], "it is not valid at that moment any more");
    assert!(!soon.is_usable(expires_at) && soon.is_usable(granted_before) && !shown[0].is_usable(granted_before));
    assert_eq!(listed(&reads, VoucherFilter::of(MemberId::of("bob"))).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_says_which_trip_uses_it_and_is_free_again_when_the_trip_does_not_stand() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let [_, referral] = house.list_campaigns().await;
    let ada = house.sign_up("ada", "ada@example.org", None).await;
    let bob = house.sign_up("bob", "bob@example.org", Some(ada)).await;
    let voucher = reward_for(referral, bob);
    let plan = house.offer(Supply { vehicles: 1, ..PLENTY }, card()).await;
    let cheaper = house.booked_by(&plan, ada, Some(voucher));
    let now = house.now;
    let kept = house.request(1, "ada", "ada@example.org", cheaper.clone()).await;
    // Quoted while the voucher was still free.
    let late = house.request(2, "ada", "ada@example.org", cheaper.clone()).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    let view = reads.voucher(voucher).await.expect("readable").expect("known");
    assert_eq!((view.used_by, view.discount, view.is_usable(now)), (Some(kept), Some(gbp(6_400)), false));
    let refused = reads.booking(late).await.expect("readable").expect("known");
    assert_eq!(refused.failure.expect("it failed").code.as_str(), "VOUCHER_USED");

    house.cancel(kept).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    let view = reads.voucher(voucher).await.expect("readable").expect("known");
    assert_eq!((view.used_by, view.discount, view.is_usable(now)), (None, None, true));

    let other = house.offer(Supply { vehicles: 1, rooms: 0, ..PLENTY }, card()).await;
    let again = house.booked_by(&other, ada, Some(voucher));
    house.request(3, "ada", "ada@example.org", again).await;
    house.deliver_until("VoucherRedeemed").await;
    house.catch_up(&reads).await;
    assert!(reads.voucher(voucher).await.expect("readable").expect("known").used_by.is_some());
    house.deliver_all().await;
    house.catch_up(&reads).await;
    let view = reads.voucher(voucher).await.expect("readable").expect("known");
    assert_eq!(view.used_by, None, "the hotel was sold out");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_a_members_rewards_is_read_in_pages_from_either_end() {
    let mut house = House::new().await;
    let [_, referral] = house.list_campaigns().await;
    let ada = house.sign_up("ada", "ada@example.org", None).await;
    for number in 0..6 {
        house.sign_up(&format!("friend {number}"), &format!("{number}@example.org"), Some(ada)).await;
    }
    let (_projectors, reads) = house.read().await;
    let reads = &reads;
    assert_paged("rewards", |page| async move { reads.vouchers(&VoucherFilter::of(ada), &page).await }).await;
    let usable = VoucherFilter { usable_at: Some(house.now), ..VoucherFilter::of(ada) };
    assert_paged("vouchers", |page| async move { reads.vouchers(&usable, &page).await }).await;
    let ids: Vec<_> = listed(reads, usable).await.iter().map(|voucher| voucher.id).collect();
    assert_eq!(reads.vouchers_by_id(&ids).await.expect("readable").len(), 6);
    assert_eq!(ids.last(), Some(&reward_for(referral, MemberId::of("friend 0"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_has_left_no_voucher_is_usable_and_of_others_they_are() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let [_, referral] = house.list_campaigns().await;
    let ada = house.sign_up("ada", "ada@example.org", None).await;
    let eve = house.sign_up("eve", "eve@example.org", None).await;
    for (friend, referrer) in [("bob", ada), ("cid", eve)] {
        house.sign_up(friend, &format!("{friend}@example.org"), Some(referrer)).await;
    }
    assert!(house.close(ada).await);
    house.catch_up(&reads).await;
    let usable = |member| VoucherFilter { usable_at: Some(house.now), ..VoucherFilter::of(member) };
    let (of_ada, of_eve) = (listed(&reads, VoucherFilter::of(ada)).await, listed(&reads, usable(eve)).await);
    let voucher = of_ada.iter().find(|it| it.grant.voucher().is_some()).expect("it is there to be seen");
    assert_eq!((voucher.campaign, voucher.is_usable(house.now)), (referral, false));
    assert_eq!(listed(&reads, usable(ada)).await, []);
    assert!(of_eve.len() == 1 && of_eve[0].is_usable(house.now));
    assert!(!reads.voucher(voucher.id).await.expect("readable").expect("known").is_usable(house.now));
}
