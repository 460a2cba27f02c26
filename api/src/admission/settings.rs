//! How much a caller may spend, and who counts it.

use std::num::NonZeroU32;

use traveladvisor_infra::caller_rates::CallerRates;

use crate::limits::{COST_PER_MINUTE, DEVELOPMENT_COST_PER_MINUTE};

/// How much every caller may spend.
#[derive(Debug, Clone, Default)]
pub struct Allowance {
    /// What the operations of a minute may cost together; see [`COST_PER_MINUTE`] when absent.
    pub cost_per_minute: Option<NonZeroU32>,
    /// Where several processes count together; each counts by itself when absent.
    pub shared: Option<CallerRates>,
}

impl Allowance {
    /// While nobody is asked who they are, everybody spends from one account: it is made for benchmarks.
    pub(super) fn cost_per_minute(&self, is_development: bool) -> NonZeroU32 {
        let usual = if is_development { DEVELOPMENT_COST_PER_MINUTE } else { COST_PER_MINUTE };
        self.cost_per_minute.unwrap_or(usual)
    }
}
