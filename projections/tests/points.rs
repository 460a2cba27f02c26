//! Accounts of points: every line with its cause, page by page, and the balance as the sum of them.

use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::campaign::{Action, RewardTerms};
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId};
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::points::{PointsOrder, PointsToRedeem};
use traveladvisor_domain::points_account::PointsAccountCommand;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::Position;
use traveladvisor_projections::reads::{Page, Reads};
use traveladvisor_projections::views::{PointsCause, PointsEntryType, PointsEntryView};
use uuid::Uuid;

use crate::pages::assert_paged;
use crate::support::members::{WELCOME, campaign, reward_for};
use crate::support::{House, PLENTY, card, date, gbp};

/// The whole history, the oldest first.
pub(crate) async fn history(reads: &Reads, member: MemberId) -> Vec<PointsEntryView> {
    let (mut lines, mut page) = (Vec::new(), Page::first(100));
    loop {
        let slice = reads.points_entries(member, &page).await.expect("readable");
        page.after = slice.items.last().map(|(cursor, _)| cursor.clone());
        lines.extend(slice.items.into_iter().map(|(_, line)| line));
        if !slice.has_next {
            lines.reverse();
            return lines;
        }
    }
}

fn told(line: &PointsEntryView) -> (PointsEntryType, i64, u64) {
    (line.kind, line.points, line.balance)
}

