//! Bounds of the simulator. What its ledger holds stands beside the ledger.

use std::time::Duration;

/// Connections at once; others wait to be accepted.
pub(super) const CONNECTIONS_MAX: usize = 512;
/// Calls that are carried out at once; the next one is answered 503.
pub(super) const CALLS_UNDER_WAY_MAX: usize = 1_024;
/// Bytes of a request's body.
pub(super) const BODY_BYTES_MAX: usize = 16 << 10;
/// Entries of the ledger in one answer.
pub(super) const LEDGER_PAGE: usize = 10_000;
/// How long a client may take to send its headers.
pub(super) const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests under way may take to end when it stops.
pub(super) const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// Pause after a connection could not be accepted.
pub(super) const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);
