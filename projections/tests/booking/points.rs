//! Trips that are cheaper by a voucher and paid with points.

use traveladvisor_domain::discount::Discount;
use traveladvisor_domain::id::{BookingId, MemberId, RewardId};
use traveladvisor_domain::trip::{PaymentPlan, Step, TripPlan};
use traveladvisor_projections::reads::{BookingFilter, Page, Reads, TravellerTrips};
use traveladvisor_projections::runtime::Projectors;
use traveladvisor_projections::views::{BookingView, LedgerBalance, LedgerEntry, OccupancyView, StepState};

use crate::occupancy::period;
use crate::support::members::{WELCOME, reward_for};
use crate::support::{House, PLENTY, card, gbp};

struct Booked {
    house: House,
    /// At work as long as it is here.
    _at_work: Projectors,
    reads: Reads,
    member: MemberId,
    voucher: RewardId,
    plan: TripPlan,
    trip: BookingId,
}

impl Booked {
    async fn shown(&self) -> BookingView {
        self.house.catch_up(&self.reads).await;
        self.reads.booking(self.trip).await.expect("readable").expect("known")
    }

    /// The one entry of the trip; the whole ledger is even.
    async fn ledger(&self) -> Option<LedgerEntry> {
        self.house.catch_up(&self.reads).await;
        let balances = self.reads.ledger_balances().await.expect("readable");
        assert!(balances.iter().all(LedgerBalance::is_even), "{balances:?}");
        self.reads.payment_ledger(self.trip).await.expect("readable").pop()
    }
}

