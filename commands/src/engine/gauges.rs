//! What a running engine tells of itself.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use traveladvisor_infra::event_log::Position;

/// Numbers of one engine. Only tests read them so far; nothing is decided on them.
#[derive(Debug, Default)]
pub struct Gauges {
    cached_bytes: AtomicUsize,
    cached_streams: AtomicUsize,
    evicted: AtomicU64,
    conflicts: AtomicU64,
    followed: AtomicU64,
    known_to: AtomicU64,
}

impl Gauges {
    /// Bytes that the states in memory take, about.
    pub fn cached_bytes(&self) -> usize {
        self.cached_bytes.load(Ordering::Relaxed)
    }

    /// Streams in memory.
    pub fn cached_streams(&self) -> usize {
        self.cached_streams.load(Ordering::Relaxed)
    }

    /// States that had to go because memory was full.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Appends that the log refused because something had moved; all of them were decided again.
    pub fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// Events read from the log's tail because others may have appended them.
    pub fn followed(&self) -> u64 {
        self.followed.load(Ordering::Relaxed)
    }

    /// The position up to which states in memory are as the log has them.
    pub fn known_to(&self) -> Position {
        Position(self.known_to.load(Ordering::Relaxed))
    }

    pub(crate) fn know(&self, known_to: Position) {
        self.known_to.store(known_to.0, Ordering::Relaxed);
    }

    pub(crate) fn cache(&self, bytes: usize, streams: usize) {
        self.cached_bytes.store(bytes, Ordering::Relaxed);
        self.cached_streams.store(streams, Ordering::Relaxed);
    }

    pub(crate) fn count_evicted(&self, states: u64) {
        self.evicted.fetch_add(states, Ordering::Relaxed);
    }

    pub(crate) fn count_conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_followed(&self, events: usize) {
        self.followed.fetch_add(events as u64, Ordering::Relaxed);
    }
}
