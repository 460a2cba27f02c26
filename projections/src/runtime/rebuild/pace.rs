//! How fast a rebuild reads: commands go first.

use std::time::Duration;

use tokio::time::Instant;
use traveladvisor_infra::event_log::PAGE_EVENTS_MAX;

/// Events a second that a rebuild reads unless it is told otherwise: so that most of the machine is left to commands.
pub const REBUILD_RATE_DEFAULT: u32 = 12_000;

/// How fast events may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As fast as can be.
    Unlimited,
    /// So many events a second.
    PerSecond(u32),
}

/// Pages that are read in a second where the rate is limited: so short are the moments in which a rebuild takes what it can get.
const PAGES_PER_S: usize = 25;
/// Fewest events of a page.
const PAGE_EVENTS_MIN: usize = 50;
/// Bytes of a table's rows that are gathered for one COPY: as much as is fast, and as little as does not make others wait for long.
const COPY_BYTES: (usize, usize) = (4 << 20, 256 << 10);
/// Bytes of rows in memory where the rate is limited: little is written at a time, and little is left for the end.
const GENTLE_BYTES_MAX: usize = 16 << 20;

impl Rate {
    /// Whether others go first.
    pub(super) fn is_limited(self) -> bool {
        self != Self::Unlimited
    }

    /// Events of a page of the log.
    pub(super) fn page_events(self) -> usize {
        match self {
            Self::Unlimited => PAGE_EVENTS_MAX,
            Self::PerSecond(rate) => {
                let share = usize::try_from(rate).unwrap_or(usize::MAX) / PAGES_PER_S;
                share.clamp(PAGE_EVENTS_MIN, PAGE_EVENTS_MAX)
            }
        }
    }

    /// Bytes of rows that are gathered for one COPY.
    pub(super) fn copy_bytes(self) -> usize {
        let (fast, gentle) = COPY_BYTES;
        if self.is_limited() { gentle } else { fast }
    }

    /// Bytes of rows that are held in memory, of so many at most.
    pub(super) fn held_bytes(self, most: usize) -> usize {
        if self.is_limited() { most.min(GENTLE_BYTES_MAX) } else { most }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_rate_takes_little_at_a_time() {
        assert_eq!(Rate::Unlimited.page_events(), PAGE_EVENTS_MAX);
        assert_eq!(Rate::PerSecond(1_250).page_events(), 50);
        assert_eq!(Rate::PerSecond(1).page_events(), PAGE_EVENTS_MIN);
        assert_eq!(Rate::PerSecond(u32::MAX).page_events(), PAGE_EVENTS_MAX);
        assert!(Rate::default().copy_bytes() < Rate::Unlimited.copy_bytes());
        assert!(Rate::default().held_bytes(usize::MAX) < usize::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_events_are_read_than_the_rate_admits() {
        let (begun, mut pace) = (Instant::now(), Pace::new(Rate::PerSecond(100)));
        for _page in 0..10 {
            pace.keep(50).await;
        }
        assert_eq!(begun.elapsed().as_secs(), 5);
    }
}
