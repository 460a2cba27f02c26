//! The events that this process appended last: tails that keep up get them without reading them back.

use std::collections::VecDeque;

use super::{Position, StoredEvent};

/// Events kept at most. A tail that is further behind reads the table.
pub const RECENT_EVENTS_MAX: usize = 8_192;
/// Payloads and metadata of the kept events at most, in bytes; far more than so many ordinary ones have.
pub const RECENT_BYTES_MAX: usize = 32 << 20;

/// A run of own events without a gap between their positions. What others append, and gaps that a rollback left, end the run, so that
/// nothing can be skipped: a tail that has seen all up to a position finds the very next one here, or reads the table.
#[derive(Debug, Default)]
pub(super) struct Recent {
    run: VecDeque<StoredEvent>,
    bytes: usize,
}

fn bytes_of(event: &StoredEvent) -> usize {
    event.payload.len() + event.metadata.len()
}

impl Recent {
    /// Takes in the events of one append, in order.
    pub(super) fn push(&mut self, appended: impl Iterator<Item = StoredEvent>) {
        for event in appended {
            let goes_on = self.run.back().is_some_and(|last| last.position.0 + 1 == event.position.0);
            if !goes_on {
                self.run.clear();
                self.bytes = 0;
            }
            self.bytes += bytes_of(&event);
            self.run.push_back(event);
            while (self.run.len() > RECENT_EVENTS_MAX || self.bytes > RECENT_BYTES_MAX)
                && let Some(forgotten) = self.run.pop_front()
            {
                self.bytes -= bytes_of(&forgotten);
            }
        }
    }

    /// The next events after a position, if the very next one is here and so is all that `limit` or the known `head` ask for.
    pub(super) fn after(&self, after: Position, limit: usize, head: Position) -> Option<Vec<StoredEvent>> {
        let first = self.run.front()?.position.0;
        let skip = usize::try_from((after.0 + 1).checked_sub(first)?).ok()?;
        let found: Vec<StoredEvent> = self.run.iter().skip(skip).take(limit).cloned().collect();
        let is_whole = found.len() == limit || found.last()?.position >= head;
        is_whole.then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use traveladvisor_domain::id::{StreamId, StreamKind};
    use uuid::Uuid;

    use super::{Position, RECENT_BYTES_MAX, RECENT_EVENTS_MAX, Recent, StoredEvent};

    fn event(position: u64) -> StoredEvent {
        StoredEvent {
            position: Position(position),
            stream: StreamId::new(StreamKind::Booking, Uuid::nil()),
            sequence: position,
            event_type: "E".into(),
            event_version: "1".into(),
            payload: Arc::from("{}"),
            metadata: Arc::from("{}"),
            recorded_at: DateTime::UNIX_EPOCH,
            told: None,
        }
    }

    fn after(recent: &Recent, position: u64, limit: usize) -> Option<Vec<u64>> {
        let found = recent.after(Position(position), limit, Position::START)?;
        Some(found.iter().map(|event| event.position.0).collect())
    }

    #[test]
    fn a_tail_finds_the_very_next_event_or_reads_the_table() {
        let mut recent = Recent::default();
        assert_eq!(after(&recent, 0, 10), None);
        recent.push((5..8).map(event));
        assert_eq!(after(&recent, 3, 10), None, "4 is not here");
        assert_eq!(after(&recent, 4, 10), Some(vec![5, 6, 7]));
        assert_eq!(after(&recent, 5, 1), Some(vec![6]));
        assert_eq!(after(&recent, 7, 10), None, "others may have gone on");
        assert_eq!(after(&recent, 9, 10), None);
    }

    #[test]
    fn what_others_append_or_a_rollback_leaves_ends_the_run() {
        let mut recent = Recent::default();
        recent.push((1..4).map(event));
        recent.push((6..8).map(event));
        assert_eq!(after(&recent, 3, 10), None, "4 and 5 may be others'");
        assert_eq!(after(&recent, 5, 10), Some(vec![6, 7]));
        recent.push((1..3).map(event));
        assert_eq!(after(&recent, 0, 10), Some(vec![1, 2]), "an append whose answer came late");
    }

    #[test]
    fn a_run_that_ends_before_the_known_end_of_the_log_is_not_all_there_is() {
        let mut recent = Recent::default();
        recent.push((5..8).map(event));
        assert!(recent.after(Position(4), 10, Position(9)).is_none());
        assert!(recent.after(Position(4), 2, Position(9)).is_some(), "a full page is");
    }

    #[test]
    fn the_run_is_bounded() {
        let mut recent = Recent::default();
        recent.push((1..=RECENT_EVENTS_MAX as u64 + 10).map(event));
        assert_eq!(after(&recent, 9, 10), None);
        assert_eq!(after(&recent, 10, 1), Some(vec![11]));
    }
    #[test]
    fn large_events_are_bounded_by_their_bytes() {
        let large = |position| StoredEvent { payload: " ".repeat(RECENT_BYTES_MAX / 4).into(), ..event(position) };
        let mut recent = Recent::default();
        recent.push((1..=10).map(large));
        // With their metadata four of them are a little too much.
        assert_eq!(after(&recent, 6, 10), None);
        assert_eq!(after(&recent, 7, 10), Some(vec![8, 9, 10]));
        recent.push([large(20), event(21)].into_iter());
        recent.push([large(22), large(23)].into_iter());
        assert_eq!(after(&recent, 19, 10), Some(vec![20, 21, 22, 23]), "what is gone is not counted");
    }
}