/// A member with the points of a campaign has paid a trip with them, cancelled it, had another one by card cancelled, and left.
async fn whole_life(house: &mut House) -> (MemberId, [BookingId; 2]) {
    house.list_campaigns().await;
    let ada = house.sign_up("ada", "ada@example.org", None).await;
    let plan = house.offer(PLENTY, PaymentPlan::Points).await;
    let by_points = house.booked_by(&plan, ada, None);
    let paid = house.request(1, "ada", "ada@example.org", by_points).await;
    house.deliver_all().await;
    house.cancel(paid).await;
    house.deliver_all().await;
    let by_card = house.offer(PLENTY, card()).await;
    let by_card = house.booked_by(&by_card, ada, None);
    let earned = house.request(2, "ada", "ada@example.org", by_card).await;
    house.deliver_all().await;
    house.cancel(earned).await;
    house.deliver_all().await;
    assert!(house.give_points(ada, 7).await && house.close(ada).await);
    (ada, [paid, earned])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_history_says_what_moved_why_and_what_was_left() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    assert_eq!(reads.points_account(MemberId::of("ada")).await.expect("readable"), None);
    let (ada, [paid, earned]) = whole_life(&mut house).await;
    house.catch_up(&reads).await;
    let lines = history(&reads, ada).await;
    let welcome = WELCOME.cast_signed();
    assert_eq!(
        lines.iter().map(told).collect::<Vec<_>>(),
        [
            (PointsEntryType::Earn, welcome, WELCOME),
            (PointsEntryType::Redeem, -64_000, WELCOME - 64_000),
            (PointsEntryType::Restored, 64_000, WELCOME),
            (PointsEntryType::Earn, 640, WELCOME + 640),
            (PointsEntryType::Reversed, -640, WELCOME),
            (PointsEntryType::Earn, 7, WELCOME + 7),
            (PointsEntryType::Expired, -welcome - 7, 0),
        ]
    );
    let campaign = CampaignId::of("own", "WELCOME");
    let (by_trip, by_card) = (PointsCause::Booking(paid), PointsCause::Booking(earned));
    let operator = PointsCause::Operator { actor: "test".into(), reason: "for the long wait".into() };
    let granted = PointsCause::Campaign { campaign, reward: reward_for(campaign, ada) };
    let causes = [granted, by_trip.clone(), by_trip, by_card.clone(), by_card, operator, PointsCause::Closing];
    assert_eq!(lines.iter().map(|line| line.cause.clone()).collect::<Vec<_>>(), causes);
    let values: Vec<_> = lines.iter().map(|line| line.value).collect();
    let worth = Some(gbp(64_000));
    assert_eq!(values, [None, worth, worth, None, None, None, None]);
    let account = reads.points_account(ada).await.expect("readable").expect("known");
    assert_eq!((account.balance, account.is_closed), (0, true));
    assert_eq!(account.updated_at, lines[6].at);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_barred_or_told_again_is_no_line_of_the_history() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    house.list_campaign(campaign("FEW", Action::Signup, RewardTerms::Point(63_999))).await;
    let poor = house.sign_up("poor", "poor@example.org", None).await;
    let plan = house.offer(PLENTY, PaymentPlan::Points).await;
    let plan = house.booked_by(&plan, poor, None);
    let trip = house.request(1, "poor", "poor@example.org", plan).await;
    house.deliver_all().await;
    house.catch_up(&reads).await;
    assert_eq!(
        history(&reads, poor).await.iter().map(told).collect::<Vec<_>>(),
        [(PointsEntryType::Earn, 63_999, 63_999)]
    );
    let shown = reads.booking(trip).await.expect("readable").expect("known");
    assert_eq!(shown.failure.expect("it failed").code.as_str(), "INSUFFICIENT_FUNDS");
    assert_eq!(reads.payment_ledger(trip).await.expect("readable"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_taken_from_what_comes_and_the_trip_tells_of_it() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let ada = house.sign_up("ada", "ada@example.org", None).await;
    let plan = house.offer(PLENTY, card()).await;
    let by_card = house.booked_by(&plan, ada, None);
    let earned = house.request(1, "ada", "ada@example.org", by_card).await;
    house.deliver_all().await;
    // 500 of the 640 points are spent for another trip.
    let points = PointsToRedeem { member: ada, points: 500, until: date("2025-12-24") };
    let order = PointsOrder { direction: Direction::Request, attempt: 1, points, value: gbp(500) };
    let (booking, occasion) = (BookingId(Uuid::from_u128(77)), house.occasion());
    let command = PointsAccountCommand::Order { booking, order, occasion };
    house.tell(ada.account(), Command::PointsAccount(command)).await;
    house.cancel(earned).await;
    house.deliver_all().await;
    house.give_points(ada, 1_000).await;
    house.catch_up(&reads).await;
    assert_eq!(
        history(&reads, ada).await.iter().map(told).collect::<Vec<_>>(),
        [
            (PointsEntryType::Earn, 640, 640),
            (PointsEntryType::Redeem, -500, 140),
            (PointsEntryType::Reversed, -140, 0),
            (PointsEntryType::Earn, 1_000, 1_000),
            (PointsEntryType::Reversed, -500, 500),
        ]
    );
    let shown = reads.booking(earned).await.expect("readable").expect("known");
    let lines: Vec<_> = shown.timeline.iter().filter(|line| line.event_type == "PointsReversed").collect();
    assert_eq!(lines[0].summary, "140 points that the trip had brought were taken back; 500 are owed.");
    assert_eq!(lines[1].summary, "500 points that the trip had brought were taken back.");
    assert_eq!(shown.status.as_str(), "CANCELLED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_read_in_pages_from_either_end_and_nobody_reads_anothers() {
    let mut house = House::new().await;
    let (ada, bob) = (house.sign_up("ada", "a@b.c", None).await, house.sign_up("bob", "b@b.c", None).await);
    for points in 1..=7 {
        house.give_points(ada, points).await;
        house.give_points(bob, points * 100).await;
    }
    let (_projectors, reads) = house.read().await;
    let reads = &reads;
    assert_paged("a history", |page| async move { reads.points_entries(ada, &page).await }).await;
    let lines = history(reads, ada).await;
    assert_eq!(lines.iter().map(|line| line.points).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(lines.last().expect("a line").balance, 28);
    assert!(lines.is_sorted_by(|before, behind| before.position < behind.position));
    assert!(lines.iter().all(|line| line.position > Position::START));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_the_sum_of_its_history_is_found() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let (ada, bob) = (house.sign_up("ada", "a@b.c", None).await, house.sign_up("bob", "b@b.c", None).await);
    for member in [ada, bob] {
        house.give_points(member, 10).await;
        house.give_points(member, 20).await;
    }
    house.catch_up(&reads).await;
    let uneven = async || reads.points_that_do_not_add_up().await.expect("readable");
    assert_eq!(uneven().await, []);
    for (spoilt, mended) in [
        ("UPDATE points_accounts SET balance = balance - 1", "UPDATE points_accounts SET balance = balance + 1"),
        (
            "UPDATE points_entries SET points = 11, balance = 11 WHERE points = 10",
            "UPDATE points_entries SET points = 10, balance = 10 WHERE points = 11",
        ),
        (
            "UPDATE points_entries SET balance = 9 WHERE points = 10",
            "UPDATE points_entries SET balance = 10 WHERE points = 10",
        ),
    ] {
        for (sql, wanted) in [(spoilt, vec![ada]), (mended, vec![])] {
            let sql = format!("{sql}{} member_id = $1", if sql.contains("WHERE") { " AND" } else { " WHERE" });
            sqlx::query(&sql).bind(ada.0).execute(house.log.pool()).await.expect("it runs");
            assert_eq!(uneven().await, wanted, "{sql}");
        }
    }
    sqlx::query("DELETE FROM points_accounts").execute(house.log.pool()).await.expect("it runs");
    assert_eq!(uneven().await.len(), 2, "histories without an account");
}
