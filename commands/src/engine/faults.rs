//! Faults that a test puts into an engine: what real data cannot bring about today, such as a decision that panics. The program is built
//! without this.

use std::fmt;
use std::sync::Arc;

use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::id::StreamId;
use traveladvisor_domain::together::Together;

type OfDecision = Arc<dyn Fn(StreamId, &Command) -> bool + Send + Sync>;
type OfAsked = Arc<dyn Fn(&Together) -> bool + Send + Sync>;
type OfStream = Arc<dyn Fn(StreamId) -> bool + Send + Sync>;

/// What goes wrong in an engine under test. By default nothing does.
#[derive(Clone, Default)]
pub struct Faults {
    panics: Option<OfDecision>,
    panics_together: Option<OfAsked>,
    cold: Option<OfStream>,
    follow_ups_max: Option<usize>,
    cache_bytes_max: Option<usize>,
    look_ups_max: Option<u32>,
}

impl Faults {
    /// Decisions for which this is true panic. It is asked before every decision, also those that are made again.
    #[must_use]
    pub fn panic_when(mut self, guilty: impl Fn(StreamId, &Command) -> bool + Send + Sync + 'static) -> Self {
        self.panics = Some(Arc::new(guilty));
        self
    }

    /// Decisions on several streams for which this is true panic.
    #[must_use]
    pub fn panic_together_when(mut self, guilty: impl Fn(&Together) -> bool + Send + Sync + 'static) -> Self {
        self.panics_together = Some(Arc::new(guilty));
        self
    }

    /// Follow-ups do not find these streams in memory.
    #[must_use]
    pub fn cold_when(mut self, cold: impl Fn(StreamId) -> bool + Send + Sync + 'static) -> Self {
        self.cold = Some(Arc::new(cold));
        self
    }

    /// So many messages may one job have followed inside its batch.
    #[must_use]
    pub const fn follow_ups_max(mut self, follow_ups_max: usize) -> Self {
        self.follow_ups_max = Some(follow_ups_max);
        self
    }

    /// So many bytes of states may be in memory.
    #[must_use]
    pub const fn cache_bytes_max(mut self, cache_bytes_max: usize) -> Self {
        self.cache_bytes_max = Some(cache_bytes_max);
        self
    }

    /// So often is the outcome of a gateway call looked up before it is left unknown.
    #[must_use]
    pub const fn look_ups_max(mut self, look_ups_max: u32) -> Self {
        self.look_ups_max = Some(look_ups_max);
        self
    }

    pub(crate) fn look_ups_or(&self, look_ups_max: u32) -> u32 {
        self.look_ups_max.unwrap_or(look_ups_max)
    }

    pub(crate) fn strike(&self, stream: StreamId, command: &Command) {
        let guilty = self.panics.as_ref().is_some_and(|guilty| guilty(stream, command));
        assert!(!guilty, "a test lets this decision panic: {stream}");
    }

    pub(crate) fn strike_together(&self, asked: &Together) {
        let guilty = self.panics_together.as_ref().is_some_and(|guilty| guilty(asked));
        assert!(!guilty, "a test lets this decision panic: {}", asked.operation());
    }

    pub(crate) fn is_cold(&self, stream: StreamId) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold(stream))
    }

    pub(crate) fn cache_bytes_or(&self, cache_bytes_max: usize) -> usize {
        self.cache_bytes_max.unwrap_or(cache_bytes_max)
    }

    pub(crate) fn follow_ups_or(&self, follow_ups_max: usize) -> usize {
        self.follow_ups_max.unwrap_or(follow_ups_max)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("follow_ups_max", &self.follow_ups_max).finish_non_exhaustive()
    }
}
