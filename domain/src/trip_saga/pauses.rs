//! Pauses between tries: they grow and are jittered by randomness that comes in with the job.

use chrono::TimeDelta;

/// Pause before the second try; doubled for each further one.
pub const BACKOFF_FIRST_MS: u64 = 500;
/// Longest pause between tries.
pub const BACKOFF_MAX_MS: u64 = 60_000;
/// Pause before the next try once an operator was called; doubled for each further one. What is away for long may come back by itself.
pub const PARKED_FIRST_MS: u64 = 5 * 60_000;
/// Longest pause once an operator was called.
pub const PARKED_MAX_MS: u64 = 6 * 3_600_000;

/// The pause after the `attempt`th try.
pub fn backoff(attempt: u32, entropy: u64) -> TimeDelta {
    jittered(doubled(BACKOFF_FIRST_MS, attempt).min(BACKOFF_MAX_MS), entropy)
}

/// The pause after the `attempt`th try, of those since and with the one at which an operator was called.
pub fn parked(attempt: u32, entropy: u64) -> TimeDelta {
    jittered(doubled(PARKED_FIRST_MS, attempt).min(PARKED_MAX_MS), entropy)
}

fn doubled(first_ms: u64, attempt: u32) -> u64 {
    first_ms.saturating_mul(1 << attempt.saturating_sub(1).min(20))
}

/// Half of the pause is certain, half is random.
fn jittered(pause_ms: u64, entropy: u64) -> TimeDelta {
    let half = pause_ms / 2;
    TimeDelta::milliseconds((half + entropy % (half + 1)).cast_signed())
}
