//! Money: minor units and an ISO 4217 currency, never a float; mixing currencies is an error.

mod currency;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use currency::Currency;

/// The largest amount accepted or computed, in minor units: far above any trip, far below the overflow of sums.
pub const MINOR_MAX: i64 = 1_000_000_000_000;

/// An amount in minor units (pence, cents, won) of one currency. Never above [`MINOR_MAX`] either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// ISO 4217.
    pub currency: Currency,
}

/// Why an amount could not be read or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies in one sum.
    #[error("amounts in different currencies cannot be added")]
    CurrencyMismatch,
    /// More than [`MINOR_MAX`].
    #[error("the amount is too large")]
    TooLarge,
    /// More decimal places than the currency has.
    #[error("the amount has more decimal places than the currency")]
    TooManyDecimals,
    /// Not digits with at most one point.
    #[error("the amount must be digits with an optional decimal point, such as 12.50")]
    Malformed,
}

impl Money {
    /// An amount of minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Reads a non-negative decimal text such as `12.50`, in the currency's own number of places or fewer.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(MoneyError::Malformed),
            None => (text, ""),
        };
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(MoneyError::Malformed);
        }
        let places = currency.decimal_places();
        if fraction.len() > places {
            return Err(MoneyError::TooManyDecimals);
        }
        let minor: i64 = format!("{whole}{fraction:0<places$}").parse().map_err(|_| MoneyError::TooLarge)?;
        Self::new(minor, currency).bounded()
    }

    /// The sum; fails on two currencies or beyond [`MINOR_MAX`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Self::new(minor, self.currency).bounded()
    }

    /// The amount `count` times; fails beyond [`MINOR_MAX`].
    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(count).ok_or(MoneyError::TooLarge)?;
        Self::new(minor, self.currency).bounded()
    }

    /// The decimal text in the currency's own number of places, such as `12.50` or `1200`.
    pub fn decimal_text(&self) -> String {
        let places = self.currency.decimal_places();
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    fn bounded(self) -> Result<Self, MoneyError> {
        if self.minor.abs() > MINOR_MAX { Err(MoneyError::TooLarge) } else { Ok(self) }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal_text(), self.currency)
    }
}
