//! Bounds of the client over HTTP.

use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a charge or refund may take before its outcome counts as unknown. With what goes before it, less than the engine waits.
const CALL_TIMEOUT: Duration = Duration::from_secs(6);
/// How long one try of a look-up may take.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a card number may take to become a token: a traveller waits.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests at once, for tokens, calls and look-ups each; the next one is refused at once.
const AT_ONCE_MAX: usize = 64;
/// Tries of a look-up, and of what was surely not sent.
const TRIES_MAX: u32 = 3;
/// Pause before the second try; each later one is twice as long, about.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause before another try.
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(500);
/// How many of these pauses is left to chance.
const RETRY_JITTER: f64 = 0.5;
/// Further tries in a second that are always allowed.
const BUDGET_PER_SECOND_MIN: u32 = 5;
/// Further tries that are allowed beyond these, as a share of the requests that were answered.
const BUDGET_SHARE: f32 = 0.2;
/// How long a request that was answered counts for that.
const BUDGET_TTL: Duration = Duration::from_secs(10);
/// Requests of so long ago decide whether the breaker opens.
const BREAKER_WINDOW: Duration = Duration::from_secs(10);
/// Fewer requests than this in the window open nothing.
const BREAKER_REQUESTS_MIN: usize = 10;
/// The share of them that must have failed.
const BREAKER_FAILURE_SHARE: f64 = 0.5;
/// How long an open breaker lets nothing through; then it lets one request try.
const BREAKER_OPEN_FOR: Duration = Duration::from_secs(2);

/// Longest answer that is read, in bytes.
pub(super) const ANSWER_BYTES_MAX: usize = 16 << 10;
/// Longest token, brand or reference that is taken from a gateway, in bytes.
pub(super) const WORD_BYTES_MAX: usize = 255;
/// Longest code of a problem that is taken from a gateway, in bytes.
pub(super) const CODE_BYTES_MAX: usize = 64;
/// Longest name of a gateway, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 255;
/// How long a connection is kept that nobody uses: less than gateways keep theirs, so that none is closed while a call is sent on it.
pub(super) const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(5);

/// How patient and how bold the client is. The defaults are for real use.
#[derive(Debug, Clone, Copy)]
pub struct HttpSettings {
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// For a charge or refund.
    pub call_timeout: Duration,
    /// For one try of a look-up.
    pub look_up_timeout: Duration,
    /// For a token.
    pub token_timeout: Duration,
    /// The bulkhead: requests at once, of each kind.
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
    /// The breaker: requests of so long ago count.
    pub breaker_window: Duration,
    /// It looks at no fewer than these.
    pub breaker_requests_min: usize,
    /// It opens when so many have failed.
    pub breaker_failure_share: f64,
    /// It stays open for so long.
    pub breaker_open_for: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            call_timeout: CALL_TIMEOUT,
            look_up_timeout: LOOK_UP_TIMEOUT,
            token_timeout: TOKEN_TIMEOUT,
            at_once_max: AT_ONCE_MAX,
            tries_max: TRIES_MAX,
            retry_pause: RETRY_PAUSE,
            retry_pause_max: RETRY_PAUSE_MAX,
            retry_jitter: RETRY_JITTER,
            budget_per_second_min: BUDGET_PER_SECOND_MIN,
            budget_share: BUDGET_SHARE,
            budget_ttl: BUDGET_TTL,
            breaker_window: BREAKER_WINDOW,
            breaker_requests_min: BREAKER_REQUESTS_MIN,
            breaker_failure_share: BREAKER_FAILURE_SHARE,
            breaker_open_for: BREAKER_OPEN_FOR,
        }
    }
}