/// A member asks for a trip at a tenth less, paid in this way. Nothing is delivered yet.
async fn asked(payment: PaymentPlan) -> Booked {
    let mut house = House::new().await;
    let [_, referral] = house.list_campaigns().await;
    let member = house.sign_up("ada", "ada@example.org", None).await;
    let other = house.sign_up("bob", "bob@example.org", Some(member)).await;
    let voucher = reward_for(referral, other);
    let plan = house.offer(PLENTY, payment).await;
    let plan = house.booked_by(&plan, member, Some(voucher));
    let (at_work, reads) = house.read().await;
    let trip = house.request(1, "ada", "ada@example.org", plan.clone()).await;
    Booked { house, _at_work: at_work, reads, member, voucher, plan, trip }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_shows_its_discount_part_by_part_and_the_points_that_pay_it() {
    let mut it = asked(PaymentPlan::Points).await;
    it.house.deliver_all().await;
    let trip = it.shown().await;
    assert_eq!((trip.status.as_str(), trip.saga_status.as_str()), ("APPROVED", "SUCCEEDED"));
    assert_eq!((trip.total, trip.payment.method.as_str()), (gbp(57_600), "POINTS"));
    assert_eq!((trip.payment.points, trip.payment.status.as_str()), (Some(57_600), "COMPLETED"));
    let discount = Discount {
        voucher: it.voucher,
        amount: gbp(6_400),
        hotel: Some(gbp(3_000)),
        flight: Some(gbp(2_500)),
        car: Some(gbp(900)),
    };
    assert_eq!(trip.discount, Some(discount));
    assert_eq!(trip.hotel.as_ref().expect("a hotel").part.price, gbp(30_000), "a part's price stays its own");
    let saga = it.reads.saga(it.trip).await.expect("readable").expect("known");
    assert_eq!((saga.steps[0].step, saga.steps[0].state), (Step::Voucher, StepState::Done));
    let told: Vec<&str> = trip.timeline.iter().map(|line| line.summary.as_str()).collect();
    for sentence in [
        "A trip with a hotel, a flight and a car was requested for 576.00 GBP, a voucher for 64.00 GBP taken off.",
        "Work on the trip began: the voucher is asked for.",
        "The voucher takes 64.00 GBP off the trip.",
        "The voucher is done: the rooms are asked for.",
        "576.00 GBP was asked for as 57600 points.",
        "57600 points were redeemed for 576.00 GBP.",
        "576.00 GBP was paid with points.",
    ] {
        assert!(told.contains(&sentence), "{sentence} is not in {told:#?}");
    }
    assert!(trip.timeline.iter().all(|line| !line.summary.is_empty()));
    let bare = asked(card()).await;
    assert_eq!(bare.shown().await.payment.points, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_trip_shows_that_points_and_voucher_came_back() {
    let mut it = asked(PaymentPlan::Points).await;
    it.house.deliver_all().await;
    it.house.cancel(it.trip).await;
    it.house.deliver_all().await;
    let trip = it.shown().await;
    assert_eq!((trip.status.as_str(), trip.payment.status.as_str()), ("CANCELLED", "CANCELLED"));
    assert_eq!(
        (trip.payment.refunded, trip.total),
        (gbp(57_600), gbp(57_600)),
        "what was paid, not what it cost before"
    );
    let told: Vec<&str> = trip.timeline.iter().map(|line| line.summary.as_str()).collect();
    for sentence in [
        "57600 points are to be given back.",
        "57600 points were given back.",
        "576.00 GBP was given back as points.",
        "The voucher was given back.",
    ] {
        assert!(told.contains(&sentence), "{sentence} is not in {told:#?}");
    }
    let saga = it.reads.saga(it.trip).await.expect("readable").expect("known");
    assert_eq!((saga.steps[0].step, saga.steps[0].state), (Step::Voucher, StepState::Undone));
    let reward = it.reads.voucher(it.voucher).await.expect("readable").expect("known");
    assert!(reward.is_usable(it.house.now));
    let account = it.reads.points_account(it.member).await.expect("readable").expect("known");
    assert_eq!(account.balance, WELCOME);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_with_points_moves_no_money_and_stands_apart_in_the_ledger() {
    let mut it = asked(PaymentPlan::Points).await;
    it.house.deliver_until("PaymentRequested").await;
    assert_eq!(it.ledger().await, None, "asked for is not redeemed");
    it.house.deliver_until("PointsRedeemed").await;
    let entry = |redeemed, restored| LedgerEntry {
        charged: gbp(0),
        refunded: gbp(0),
        redeemed: gbp(redeemed),
        restored: gbp(restored),
    };
    assert_eq!(it.ledger().await, Some(entry(57_600, 0)));
    it.house.deliver_all().await;
    it.house.cancel(it.trip).await;
    it.house.deliver_all().await;
    let all_back = it.ledger().await.expect("an entry");
    assert_eq!(all_back, entry(57_600, 57_600));
    assert_eq!(all_back.kept(), gbp(0));
    for spoilt in ["redeemed_minor = 0", "restored_minor = 1", "charged_minor = 57600"] {
        let sql = format!("UPDATE payment_ledger SET {spoilt}");
        sqlx::query(&sql).execute(it.house.log.pool()).await.expect("spoilt");
        let balances = it.reads.ledger_balances().await.expect("readable");
        assert!(balances.iter().any(|balance| !balance.is_even()), "{spoilt}: {balances:?}");
        let whole = "UPDATE payment_ledger SET redeemed_minor = 57600, restored_minor = 57600, charged_minor = 0";
        sqlx::query(whole).execute(it.house.log.pool()).await.expect("mended");
    }
    let mut by_card = asked(card()).await;
    by_card.house.deliver_all().await;
    by_card.house.cancel(by_card.trip).await;
    by_card.house.deliver_all().await;
    let entry = by_card.ledger().await.expect("an entry");
    assert_eq!((entry.charged, entry.refunded, entry.redeemed), (gbp(57_600), gbp(57_600), gbp(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_is_ours_suppliers_sell_at_their_own_price() {
    let mut it = asked(PaymentPlan::Points).await;
    assert_eq!(it.plan.total, gbp(57_600));
    it.house.deliver_all().await;
    it.house.catch_up(&it.reads).await;
    let hotel = it.plan.hotel.as_ref().expect("a hotel").hotel;
    let nights = it.reads.hotel_occupancy(hotel, period("2024-12-24", "2024-12-27")).await.expect("readable");
    let revenue: i64 = nights.expect("known").iter().flat_map(OccupancyView::revenue).map(|sold| sold.minor).sum();
    assert_eq!(revenue, 30_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_trips_are_those_of_its_identity_and_lists_show_what_is_paid() {
    let mut it = asked(PaymentPlan::Points).await;
    it.house.request(2, "somebody else", "ada@example.org", it.plan.clone()).await;
    it.house.deliver_all().await;
    it.house.catch_up(&it.reads).await;
    let member = it.reads.member(it.member).await.expect("readable").expect("known");
    let mine = BookingFilter { owner: Some(member.identity), ..BookingFilter::default() };
    let trips = it.reads.bookings(&mine, &Page::first(10)).await.expect("readable").items;
    assert_eq!(trips.iter().map(|(_, trip)| (trip.id, trip.total)).collect::<Vec<_>>(), [(it.trip, gbp(57_600))]);
    let listed = it.reads.traveller_bookings(&TravellerTrips::of("ada@example.org"), &Page::first(10)).await;
    for (_, trip) in listed.expect("readable").items {
        let itself = it.reads.booking(trip.booking).await.expect("readable").expect("known");
        assert_eq!((trip.status, trip.saga_status, trip.total), (itself.status, itself.saga_status, gbp(57_600)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_a_trip_brings_and_loses_stand_in_its_timeline() {
    let mut it = asked(card()).await;
    it.house.deliver_all().await;
    it.house.cancel(it.trip).await;
    it.house.deliver_all().await;
    let trip = it.shown().await;
    let told: Vec<&str> = trip.timeline.iter().map(|line| line.summary.as_str()).collect();
    for sentence in ["The trip brought 576 points.", "576 points that the trip had brought were taken back."] {
        assert!(told.contains(&sentence), "{sentence} is not in {told:#?}");
    }
    let end = it.house.log.read_at(&[it.house.last]).await.expect("readable")[0].recorded_at;
    let as_of = it.reads.booking_as_of(it.trip, end).await.expect("readable");
    assert_eq!(as_of, Some(trip), "the log tells the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_voucher_and_an_account_told_a_trip_is_found_in_the_log_while_the_read_model_is_behind() {
    for payment in [PaymentPlan::Points, card()] {
        let Booked { mut house, _at_work: at_work, reads, trip, .. } = asked(payment).await;
        house.catch_up(&reads).await;
        at_work.stop().await;
        house.deliver_all().await;
        house.cancel(trip).await;
        house.deliver_all().await;
        let end = house.log.read_at(&[house.last]).await.expect("readable")[0].recorded_at;
        let told = reads.booking_as_of(trip, end).await.expect("readable").expect("known");
        let kinds: Vec<&str> = told.timeline.iter().map(|line| line.stream.as_str()).collect();
        assert!(kinds.contains(&"reward") && kinds.contains(&"points_account"), "{kinds:?}");
        let (_at_work, reads) = house.read().await;
        assert_eq!(reads.booking(trip).await.expect("readable"), Some(told), "what is shown in the end");
    }
}
