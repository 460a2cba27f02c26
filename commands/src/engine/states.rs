//! States of streams in memory: as committed, and as staged by batches that are not committed yet.
//!
//! Committed states are never ahead of the log; maybe behind, which every append checks. Hotels, flights and cars are kept twice and every
//! event is applied twice, because copying a large state for every batch would cost more. What is in memory is bounded by bytes: when a turn
//! ends, the longest untouched states go, never those that the batch at hand has touched.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::context::Contexts;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_domain::together::Together;
use traveladvisor_infra::event_log::{Position, StoredEvent};

use super::bus::Copies;
use super::eviction::{Place, Queue, Rank};
use super::gauges::Gauges;
use super::limits::{CACHE_BYTES_MAX, STAGED_STREAMS_MAX};
use super::snapshots::{Kept, is_kept};
pub(crate) use super::state::{Poisoned, State};

/// A committed state in memory.
#[derive(Debug)]
struct Entry {
    state: State,
    /// Bytes that it takes with its staged copy, about.
    weight: usize,
    rank: Rank,
    /// The turn of its place in the queue.
    queued: u64,
    /// The turn in which it was seen last.
    touched: Cell<u64>,
}

/// All states that are in memory.
#[derive(Debug)]
pub(crate) struct States {
    committed: HashMap<StreamId, Entry>,
    staged: HashMap<StreamId, State>,
    queue: Queue,
    /// Bytes of all committed states and their copies, about.
    bytes: usize,
    bytes_max: usize,
    /// Counts the batches.
    turn: u64,
    /// Whose streams stand in this log.
    pub(crate) contexts: Contexts,
    /// What other logs have told, if there are any.
    pub(crate) copies: Option<Copies>,
    pub(crate) gauges: Arc<Gauges>,
    #[cfg(feature = "testing")]
    pub(crate) faults: super::faults::Faults,
}

impl Default for States {
    fn default() -> Self {
        Self {
            committed: HashMap::new(),
            staged: HashMap::new(),
            queue: Queue::default(),
            bytes: 0,
            bytes_max: CACHE_BYTES_MAX,
            turn: 0,
            contexts: Contexts::ALL,
            copies: None,
            gauges: Arc::default(),
            #[cfg(feature = "testing")]
            faults: super::faults::Faults::default(),
        }
    }
}

impl States {
    #[cfg(feature = "testing")]
    pub(crate) fn with_faults(faults: super::faults::Faults) -> Self {
        Self { bytes_max: faults.cache_bytes_or(CACHE_BYTES_MAX), faults, ..Self::default() }
    }

    /// The state that the next decision sees.
    pub(crate) fn view(&self, stream: StreamId) -> Option<&State> {
        let committed = self.committed.get(&stream);
        if let Some(entry) = committed {
            entry.touched.set(self.turn);
        }
        self.staged.get(&stream).or_else(|| committed.map(|entry| &entry.state))
    }

    /// The streams that are known only from those that it names.
    pub(crate) fn further_streams(&self, asked: &Together) -> Vec<StreamId> {
        asked.further_streams(&|stream| self.view(stream).map(|state| &state.aggregate))
    }

    pub(crate) fn is_hot(&self, stream: StreamId) -> bool {
        self.staged.contains_key(&stream) || self.committed.contains_key(&stream)
    }

    /// Where the stream stood at its last event that is committed.
    pub(crate) fn committed_position(&self, stream: StreamId) -> Position {
        self.committed.get(&stream).map_or(Position::START, |entry| entry.state.position)
    }

    /// The stream is taken to be empty; the append checks it.
    pub(crate) fn create(&mut self, stream: StreamId) {
        if !self.is_hot(stream) {
            self.staged.insert(stream, State::empty(stream.kind));
        }
    }

    /// Takes an event into the staged state; returns its sequence.
    pub(crate) fn stage(&mut self, stream: StreamId, event: &Event) -> Result<u64, Poisoned> {
        let committed = &self.committed;
        let state = self.staged.entry(stream).or_insert_with(|| match committed.get(&stream) {
            Some(entry) => {
                entry.touched.set(self.turn);
                entry.state.clone()
            }
            None => State::empty(stream.kind),
        });
        state.take(event)?;
        Ok(state.sequence)
    }

    /// Forgets all that is staged: the batches that staged it are decided again.
    pub(crate) fn drop_staged(&mut self) {
        self.staged.clear();
    }

    /// A batch that wrote this stream is committed. True when its staged state became the committed one as it is; else the events have
    /// to be applied. `last` is the last event's sequence and position.
    pub(crate) fn commit_staged(&mut self, stream: StreamId, last: (u64, Position)) -> bool {
        let nobody_went_on = self.staged.get(&stream).is_some_and(|state| state.sequence == last.0);
        if !nobody_went_on || is_kept(stream.kind) {
            return false;
        }
        if let Some(mut state) = self.staged.remove(&stream) {
            state.position = last.1;
            self.put(stream, state);
        }
        true
    }

    /// Events of our own that are committed, taken into the committed state of their stream.
    pub(crate) fn commit_applied(&mut self, stream: StreamId, last: (u64, Position), events: &[&Event]) {
        if self.take_in(stream, last, |state| events.iter().try_for_each(|event| state.take(event))) {
            return;
        }
        // The committed state is gone; the copy may be just what the log has now.
        if let Some(mut copy) = self.staged.remove(&stream) {
            if copy.sequence == last.0 {
                copy.position = last.1;
                self.put(stream, copy);
            } else {
                self.staged.insert(stream, copy);
            }
        }
    }

