//! What a running engine tells of itself.

mod letters;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use traveladvisor_infra::event_log::{Conflict, OpenLetters, Position};
use traveladvisor_infra::kafka::PartitionLag;

pub(crate) use self::letters::count as count_letters;

/// Numbers of one engine. Nothing is decided on them, but that timers wait by what is on its way, and while the broker is not heard.
#[derive(Debug, Default)]
pub struct Gauges {
    cached_bytes: AtomicUsize,
    cached_streams: AtomicUsize,
    evicted: AtomicU64,
    appends: AtomicU64,
    conflicts: AtomicU64,
    contended: AtomicU64,
    followed: AtomicU64,
    known_to: AtomicU64,
    unacknowledged: AtomicUsize,
    unconfirmed_bytes: AtomicU64,
    partitions: Mutex<Vec<PartitionLag>>,
    lost: AtomicU64,
    unheard: AtomicBool,
    letters: Mutex<Option<OpenLetters>>,
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

    /// Those of them that were refused because a stream had moved: somebody else decides on the same things.
    pub fn contended(&self) -> u64 {
        self.contended.load(Ordering::Relaxed)
    }

    /// Appends that stand.
    pub fn appends(&self) -> u64 {
        self.appends.load(Ordering::Relaxed)
    }

    /// Events read from the log's tail because others may have appended them.
    pub fn followed(&self) -> u64 {
        self.followed.load(Ordering::Relaxed)
    }

    /// The position up to which states in memory are as the log has them.
    pub fn known_to(&self) -> Position {
        Position(self.known_to.load(Ordering::Relaxed))
    }

    /// Messages for other logs that the broker has not acknowledged; 0 unless this process delivers.
    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged.load(Ordering::Relaxed)
    }

    /// Bytes of the write-ahead log that a connector has not confirmed, up to the last rows for it; 0 unless this process delivers.
    pub fn unconfirmed_bytes(&self) -> u64 {
        self.unconfirmed_bytes.load(Ordering::Relaxed)
    }

    /// The partitions that this process consumes, as of a moment ago.
    pub fn partitions(&self) -> Vec<PartitionLag> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records that were gone from their topics before anybody had read them.
    pub fn lost_records(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Dead letters that are open, as of a moment ago; nothing unless this process delivers.
    pub fn open_letters(&self) -> Option<OpenLetters> {
        *self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records of others that are not read, and of our own that the broker has not acknowledged.
    pub(crate) fn on_the_way(&self) -> u64 {
        let unread: u64 = self.partitions().iter().map(PartitionLag::unread).sum();
        unread.saturating_add(self.unacknowledged() as u64)
    }

    /// Whether whoever consumes here hears the broker. Where nobody does, nobody can tell.
    pub(crate) fn hears_the_broker(&self) -> bool {
        !self.unheard.load(Ordering::Relaxed)
    }

    pub(crate) fn hear_the_broker(&self, hears: bool) {
        self.unheard.store(!hears, Ordering::Relaxed);
    }

    pub(crate) fn count_lost(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn letters_are(&self, open: Option<OpenLetters>) {
        *self.letters.lock().unwrap_or_else(PoisonError::into_inner) = open;
    }

    /// This process delivers no more: what it knew of that is another's to tell.
    pub(crate) fn turn_is_over(&self) {
        self.post(0);
        self.carry(0);
        self.letters_are(None);
    }

    pub(crate) fn post(&self, unacknowledged: usize) {
        self.unacknowledged.store(unacknowledged, Ordering::Relaxed);
    }

    pub(crate) fn carry(&self, unconfirmed_bytes: u64) {
        self.unconfirmed_bytes.store(unconfirmed_bytes, Ordering::Relaxed);
    }

    pub(crate) fn consume(&self, partitions: Vec<PartitionLag>) {
        *self.partitions.lock().unwrap_or_else(PoisonError::into_inner) = partitions;
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

    pub(crate) fn count_append(&self) {
        self.appends.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_conflict(&self, found: &[Conflict]) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
        if found.iter().any(|conflict| matches!(conflict, Conflict::Stream { .. })) {
            self.contended.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_followed(&self, events: usize) {
        self.followed.fetch_add(events as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_delivers_no_more_tells_nothing_of_what_is_to_be_delivered() {
        let gauges = Gauges::default();
        gauges.post(5);
        gauges.carry(7);
        gauges.letters_are(Some(OpenLetters { need_operator: 1, ..OpenLetters::default() }));
        gauges.count_append();
        gauges.turn_is_over();
        assert_eq!((gauges.unacknowledged(), gauges.unconfirmed_bytes(), gauges.open_letters()), (0, 0, None));
        assert_eq!(gauges.appends(), 1, "what it has done stays done");
    }
}
