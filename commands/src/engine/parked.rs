//! Jobs that wait for streams to be loaded.

use std::collections::{HashSet, VecDeque};

use traveladvisor_domain::id::StreamId;

use super::job::{Job, Report};
use super::limits::{PARKED_CALLERS_MAX, PARKED_JOBS_MAX, PARKED_SYSTEM_MAX};
use super::states::States;

/// A job that waits for streams.
pub(crate) struct Parked {
    pub(crate) job: Job,
    pub(crate) missing: HashSet<StreamId>,
    pub(crate) parts: Parts,
}

/// How a job stands to the parts of its trip, which its follow-ups will need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// Not asked for yet.
    Wanted,
    /// Asked for once; what could not be loaded stays cold.
    AskedFor,
}

/// All jobs that wait, in order.
#[derive(Default)]
pub(crate) struct ParkedJobs {
    waiting: VecDeque<Parked>,
    callers: usize,
}

impl ParkedJobs {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether one more answer, undo or timer may have to wait. Neither lane can take all places (L11).
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < PARKED_JOBS_MAX && self.waiting.len() - self.callers < PARKED_SYSTEM_MAX
    }

    /// Whether one more caller's command may have to wait.
    pub(crate) fn has_room_for_callers(&self) -> bool {
        self.waiting.len() < PARKED_JOBS_MAX && self.callers < PARKED_CALLERS_MAX
    }

    pub(crate) fn push(&mut self, parked: Parked) {
        self.callers += usize::from(matches!(parked.job.report, Report::Caller(_)));
        self.waiting.push_back(parked);
    }

    /// All of them, to be looked through; those that wait on are pushed again.
    pub(crate) fn take_all(&mut self) -> VecDeque<Parked> {
        self.callers = 0;
        std::mem::take(&mut self.waiting)
    }

    /// The streams that their decisions read, as far as is known.
    pub(crate) fn reads(&self, states: &States) -> impl Iterator<Item = StreamId> {
        self.waiting.iter().flat_map(|parked| parked.job.reads(states))
    }
}
