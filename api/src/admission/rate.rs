//! How a caller's account stands, and how HTTP tells it (draft-ietf-httpapi-ratelimit-headers-10).

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// What is left to a caller right now.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// What every caller has, and in which time.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The time over which an account fills up, in seconds.
pub(super) const PERIOD_S: u32 = 60;
pub(super) const PERIOD: Duration = Duration::from_secs(PERIOD_S as u64);

/// A caller's account after an operation was paid, or could not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// What it holds when it is full, and what comes back in each [`PERIOD_S`].
    limit: u32,
    /// What it holds now.
    remaining: u32,
    /// After which time it is full again.
    full_in: Duration,
    /// After which time the operation could be paid; none when it was.
    wait: Option<Duration>,
}

impl Rate {
    /// An account that is full again after a time.
    pub(super) fn of(limit: NonZeroU32, full_in: Duration, wait: Option<Duration>) -> Self {
        let filled = PERIOD.saturating_sub(full_in).as_nanos() * u128::from(limit.get()) / PERIOD.as_nanos();
        Self { limit: limit.get(), remaining: u32::try_from(filled).unwrap_or(u32::MAX), full_in, wait }
    }

    /// An account that holds so much.
    pub(super) fn holding(limit: NonZeroU32, remaining: u32, wait: Option<Duration>) -> Self {
        let missing = limit.get().saturating_sub(remaining);
        let full_in = PERIOD.mul_f64(f64::from(missing) / f64::from(limit.get()));
        Self { limit: limit.get(), remaining, full_in, wait }
    }

    /// Whether the operation was paid.
    pub(crate) fn is_paid(&self) -> bool {
        self.wait.is_none()
    }

    /// What may still be spent at once.
    pub(crate) fn remaining(&self) -> u64 {
        u64::from(self.remaining)
    }

    /// After which time it may be asked again, in whole seconds.
    pub(crate) fn retry_after_s(&self) -> u64 {
        seconds(self.wait.unwrap_or_default()).max(1)
    }

    /// Writes it into the headers of an answer.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let policy = format!("\"cost\";q={};qu=\"cost\";w={PERIOD_S}", self.limit);
        let now = format!("\"cost\";r={};t={}", self.remaining, seconds(self.full_in));
        for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, now)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
        if !self.is_paid() {
            headers.insert(RETRY_AFTER, HeaderValue::from(self.retry_after_s()));
        }
    }
}

/// A part of a second counts as one: whoever comes back too early comes twice.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
