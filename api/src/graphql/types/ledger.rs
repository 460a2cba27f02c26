//! What was taken for a trip and given back.

use async_graphql::SimpleObject;
use traveladvisor_projections::views::LedgerEntry;

use super::Money;

/// What was taken for a trip in one currency, and what of it was given back. What is paid at the counter is not taken here.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct PaymentLedgerEntry {
    /// What was taken.
    pub(crate) charged: Money,
    /// What of it was given back.
    pub(crate) refunded: Money,
    /// What points were worth that paid the trip: no money moved.
    pub(crate) redeemed: Money,
    /// What of it came back, as points.
    pub(crate) restored: Money,
    /// What is kept: charged less refunded.
    pub(crate) kept: Money,
}

impl From<LedgerEntry> for PaymentLedgerEntry {
    fn from(entry: LedgerEntry) -> Self {
        Self {
            charged: entry.charged.into(),
            refunded: entry.refunded.into(),
            redeemed: entry.redeemed.into(),
            restored: entry.restored.into(),
            kept: entry.kept().into(),
        }
    }
}
