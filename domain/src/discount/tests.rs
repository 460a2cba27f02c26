use proptest::prelude::*;

use super::{Discount, Off, Voucher, VoucherTerms};
use crate::failure::Code;
use crate::money::Money;
use crate::testing::samples::{NOW, instant, pounds, voucher_id};

const fn voucher(off: Off) -> Voucher {
    Voucher { off, minimum_total: None, expires_at: None }
}

fn off(off: Off, total: i64) -> i64 {
    voucher(off).off(pounds(total), instant(NOW)).expect("applicable").minor
}

#[test]
fn a_percentage_is_rounded_down_and_an_amount_is_never_more_than_the_trip() {
    assert_eq!(off(Off::Percent(10), 9_999), 999);
    assert_eq!(off(Off::Percent(100), 9_999), 9_999);
    assert_eq!(off(Off::Amount(pounds(5_000)), 9_999), 5_000);
    assert_eq!(off(Off::Amount(pounds(5_000)), 4_999), 4_999);
    assert_eq!(off(Off::Percent(99), i64::MAX), 9_131_138_316_486_228_048);
}

#[test]
fn a_voucher_is_not_used_up_for_nothing() {
    for (off, total) in [(Off::Percent(10), 9), (Off::Amount(pounds(5_000)), 0)] {
        let refused = voucher(off).off(pounds(total), instant(NOW)).expect_err("nothing off");
        assert_eq!(refused.code, Code::VoucherNotApplicable);
    }
}

#[test]
fn a_voucher_is_valid_for_whole_days_from_its_grant() {
    let terms = VoucherTerms { off: Off::Percent(10), minimum_total: None, valid_days: Some(30) };
    let granted = terms.granted_at(instant(NOW));
    assert_eq!(granted.expires_at, Some(instant("2024-12-31T12:00:00Z")));
    assert!(granted.off(pounds(100), instant("2024-12-31T11:59:59Z")).is_ok());
    let expired = granted.off(pounds(100), instant("2024-12-31T12:00:00Z")).expect_err("expired");
    assert_eq!(expired.code, Code::VoucherExpired);
    assert_eq!(VoucherTerms { valid_days: None, ..terms }.granted_at(instant(NOW)).expires_at, None);
}

fn shares(amount: i64, prices: [Option<i64>; 3]) -> [Option<i64>; 3] {
    let discount = Discount::shared(voucher_id(), pounds(amount), prices.map(|price| price.map(pounds)));
    assert_eq!(discount.amount, pounds(amount));
    [discount.hotel, discount.flight, discount.car].map(|share: Option<Money>| share.map(|share| share.minor))
}

#[test]
fn what_remains_of_sharing_goes_to_the_last_part() {
    assert_eq!(shares(100, [Some(1_000), Some(1_000), Some(1_000)]), [Some(33), Some(33), Some(34)]);
    assert_eq!(shares(100, [Some(1_000), Some(1_000), None]), [Some(50), Some(50), None]);
    assert_eq!(shares(101, [Some(1_000), Some(1_000), None]), [Some(50), Some(51), None]);
    assert_eq!(shares(5, [None, Some(7), None]), [None, Some(5), None]);
    assert_eq!(shares(3, [Some(2), None, Some(1)]), [Some(2), None, Some(1)]);
}

#[test]
fn no_part_costs_less_than_nothing() {
    assert_eq!(shares(1, [Some(1_000), Some(1_000), Some(0)]), [Some(0), Some(1), Some(0)]);
    assert_eq!(shares(1_000, [Some(1_000), Some(1_000), Some(1)]), [Some(499), Some(500), Some(1)]);
}

proptest! {
    #[test]
    fn the_shares_sum_up_exactly_and_none_is_more_than_its_part(
        prices in prop::array::uniform3(prop::option::of(prop_oneof![0..5i64, 0..100_000i64, 0..10_000_000_000_000i64])),
        percent in 0..=100u8,
        odd in 0..3i64,
    ) {
        let total: i64 = prices.iter().flatten().sum();
        prop_assume!(prices.iter().any(Option::is_some));
        let amount = (total / 100 * i64::from(percent) + odd).min(total);
        let shares = shares(amount, prices);
        prop_assert_eq!(shares.iter().flatten().sum::<i64>(), amount);
        for (share, price) in shares.into_iter().zip(prices) {
            prop_assert_eq!(share.is_some(), price.is_some());
            let (share, price) = (share.unwrap_or(0), price.unwrap_or(0));
            prop_assert!(0 <= share && share <= price, "{share} off {price}");
        }
        // In proportion: no share but the last is a whole unit off.
        let last = prices.iter().rposition(Option::is_some);
        for place in (0..3).filter(|place| Some(*place) != last) {
            let exact = |price| if total == 0 { 0 } else { i128::from(amount) * i128::from(price) / i128::from(total) };
            let off_by = i128::from(shares[place].unwrap_or(0)) - exact(prices[place].unwrap_or(0));
            prop_assert!((0..=2).contains(&off_by), "{off_by}");
        }
    }
}
