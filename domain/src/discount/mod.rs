//! What a voucher takes off a trip, and how that is shared among its parts.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Days, Utc};
use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};
use crate::id::RewardId;
use crate::money::Money;

/// Most percent off.
pub const PERCENT_MAX: u8 = 100;
/// Most days for which a voucher is valid.
pub const VALID_DAYS_MAX: u32 = 3_660;

/// What is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Off {
    /// A part of the total, 1 to [`PERCENT_MAX`] percent; rounded down to the minor unit.
    Percent(u8),
    /// This much, but never more than the total.
    Amount(Money),
}

/// What a campaign promises to grant: a voucher or a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherTerms {
    /// What is taken off.
    pub off: Off,
    /// The total that a trip must reach, if any. Trips in other currencies cannot use it then.
    pub minimum_total: Option<Money>,
    /// Days for which it is valid from the day on which it is granted; absent: without end.
    pub valid_days: Option<u32>,
}

/// A voucher as it was granted: good for one trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Voucher {
    /// What is taken off.
    pub off: Off,
    /// The total that a trip must reach, if any.
    pub minimum_total: Option<Money>,
    /// From when on it is not valid any more; absent: never.
    pub expires_at: Option<DateTime<Utc>>,
}

impl VoucherTerms {
    /// The voucher that is granted at this moment.
    pub fn granted_at(self, at: DateTime<Utc>) -> Voucher {
        let expires_at = self.valid_days.and_then(|days| at.checked_add_days(Days::new(u64::from(days))));
        Voucher { off: self.off, minimum_total: self.minimum_total, expires_at }
    }
}

impl Voucher {
    /// What it takes off a trip of this total at this moment.
    ///
    /// # Errors
    ///
    /// `VOUCHER_EXPIRED`, `CURRENCY_MISMATCH` or `VOUCHER_NOT_APPLICABLE`, in this order.
    pub fn off(&self, total: Money, at: DateTime<Utc>) -> Result<Money, Failure> {
        if self.expires_at.is_some_and(|expires_at| expires_at <= at) {
            return Err(Failure::new(Code::VoucherExpired, "The voucher has expired: book without it."));
        }
        let amount = if let Off::Amount(amount) = self.off { Some(amount) } else { None };
        if let Some(other) = amount.into_iter().chain(self.minimum_total).find(|it| it.currency != total.currency) {
            let message = format!("The voucher is for trips in {}: this one is in {}.", other.currency, total.currency);
            return Err(Failure::new(Code::CurrencyMismatch, message));
        }
        if let Some(minimum) = self.minimum_total.filter(|minimum| total.minor < minimum.minor) {
            let message = format!("The voucher needs a trip of at least {minimum}: this one costs {total}.");
            return Err(Failure::new(Code::VoucherNotApplicable, message));
        }
        let minor = match self.off {
            Off::Percent(percent) => percent_of(total.minor, percent),
            Off::Amount(amount) => amount.minor.min(total.minor),
        };
        if minor <= 0 {
            let message = "The voucher takes nothing off this trip: keep it for another.";
            return Err(Failure::new(Code::VoucherNotApplicable, message));
        }
        Ok(Money::new(minor, total.currency))
    }
}

/// What a trip is cheaper by, and the share of each part. The shares sum up to the amount exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// The voucher that is used.
    pub voucher: RewardId,
    /// What is taken off the sum of the parts.
    pub amount: Money,
    /// Of it, for the hotel; absent where the trip has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hotel: Option<Money>,
    /// Of it, for the flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flight: Option<Money>,
    /// Of it, for the car.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub car: Option<Money>,
}

impl Discount {
    /// Shares an amount among the parts in proportion to their prices, each rounded down; what remains goes to the last part. Where that
    /// would cost less than nothing then, the part before it takes the rest.
    pub fn shared(voucher: RewardId, amount: Money, prices: [Option<Money>; 3]) -> Self {
        let total: i128 = prices.iter().flatten().map(|price| i128::from(price.minor)).sum();
        let mut shares = prices.map(|price| price.map(|price| part_of(amount.minor, price.minor, total)));
        let mut left = amount.minor - shares.iter().flatten().sum::<i64>();
        for (share, price) in shares.iter_mut().zip(prices).rev() {
            if let (Some(share), Some(price)) = (share, price) {
                let more = left.min(price.minor - *share);
                *share += more;
                left -= more;
            }
        }
        let [hotel, flight, car] = shares.map(|share| share.map(|share| Money::new(share, amount.currency)));
        Self { voucher, amount, hotel, flight, car }
    }
}

fn percent_of(minor: i64, percent: u8) -> i64 {
    part_of(minor, i64::from(percent), 100)
}

/// `amount × part / whole`, rounded down; nothing of a whole of nothing.
fn part_of(amount: i64, part: i64, whole: i128) -> i64 {
    if whole == 0 { 0 } else { i64::try_from(i128::from(amount) * i128::from(part) / whole).unwrap_or(amount) }
}
