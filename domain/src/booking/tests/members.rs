//! What it changes that a member books: vouchers, points as payment, points that a trip brings.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::{Offers, TripRequest, car, flight, hotel, nobody, quote, wanted};
use crate::booking::quote::{Booker, NoQuote, POINTS_KEPT_DAYS};
use crate::booking::{Booking, BookingCommand, BookingEvent};
use crate::discount::{Off, Voucher};
use crate::failure::Code;
use crate::id::CampaignId;
use crate::money::{Currency, Money};
use crate::points::{Earning, PointsTerms, PointsToRedeem};
use crate::reward::{Grant, Reward, RewardCommand, RewardEvent};
use crate::testing::samples::{NOW, booking, car_details, card, day, member, pounds, voucher_id};
use crate::testing::{at, given};
use crate::trip::{PaymentPlan, TripPlan};

/// The sample trip costs 500 pounds, 200 for the hotel, 100 for the flight, 200 for the car.
const TOTAL: i64 = 50_000;

/// A year after the trip's first moment.
fn until() -> NaiveDate {
    assert_eq!(POINTS_KEPT_DAYS, 365);
    day("2025-12-24")
}

fn granted(voucher: Voucher) -> Reward {
    let campaign = CampaignId::of("own", "referral");
    let grant = Grant::Voucher(voucher);
    given(&[RewardEvent::RewardGranted { member: member(), campaign, cause: "a friend".into(), grant }]).state
}

fn voucher(off: Off) -> Reward {
    granted(Voucher { off, minimum_total: None, expires_at: None })
}

fn tenth() -> Reward {
    voucher(Off::Percent(10))
}

/// The sample trip, as the member asks for it.
fn quoted(wanted: &TripRequest, voucher: Option<&Reward>) -> Result<TripPlan, NoQuote> {
    quoted_for(wanted, voucher, &PointsTerms::default())
}

fn quoted_for(wanted: &TripRequest, voucher: Option<&Reward>, terms: &PointsTerms) -> Result<TripPlan, NoQuote> {
    let (hotel, flight, car) = (hotel(), flight(), car(car_details()));
    let offers = Offers { hotel: Some(&hotel), flight: Some(&flight), car: Some(&car), voucher };
    quote(wanted, offers, Booker { member: Some(member()), has_left: false, terms }, at(NOW))
}

fn with_voucher() -> TripRequest {
    TripRequest { voucher: Some(voucher_id()), ..wanted(None) }
}

fn paid_by(payment: PaymentPlan) -> TripRequest {
    TripRequest { payment, ..wanted(None) }
}

#[test]
fn a_voucher_makes_the_total_cheaper_and_leaves_the_parts_their_prices() {
    let plan = quoted(&with_voucher(), Some(&tenth())).expect("quoted");
    assert_eq!(plan.total, pounds(45_000));
    let prices = [
        plan.hotel.as_ref().map(|part| part.price),
        plan.flight.as_ref().map(|part| part.price),
        plan.car.as_ref().map(|part| part.price),
    ];
    assert_eq!(prices, [Some(pounds(20_000)), Some(pounds(10_000)), Some(pounds(20_000))]);
    let discount = plan.discount.expect("a discount");
    assert_eq!((discount.voucher, discount.amount), (voucher_id(), pounds(5_000)));
    let shares = [discount.hotel, discount.flight, discount.car];
    assert_eq!(shares, [Some(pounds(2_000)), Some(pounds(1_000)), Some(pounds(2_000))]);
    let part = plan.voucher().expect("asked for");
    assert_eq!((part.total, part.discount, part.member), (pounds(TOTAL), pounds(5_000), member()));
    // The voucher grants what was quoted.
    let redeem = RewardCommand::Redeem { booking: booking(1), attempt: 1, part, occasion: at(NOW) };
    let events = tenth().decide(redeem).expect("decided");
    assert!(matches!(&events[..], [RewardEvent::VoucherRedeemed { discount, .. }] if *discount == pounds(5_000)));
}

