//! Whether there is room for a request, and whether its caller may still spend what it costs.

mod local;
mod places;
mod rate;
mod settings;

use async_graphql::ServerError;

use self::local::Local;
pub(crate) use self::places::{Places, overloaded};
pub(crate) use self::rate::Rate;
pub use self::settings::Allowance;
use crate::caller::Caller;
use crate::graphql::cost::Cost;
use crate::graphql::fault::server_error;
use crate::graphql::types::ErrorCode;
use crate::limits::SHARED_RATE_WAIT;
use traveladvisor_infra::caller_rates::CallerRates;

/// What callers spend: each may ask for so much a minute, whatever number of requests that is.
pub(crate) struct Rates {
    cost_per_minute: std::num::NonZeroU32,
    here: Local,
    everywhere: Option<CallerRates>,
}

impl Rates {
    /// Nobody has spent anything yet.
    pub(crate) fn new(allowance: Allowance, is_development: bool) -> Self {
        let cost_per_minute = allowance.cost_per_minute(is_development);
        Self { cost_per_minute, here: Local::new(cost_per_minute), everywhere: allowance.shared }
    }

    /// The most that one operation can cost for anybody: more than a whole minute's worth would never be let through.
    pub(crate) fn cost_max(&self) -> usize {
        usize::try_from(self.cost_per_minute.get()).unwrap_or(usize::MAX)
    }

    /// Takes the cost of an operation from its caller's account. What several processes share is counted in their database; while that does
    /// not answer in time, each counts by itself, so that a caller is neither refused for it nor let through without limit.
    pub(crate) async fn spend(&self, caller: &Caller, cost: &Cost) -> Rate {
        let cost = u32::try_from(cost.requested.clamp(1, self.cost_max())).unwrap_or(u32::MAX);
        if let Some(shared) = &self.everywhere {
            let counted = shared.spend(caller.owner(), cost, self.cost_per_minute);
            match tokio::time::timeout(SHARED_RATE_WAIT, counted).await {
                Ok(Ok(spent)) => return Rate::of(self.cost_per_minute, spent.full_in, spent.wait),
                Ok(Err(error)) => tracing::warn!(%error, "what callers spend is counted by this process alone"),
                Err(_elapsed) => {
                    tracing::warn!("what callers spend is counted by this process alone: no answer in time");
                }
            }
        }
        self.here.spend(caller.owner(), cost)
    }
}

/// The error of an operation that its caller cannot pay.
pub(crate) fn over_rate(rate: &Rate) -> ServerError {
    let message = format!("Too much was asked for in a short time: ask again in {} s.", rate.retry_after_s());
    server_error(ErrorCode::RateLimited, message)
}

#[cfg(test)]
mod tests;
