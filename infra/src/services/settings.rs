//! Bounds of asking another process.

use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long one try may take: a little longer than a process lets a caller wait for a decision.
const ASK_TIMEOUT: Duration = Duration::from_secs(27);
/// Commands to one role at once; the next one is refused at once.
const AT_ONCE_MAX: usize = 512;
/// Tries of a command that may be sent again.
const TRIES_MAX: u32 = 3;
/// Pause before the second try; each later one is twice as long, about.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause before another try.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How many of these pauses is left to chance.
const RETRY_JITTER: f64 = 0.5;
/// Further tries in a second that are always allowed.
const BUDGET_PER_SECOND_MIN: u32 = 10;
/// Further tries that are allowed beyond these, as a share of the commands that were answered.
const BUDGET_SHARE: f32 = 0.2;
/// How long a command that was answered counts for that.
const BUDGET_TTL: Duration = Duration::from_secs(10);
/// Commands of so long ago decide whether a process's breaker opens.
const BREAKER_WINDOW: Duration = Duration::from_secs(10);
/// Fewer commands than this in the window open nothing.
const BREAKER_COMMANDS_MIN: usize = 5;
/// The share of them that must have failed.
const BREAKER_FAILURE_SHARE: f64 = 0.5;
/// How long an open breaker lets nothing through to its process; then it lets one command try.
const BREAKER_OPEN_FOR: Duration = Duration::from_secs(1);

/// Longest answer that is read, in bytes.
pub(super) const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How long a connection is kept that nobody uses: less than a process that was stopped takes to come back.
pub(super) const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(5);

/// How patient and how bold asking is. The defaults are for real use.
#[derive(Debug, Clone, Copy)]
pub struct ServiceSettings {
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// For one try.
    pub ask_timeout: Duration,
    /// The bulkhead: commands at once.
    pub at_once_max: usize,
    /// Tries of what may be tried again.
    pub tries_max: u32,
    /// Before the second try.
    pub retry_pause: Duration,
    /// Before any try.
    pub retry_pause_max: Duration,
    /// Share of a pause that is left to chance.
    pub retry_jitter: f64,
    /// The retry budget: further tries in a second, whatever happens.
    pub budget_per_second_min: u32,
    /// And further ones as a share of what was answered.
    pub budget_share: f32,
    /// For how long an answer counts.
    pub budget_ttl: Duration,
    /// The breaker of each process: commands of so long ago count.
    pub breaker_window: Duration,
    /// It looks at no fewer than these.
    pub breaker_commands_min: usize,
    /// It opens when so many have failed.
    pub breaker_failure_share: f64,
    /// It stays open for so long.
    pub breaker_open_for: Duration,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            ask_timeout: ASK_TIMEOUT,
            at_once_max: AT_ONCE_MAX,
            tries_max: TRIES_MAX,
            retry_pause: RETRY_PAUSE,
            retry_pause_max: RETRY_PAUSE_MAX,
            retry_jitter: RETRY_JITTER,
            budget_per_second_min: BUDGET_PER_SECOND_MIN,
            budget_share: BUDGET_SHARE,
            budget_ttl: BUDGET_TTL,
            breaker_window: BREAKER_WINDOW,
            breaker_commands_min: BREAKER_COMMANDS_MIN,
            breaker_failure_share: BREAKER_FAILURE_SHARE,
            breaker_open_for: BREAKER_OPEN_FOR,
        }
    }
}