#[test]
fn the_expected_total_is_that_with_the_discount() {
    let expecting = |minor| TripRequest { expected_total: Some(pounds(minor)), ..with_voucher() };
    assert!(quoted(&expecting(45_000), Some(&tenth())).is_ok());
    let reason = quoted(&expecting(TOTAL), Some(&tenth())).expect_err("the total without it");
    assert_eq!((reason.failure.code, reason.path), (Code::PriceChanged, vec!["expectedTotal"]));
}

#[test]
fn a_voucher_that_cannot_be_used_is_refused_with_its_path() {
    let used = {
        let part = quoted(&with_voucher(), Some(&tenth())).expect("quoted").voucher().expect("asked for");
        let redeem = RewardCommand::Redeem { booking: booking(1), attempt: 1, part, occasion: at(NOW) };
        let mut reward = tenth();
        for event in reward.decide(redeem).expect("decided") {
            reward.apply(&event);
        }
        reward
    };
    let free = Voucher { off: Off::Percent(10), minimum_total: None, expires_at: None };
    let won = Money::new(1, "KRW".parse::<Currency>().expect("a currency"));
    let cases = [
        (None, Code::NotFound),
        (Some(used), Code::VoucherUsed),
        (Some(granted(Voucher { expires_at: Some(at(NOW).at), ..free })), Code::VoucherExpired),
        (Some(voucher(Off::Amount(won))), Code::CurrencyMismatch),
        (Some(granted(Voucher { minimum_total: Some(pounds(TOTAL + 1)), ..free })), Code::VoucherNotApplicable),
    ];
    for (reward, code) in cases {
        let reason = quoted(&with_voucher(), reward.as_ref()).expect_err("refused");
        assert_eq!((reason.failure.code, reason.path), (code, vec!["voucher"]));
    }
    assert!(quoted(&with_voucher(), Some(&granted(Voucher { minimum_total: Some(pounds(TOTAL)), ..free }))).is_ok());
}

#[test]
fn who_is_no_member_has_neither_vouchers_nor_points() {
    let (hotel, flight, car, voucher) = (hotel(), flight(), car(car_details()), tenth());
    let offers = Offers { hotel: Some(&hotel), flight: Some(&flight), car: Some(&car), voucher: Some(&voucher) };
    let reason = quote(&with_voucher(), offers, nobody(), at(NOW)).expect_err("refused");
    assert_eq!((reason.failure.code, reason.path), (Code::NotFound, vec!["voucher"]));
    let reason = quote(&paid_by(PaymentPlan::Points), offers, nobody(), at(NOW)).expect_err("refused");
    assert_eq!((reason.failure.code, reason.path), (Code::PaymentMethodUnavailable, vec!["payment", "method"]));
    assert_eq!(quote(&wanted(None), offers, nobody(), at(NOW)).expect("quoted").earns, None);
    let left = Booker { has_left: true, ..nobody() };
    for wanted in [with_voucher(), paid_by(PaymentPlan::Points)] {
        let reason = quote(&wanted, offers, left, at(NOW)).expect_err("refused");
        assert_eq!(reason.failure.code, Code::MemberClosed, "not told to sign up, which is refused");
    }
}

#[test]
fn points_pay_the_discounted_total_rounded_up_and_bring_none() {
    let terms = |rate| PointsTerms::new(rate, std::collections::BTreeMap::new(), 10).expect("terms");
    let wanted = TripRequest { payment: PaymentPlan::Points, ..with_voucher() };
    for (rate, points) in [(100, 45_000), (1, 450), (3, 1_350)] {
        let plan = quoted_for(&wanted, Some(&tenth()), &terms(rate)).expect("quoted");
        assert_eq!(plan.payment, PaymentPlan::Redeem(PointsToRedeem { member: member(), points, until: until() }));
        assert_eq!((plan.total, plan.earns), (pounds(45_000), None));
    }
    // A penny more than 450 pounds is worth a whole point more.
    let penny = voucher(Off::Amount(pounds(4_999)));
    let plan = quoted_for(&wanted, Some(&penny), &terms(1)).expect("quoted");
    assert_eq!(plan.payment, PaymentPlan::Redeem(PointsToRedeem { member: member(), points: 451, until: until() }));
}