    /// Takes events that stand in the log into the committed state of their stream. What does not fit together is loaded when it is
    /// needed.
    fn take_in(
        &mut self,
        stream: StreamId,
        last: (u64, Position),
        take: impl FnOnce(&mut State) -> Result<(), Poisoned>,
    ) -> bool {
        let empty = || State::empty(stream.kind);
        let known = self.committed.get_mut(&stream).map(|entry| std::mem::replace(&mut entry.state, empty()));
        let mut state = known.unwrap_or_else(empty);
        let fits = take(&mut state).is_ok() && state.sequence == last.0;
        if fits {
            state.position = last.1;
            self.put(stream, state);
        } else {
            self.take_out(stream);
        }
        fits
    }

    /// What other processes appended.
    pub(crate) fn follow(&mut self, page: &[StoredEvent]) {
        for stored in page {
            self.follow_event(stored);
        }
        self.gauges.count_followed(page.len());
    }

    /// An event is taken into what is in memory of its stream. If it is not the very next one, or cannot be read, the stream is loaded
    /// when it is needed. What is staged beyond it will be refused by the log.
    fn follow_event(&mut self, stored: &StoredEvent) {
        let stream = stored.stream;
        let Some(known) = self.committed.get(&stream).map(|entry| entry.state.sequence) else { return };
        if stored.sequence <= known {
            return;
        }
        let next = (stored.sequence == known + 1).then(|| stored.decode().ok()).flatten();
        let copy_went_along = match self.staged.get_mut(&stream) {
            Some(copy) if copy.sequence <= known => {
                next.as_ref().is_some_and(|events| copy.take_stored(events).is_ok())
            }
            _ => true,
        };
        if !copy_went_along {
            self.staged.remove(&stream);
        }
        if let Some(events) = next {
            self.take_in(stream, (stored.sequence, stored.position), |state| state.take_stored(&events));
        } else {
            self.take_out(stream);
        }
    }

    /// A snapshot of the stream is in the log now.
    pub(crate) fn note_kept(&mut self, stream: StreamId, kept: Kept) {
        let committed = self.committed.get_mut(&stream).map(|entry| &mut entry.state);
        for state in committed.into_iter().chain(self.staged.get_mut(&stream)) {
            state.kept = Some(kept);
        }
    }

    /// A state as it stands in the log.
    pub(crate) fn put(&mut self, stream: StreamId, state: State) {
        let (turn, rank, weight) = (self.turn, Rank::of(&state.aggregate), weight_of(stream.kind, &state.aggregate));
        self.bytes += weight;
        let queued = match self.committed.get(&stream) {
            Some(known) => {
                self.bytes -= known.weight;
                if known.rank == rank { known.queued } else { turn }
            }
            None => turn,
        };
        let entry = Entry { state, weight, rank, queued, touched: Cell::new(turn) };
        let known = self.committed.insert(stream, entry);
        if known.is_none_or(|known| known.rank != rank) {
            self.queue.push(Place { rank, turn, stream });
        }
    }

    /// The committed state, out of memory.
    pub(crate) fn take_out(&mut self, stream: StreamId) -> Option<State> {
        let entry = self.committed.remove(&stream)?;
        self.bytes -= entry.weight;
        Some(entry.state)
    }

    /// More is in memory than may be.
    pub(crate) const fn is_full(&self) -> bool {
        self.bytes > self.bytes_max
    }

    /// Ends a turn: what is too much goes, of what the last batch and the open one have not touched.
    pub(crate) fn end_turn(&mut self) {
        self.evict();
        if self.staged.len() > STAGED_STREAMS_MAX {
            self.drop_idle_copies();
        }
        self.gauges.cache(self.bytes, self.committed.len());
        self.turn += 1;
    }

    fn evict(&mut self) {
        let mut in_use = Vec::new();
        let mut evicted = 0;
        while self.is_full() {
            let Some(place) = self.queue.pop() else { break };
            let Some(entry) = self.committed.get_mut(&place.stream) else { continue };
            if (entry.rank, entry.queued) != (place.rank, place.turn) {
                continue;
            }
            let touched = entry.touched.get();
            let is_ahead = self.staged.get(&place.stream).is_some_and(|copy| copy.sequence > entry.state.sequence);
            if touched == self.turn || is_ahead {
                in_use.push(place);
            } else if touched > place.turn {
                entry.queued = touched;
                self.queue.push(Place { turn: touched, ..place });
            } else {
                self.staged.remove(&place.stream);
                self.take_out(place.stream);
                evicted += 1;
            }
        }
        for place in in_use {
            self.queue.push(place);
        }
        self.gauges.count_evicted(evicted);
        let places = self.committed.iter().map(|(stream, entry)| Place {
            rank: entry.rank,
            turn: entry.queued,
            stream: *stream,
        });
        self.queue.tidy(self.committed.len(), places);
    }

    /// Staged states that are no more than copies of committed ones, or of nothing; what was touched in this turn may be in use.
    fn drop_idle_copies(&mut self) {
        self.staged.retain(|stream, copy| match self.committed.get(stream) {
            Some(entry) => entry.touched.get() == self.turn || copy.sequence > entry.state.sequence,
            None => copy.sequence > 0,
        });
    }
}

/// Bytes that a state takes in memory with all that belongs to it: its entry, its place in the queue, its staged copy. Hash tables are half
/// full at worst.
fn weight_of(kind: StreamKind, aggregate: &Aggregate) -> usize {
    let copies = if is_kept(kind) { 2 } else { 1 };
    2 * size_of::<(StreamId, Entry)>() + 2 * size_of::<Place>() + copies * aggregate.footprint()
}
