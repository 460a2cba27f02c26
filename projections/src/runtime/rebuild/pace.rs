//! How fast a rebuild reads: commands go first.

use std::time::Duration;

use tokio::time::Instant;

/// Events a second that a rebuild reads unless it is told otherwise: so that commands on the same machine keep their latency.
pub const REBUILD_RATE_DEFAULT: u32 = 25_000;

/// How fast events may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As fast as can be.
    Unlimited,
    /// So many events a second.
    PerSecond(u32),
}

impl Default for Rate {
    fn default() -> Self {
        Self::PerSecond(REBUILD_RATE_DEFAULT)
    }
}

/// Keeps to a rate.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Rate,
    begun: Instant,
    /// Events, exact up to 2^53.
    read: f64,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, begun: Instant::now(), read: 0.0 }
    }

    /// So many events were read: waits until that many may have been.
    pub(super) async fn keep(&mut self, events: usize) {
        self.read += f64::from(u32::try_from(events).unwrap_or(u32::MAX));
        if let Rate::PerSecond(rate) = self.rate {
            tokio::time::sleep_until(self.begun + Duration::from_secs_f64(self.read / f64::from(rate.max(1)))).await;
        }
    }

    /// Events a second since the beginning.
    pub(super) fn events_per_s(&self) -> f64 {
        self.read / self.begun.elapsed().as_secs_f64().max(0.001)
    }
}
