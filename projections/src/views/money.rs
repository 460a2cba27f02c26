//! What was taken and given back.

use traveladvisor_domain::money::{Currency, Money};

/// What was taken for a trip and given back, in one currency. What was paid with points moves no money: what it was worth stands apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerEntry {
    /// What was taken.
    pub charged: Money,
    /// What of it was given back.
    pub refunded: Money,
    /// What points were worth that paid the trip.
    pub redeemed: Money,
    /// What of it came back, as points.
    pub restored: Money,
}

impl LedgerEntry {
    /// What is kept of the money.
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
    /// Paid with points, by the ledger.
    pub redeemed: i64,
    /// Come back as points, by the ledger.
    pub restored: i64,
    /// Paid with points, by the accounts.
    pub redeemed_by_log: i64,
    /// Come back as points, by the accounts.
    pub restored_by_log: i64,
}

impl LedgerBalance {
    /// Whether both say the same.
    pub fn is_even(&self) -> bool {
        let by_log = [self.charged_by_log, self.refunded_by_log, self.redeemed_by_log, self.restored_by_log];
        [self.charged, self.refunded, self.redeemed, self.restored] == by_log
    }
}
