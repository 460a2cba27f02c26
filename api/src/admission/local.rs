//! What callers spend, counted by this process alone.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::rate::Rate;
use crate::limits::{RATE_KEYS_MAX, RATE_KEYS_SHARED, RATE_TIDY_EVERY};

type Accounts<C> = RateLimiter<String, DefaultKeyedStateStore<String>, C, StateInformationMiddleware>;

/// One account for each caller, as many as [`RATE_KEYS_MAX`].
pub(super) struct Local<C: Clock = DefaultClock> {
    limit: NonZeroU32,
    accounts: Accounts<C>,
    clock: C,
    started: C::Instant,
    /// When full accounts were last forgotten, in nanoseconds after the start.
    tidied_ns: AtomicU64,
    names: RandomState,
}

impl Local {
    pub(super) fn new(limit: NonZeroU32) -> Self {
        Self::with_clock(limit, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Local<C> {
    pub(super) fn with_clock(limit: NonZeroU32, clock: C) -> Self {
        let quota = Quota::per_minute(limit);
        Self {
            limit,
            accounts: Accounts::new(quota, DefaultKeyedStateStore::default(), clock.clone()),
            started: clock.now(),
            clock,
            tidied_ns: AtomicU64::new(0),
            names: RandomState::new(),
        }
    }

    /// Takes a cost, at most the whole limit, from a caller's account.
    pub(super) fn spend(&self, caller: &str, cost: u32) -> Rate {
        let cost = NonZeroU32::new(cost.min(self.limit.get())).unwrap_or(NonZeroU32::MIN);
        match self.accounts.check_key_n(&self.account(caller), cost) {
            Ok(Ok(state)) => Rate::holding(self.limit, state.remaining_burst_capacity(), None),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.clock.now());
                // What is missing to the cost comes back in that time.
                let period_ns = u128::from(super::rate::PERIOD_S) * 1_000_000_000;
                let missing = wait.as_nanos() * u128::from(self.limit.get()) / period_ns;
                let remaining = cost.get().saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX));
                Rate::holding(self.limit, remaining.min(cost.get() - 1), Some(wait))
            }
            // Cannot be: no cost is more than the limit.
            Err(_more_than_the_limit) => Rate::holding(self.limit, 0, Some(super::rate::PERIOD)),
        }
    }

    /// The account of a caller: one of its own while there is room, else one that several share. Full ones are forgotten: a new one is the same.
    fn account(&self, caller: &str) -> String {
        if self.accounts.len() < RATE_KEYS_MAX {
            return caller.to_owned();
        }
        self.tidy();
        if self.accounts.len() < RATE_KEYS_MAX {
            return caller.to_owned();
        }
        // The space keeps it apart from all names of callers.
        format!(" {}", self.names.hash_one(caller) % RATE_KEYS_SHARED)
    }

    /// Looks at every account, so not with every request.
    fn tidy(&self) {
        let now_ns = self.clock.now().duration_since(self.started).as_u64();
        let last_ns = self.tidied_ns.load(Ordering::Relaxed);
        let every_ns = u64::try_from(RATE_TIDY_EVERY.as_nanos()).unwrap_or(u64::MAX);
        let is_due = now_ns.saturating_sub(last_ns) >= every_ns || last_ns == 0;
        if is_due
            && self.tidied_ns.compare_exchange(last_ns, now_ns.max(1), Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.accounts.retain_recent();
        }
    }

    #[cfg(test)]
    pub(super) fn accounts(&self) -> usize {
        self.accounts.len()
    }
}
