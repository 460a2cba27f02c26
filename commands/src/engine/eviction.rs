//! Which states go first when memory is full: those of finished trips, then the longest untouched.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::id::StreamId;

/// Places that may be left over before the queue is made anew.
const LEFT_OVER_MAX: usize = 4_096;

/// Who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// All that it was made for has happened.
    Finished,
    /// It may be needed at any time.
    Live,
}

/// A stream's place in the queue: the lowest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) rank: Rank,
    /// The turn in which it was touched last, as far as the queue knows.
    pub(crate) turn: u64,
    pub(crate) stream: StreamId,
}

/// The streams in memory in the order in which they go. Touching a stream does not move it: a place that proves too early when its turn
/// comes is taken anew, so that a command costs nothing here. A stream may have left places behind, which count no more.
#[derive(Debug, Default)]
pub(crate) struct Queue(BinaryHeap<Reverse<Place>>);

impl Rank {
    pub(crate) const fn of(aggregate: &Aggregate) -> Self {
        if aggregate.is_finished() { Self::Finished } else { Self::Live }
    }
}

impl Queue {
    pub(crate) fn push(&mut self, place: Place) {
        self.0.push(Reverse(place));
    }

    pub(crate) fn pop(&mut self) -> Option<Place> {
        self.0.pop().map(|Reverse(place)| place)
    }

    /// Drops the places left behind once they are more than those in use.
    pub(crate) fn tidy(&mut self, in_use: usize, places: impl Iterator<Item = Place>) {
        if self.0.len() > 2 * in_use + LEFT_OVER_MAX {
            self.0 = places.map(Reverse).collect();
        }
    }
}
