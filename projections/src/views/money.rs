//! What was taken and given back.

use traveladvisor_domain::money::{Currency, Money};

/// What was taken for a trip and given back, in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerEntry {
    /// What was taken.
    pub charged: Money,
    /// What of it was given back.
    pub refunded: Money,
}

impl LedgerEntry {
    /// What is kept.
    pub const fn kept(&self) -> Money {
        Money::new(self.charged.minor - self.refunded.minor, self.charged.currency)
    }
}

/// All that was taken and given back in one currency, by the ledger and by the log; in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerBalance {
    /// In which currency.
    pub currency: Currency,
    /// Taken, by the ledger.
    pub charged: i64,
    /// Given back, by the ledger.
    pub refunded: i64,
    /// Taken, by the log.
    pub charged_by_log: i64,
    /// Given back, by the log.
    pub refunded_by_log: i64,
}

impl LedgerBalance {
    /// Whether both say the same.
    pub const fn is_even(&self) -> bool {
        self.charged == self.charged_by_log && self.refunded == self.refunded_by_log
    }
}
