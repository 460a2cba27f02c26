//! Points: money of our own. Whole numbers, never below zero; what they are worth is configuration.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::MemberId;
use crate::message::Direction;
use crate::money::{Currency, Money};

/// Most points that one entry of an account moves, and most that an account holds: far above any campaign, far below the overflow of sums.
pub const POINTS_MAX: u64 = 1_000_000_000_000_000;
/// More than any account holds: what a trip costs at most, so that its points are a number everywhere.
const UNPAYABLE: u64 = i64::MAX.unsigned_abs();
/// Most points for one whole unit of a currency.
pub const RATE_MAX: u32 = 1_000_000;
/// Points for one whole unit of a currency, unless configured otherwise: one for each penny of a pound.
pub const RATE_DEFAULT: u32 = 100;
/// Percent of what a trip costs that comes back as points once it is approved, unless configured otherwise.
pub const EARNED_PERCENT_DEFAULT: u32 = 1;

/// What points are worth, and how many a trip brings. Checked by [`PointsTerms::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsTerms {
    rate: u32,
    rates: BTreeMap<Currency, u32>,
    earned_percent: u32,
}

/// Terms that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitTerms {
    /// A rate of zero would make trips free, and one above [`RATE_MAX`] overflow.
    #[error("a rate is 1 to {RATE_MAX} points for one unit of {of}: {given} is not")]
    Rate {
        /// The currency, or `any currency`.
        of: String,
        /// The rate given.
        given: u32,
    },
    /// More than the whole price.
    #[error("the earned share is 0 to 100 percent: {given} is not")]
    Share {
        /// The share given.
        given: u32,
    },
}

impl Default for PointsTerms {
    fn default() -> Self {
        Self { rate: RATE_DEFAULT, rates: BTreeMap::new(), earned_percent: EARNED_PERCENT_DEFAULT }
    }
}

impl PointsTerms {
    /// Terms: `rate` points for one whole unit of any currency, but for those that have their own in `rates`.
    ///
    /// # Errors
    ///
    /// See [`UnfitTerms`].
    pub fn new(rate: u32, rates: BTreeMap<Currency, u32>, earned_percent: u32) -> Result<Self, UnfitTerms> {
        let named = rates.iter().map(|(currency, rate)| (currency.to_string(), *rate));
        for (of, given) in std::iter::once(("any currency".to_owned(), rate)).chain(named) {
            if given == 0 || given > RATE_MAX {
                return Err(UnfitTerms::Rate { of, given });
            }
        }
        if earned_percent > 100 {
            return Err(UnfitTerms::Share { given: earned_percent });
        }
        Ok(Self { rate, rates, earned_percent })
    }

    /// The points that are worth at least this amount: rounded up to whole points, so that an amount is never paid short.
    pub fn points_for(&self, amount: Money) -> u64 {
        let (points, unit) = self.exact(amount);
        u64::try_from(points.div_ceil(unit)).unwrap_or(UNPAYABLE).min(UNPAYABLE)
    }

    /// The points that a trip at this price brings: rounded down to whole points.
    pub fn earned_for(&self, paid: Money) -> u64 {
        let (points, unit) = self.exact(paid);
        let earned = points * u128::from(self.earned_percent) / (unit * 100);
        u64::try_from(earned).unwrap_or(UNPAYABLE).min(UNPAYABLE)
    }

    /// Numerator and denominator of the points that an amount is worth.
    fn exact(&self, amount: Money) -> (u128, u128) {
        let rate = self.rates.get(&amount.currency).copied().unwrap_or(self.rate);
        let unit = 10_u128.pow(u32::try_from(amount.currency.decimal_places()).unwrap_or(0));
        (u128::from(amount.minor.max(0).unsigned_abs()) * u128::from(rate), unit)
    }
}

/// How a trip is paid with points, as quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PointsToRedeem {
    /// Whose points.
    pub member: MemberId,
    /// How many.
    pub points: u64,
    /// The last day on which they may have to be given back.
    pub until: NaiveDate,
}

/// What a trip brings its member once it is approved, and what is taken back when it is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Earning {
    /// Whose account.
    pub member: MemberId,
    /// How many points; at least one.
    pub points: u64,
    /// The last day on which they may have to be taken back.
    pub until: NaiveDate,
}

/// What a payment asks of an account: take points, or give them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PointsOrder {
    /// Take them or give them back.
    pub direction: Direction,
    /// The payment's attempt.
    pub attempt: u32,
    /// Whose points, and how many.
    pub points: PointsToRedeem,
    /// What they pay.
    pub value: Money,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{POINTS_MAX, PointsTerms, RATE_MAX, UnfitTerms};
    use crate::money::{Currency, MINOR_MAX, Money};

    #[test]
    fn an_amount_is_never_paid_short() {
        let terms = PointsTerms::new(3, BTreeMap::new(), 10).expect("terms");
        // 3 points a pound: a penny is 0.03 points.
        assert_eq!(terms.points_for(Money::new(1, Currency::GBP)), 1);
        assert_eq!(terms.points_for(Money::new(100, Currency::GBP)), 3);
        assert_eq!(terms.points_for(Money::new(134, Currency::GBP)), 5);
        assert_eq!(terms.points_for(Money::zero(Currency::GBP)), 0);
    }

    #[test]
    fn what_is_earned_is_rounded_down() {
        let terms = PointsTerms::new(100, BTreeMap::new(), 1).expect("terms");
        assert_eq!(terms.earned_for(Money::new(9_999, Currency::GBP)), 99);
        assert_eq!(terms.earned_for(Money::new(99, Currency::GBP)), 0);
    }

    #[test]
    fn a_currency_may_have_a_rate_of_its_own_and_its_own_number_of_places() {
        let won: Currency = "KRW".parse().expect("a currency");
        let terms = PointsTerms::new(100, BTreeMap::from([(won, 1)]), 0).expect("terms");
        assert_eq!(terms.points_for(Money::new(50_000, won)), 50_000);
        assert_eq!(terms.points_for(Money::new(50_000, Currency::GBP)), 50_000);
        assert_eq!(terms.earned_for(Money::new(50_000, won)), 0);
    }

    #[test]
    fn whatever_a_trip_costs_its_points_are_a_number_that_every_store_holds() {
        let won: Currency = "KRW".parse().expect("a currency");
        let terms = PointsTerms::new(RATE_MAX, BTreeMap::new(), 100).expect("terms");
        for minor in [MINOR_MAX, i64::MAX] {
            assert!(terms.points_for(Money::new(minor, won)) > POINTS_MAX, "no account pays it");
            assert!(i64::try_from(terms.points_for(Money::new(minor, won))).is_ok());
            assert!(i64::try_from(terms.earned_for(Money::new(minor, won))).is_ok());
        }
    }

    #[test]
    fn a_rate_of_zero_is_refused() {
        let zero = PointsTerms::new(0, BTreeMap::new(), 1);
        assert_eq!(zero, Err(UnfitTerms::Rate { of: "any currency".into(), given: 0 }));
        let named = PointsTerms::new(100, BTreeMap::from([(Currency::GBP, 0)]), 1);
        assert_eq!(named, Err(UnfitTerms::Rate { of: "GBP".into(), given: 0 }));
        assert_eq!(PointsTerms::new(100, BTreeMap::new(), 101), Err(UnfitTerms::Share { given: 101 }));
    }
}
