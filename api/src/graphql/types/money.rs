//! Amounts.

use async_graphql::{InputObject, SimpleObject};
use traveladvisor_commands::input;
use traveladvisor_domain::money;

use crate::graphql::scalars::CurrencyCode;

/// An amount in one currency.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub(crate) struct Money {
    /// The decimal text of `minorUnits` in the currency's own number of places, for example `12.50`.
    pub(crate) amount: String,
    /// The currency.
    pub(crate) currency: CurrencyCode,
    /// Minor units (pence, cents) as an integer in decimal text.
    pub(crate) minor_units: String,
}

/// An amount as a caller gives it.
#[derive(Debug, Clone, PartialEq, Eq, InputObject)]
pub(crate) struct MoneyInput {
    /// Digits with an optional decimal point, in at most the currency's own number of places, for example `12.50`.
    pub(crate) amount: String,
    /// The currency.
    pub(crate) currency: CurrencyCode,
}

impl From<money::Money> for Money {
    fn from(money: money::Money) -> Self {
        Self {
            amount: money.decimal_text(),
            currency: CurrencyCode(money.currency.to_string()),
            minor_units: money.minor.to_string(),
        }
    }
}

impl From<MoneyInput> for input::MoneyInput {
    fn from(given: MoneyInput) -> Self {
        Self { amount: given.amount, currency: given.currency.0 }
    }
}