#[test]
fn a_trip_that_a_voucher_pays_in_full_costs_no_points_and_brings_none() {
    for payment in [PaymentPlan::Points, card()] {
        let wanted = TripRequest { payment, ..with_voucher() };
        let plan = quoted(&wanted, Some(&voucher(Off::Amount(pounds(TOTAL + 1))))).expect("quoted");
        assert_eq!((plan.total, plan.earns), (pounds(0), None));
        assert!(matches!(plan.payment, PaymentPlan::Card(_) | PaymentPlan::Redeem(PointsToRedeem { points: 0, .. })));
    }
}

#[test]
fn a_trip_brings_its_member_a_share_of_what_is_paid_once_it_is_approved_and_only_then() {
    let at_the_counter = TripRequest { payment: PaymentPlan::None, ..with_voucher() };
    assert_eq!(
        quoted(&at_the_counter, Some(&tenth())).expect("quoted").earns,
        None,
        "nobody learns whether it is paid"
    );
    let by_card = TripRequest { payment: card(), ..with_voucher() };
    let plan = quoted(&by_card, Some(&tenth())).expect("quoted");
    // A hundred points a pound, of which one in a hundred comes back.
    let earns = Some(Earning { member: member(), points: 450, until: until() });
    assert_eq!(plan.earns, earns);
    let traveller = super::traveller();
    let requested = BookingEvent::BookingRequested { owner: "someone".into(), traveller, plan };
    let close = BookingCommand::Close { attempt: 1, failure: None };
    let closed = |reverses| BookingEvent::BookingCancelled { attempt: 1, failure: None, reverses };
    let cancel = || super::cancel(NOW);
    given::<Booking>(std::slice::from_ref(&requested))
        .when(BookingCommand::Approve { attempt: 1 })
        .then(&[BookingEvent::BookingApproved { attempt: 1, earns }])
        .when(cancel())
        .when(close.clone())
        .then(&[closed(earns)]);
    // Cancelled before it was approved, it has brought nothing; approved in between, it has.
    given::<Booking>(std::slice::from_ref(&requested)).when(close.clone()).then(&[closed(None)]);
    given::<Booking>(std::slice::from_ref(&requested)).when(cancel()).when(close.clone()).then(&[closed(None)]);
    given::<Booking>(&[requested])
        .when(cancel())
        .when(BookingCommand::Approve { attempt: 1 })
        .then(&[BookingEvent::BookingApproved { attempt: 1, earns }])
        .when(BookingCommand::Approve { attempt: 2 })
        .when(close)
        .then(&[closed(earns)]);
}

proptest! {
    #[test]
    fn whatever_the_voucher_the_quote_adds_up(percent in 1..=100u8, amount in 1..2 * TOTAL, by_percent: bool, rate in 1..200u32) {
        let off = if by_percent { Off::Percent(percent) } else { Off::Amount(pounds(amount)) };
        let terms = PointsTerms::new(rate, std::collections::BTreeMap::new(), 1).expect("terms");
        let wanted = TripRequest { payment: PaymentPlan::Points, ..with_voucher() };
        let plan = quoted_for(&wanted, Some(&voucher(off)), &terms).expect("quoted");
        let discount = plan.discount.expect("a discount");
        prop_assert_eq!(plan.total.plus(discount.amount), Ok(pounds(TOTAL)));
        prop_assert!(plan.total.minor >= 0);
        let shares: i64 = [discount.hotel, discount.flight, discount.car].iter().flatten().map(|share| share.minor).sum();
        prop_assert_eq!(shares, discount.amount.minor);
        let PaymentPlan::Redeem(PointsToRedeem { points, .. }) = plan.payment else { panic!("not by points") };
        // Never paid short, never a whole point too much.
        let worth = |points: u64| i128::from(points) * 100;
        let costs = i128::from(plan.total.minor) * i128::from(rate);
        prop_assert!(worth(points) >= costs && worth(points) < costs + 100);
    }
}
