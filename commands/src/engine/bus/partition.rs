//! How much of a partition is handled: the contiguous low-water mark, which is written by the appends that handle its records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A partition in one assignment. Given again, it is another one.
#[derive(Debug)]
pub(crate) struct Partition {
    /// Tells assignments apart.
    pub(crate) id: u64,
    /// Its topic, without prefix.
    pub(crate) topic: String,
    /// Its number.
    pub(crate) number: i32,
    /// Under which its offset is stored.
    pub(crate) source: String,
    marks: Mutex<Marks>,
}

#[derive(Debug)]
struct Marks {
    /// The next offset, as it is stored.
    stored: u64,
    /// The mark that the last append was sent with.
    sent: u64,
    /// The offset behind the last record that was handed over.
    read: u64,
    /// Handed over and not handled.
    open: BTreeSet<u64>,
    is_lost: bool,
}

/// One record of a partition.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) partition: Arc<Partition>,
    pub(crate) offset: u64,
}

/// What an append moves: from the stored offset to the mark once these records are handled.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) partition: Arc<Partition>,
    pub(crate) expected: u64,
    pub(crate) mark: u64,
    handled: Vec<u64>,
}

/// What the append that handles these records moves, partition by partition. A partition that was taken away and given back may be there in
/// two assignments: the later one counts, and what is left of the earlier one moves nothing. It is read once more and known by then.
pub(crate) fn moves_of<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<Move> {
    let mut handled: BTreeMap<&str, (&Arc<Partition>, Vec<u64>)> = BTreeMap::new();
    for Record { partition, offset } in records {
        let (latest, offsets) = handled.entry(&partition.source).or_insert((partition, Vec::new()));
        if partition.id > latest.id {
            (*latest, *offsets) = (partition, Vec::new());
        }
        if partition.id == latest.id {
            offsets.push(*offset);
        }
    }
    handled.into_values().map(|(partition, offsets)| partition.moved_by(offsets)).collect()
}

/// The name under which the offset of a partition is stored.
pub(crate) fn source_of(topic: &str, number: i32) -> String {
    format!("kafka:{topic}:{number}")
}

impl Partition {
    /// Assigned, and read from this offset on.
    pub(crate) fn assigned(id: u64, topic: String, number: i32, from: u64) -> Self {
        let marks = Marks { stored: from, sent: from, read: from, open: BTreeSet::new(), is_lost: false };
        Self { id, source: source_of(&topic, number), topic, number, marks: Mutex::new(marks) }
    }

    /// What is stored is not in the topic: it is read from this record on.
    pub(crate) fn moved_to(&self, found: u64) {
        self.marks().read = found;
    }

    /// A record is handed over; false when it was before, or the partition is lost.
    pub(crate) fn hand_over(&self, offset: u64) -> bool {
        let mut marks = self.marks();
        // A fetch that was under way when the partition was sought may still bring what lies before.
        if marks.is_lost || offset < marks.read {
            return false;
        }
        marks.open.insert(offset);
        marks.read = offset + 1;
        true
    }

    /// What the append that handles these records moves.
    pub(crate) fn moved_by(self: &Arc<Self>, handled: Vec<u64>) -> Move {
        let mut marks = self.marks();
        let mark = marks.open.iter().find(|offset| !handled.contains(offset)).copied().unwrap_or(marks.read);
        marks.sent = mark;
        Move { partition: self.clone(), expected: marks.stored, mark, handled }
    }

    /// The stored offset is another: true when that is what the last append was sent with, whose answer was lost.
    pub(crate) fn is_as_sent(&self, actual: u64) -> bool {
        let mut marks = self.marks();
        let is_ours = marks.sent == actual && actual > marks.stored;
        if is_ours {
            marks.stored = actual;
            marks.open = marks.open.split_off(&actual);
        }
        is_ours
    }

    /// The next offset, as it is stored: all before it is handled.
    pub(crate) fn stored(&self) -> u64 {
        self.marks().stored
    }

    /// It is somebody else's now: nothing more of it is handed over.
    pub(crate) fn lose(&self) {
        self.marks().is_lost = true;
    }

    /// Nothing can panic half-way through a change of it.
    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Move {
    /// The append stands.
    pub(crate) fn stands(&self) {
        let mut marks = self.partition.marks();
        marks.stored = self.mark;
        for offset in &self.handled {
            marks.open.remove(offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Partition, Record, moves_of};

    fn with_records(offsets: std::ops::Range<u64>) -> Arc<Partition> {
        let partition = Arc::new(Partition::assigned(1, "t".to_owned(), 0, offsets.start));
        for offset in offsets {
            assert!(partition.hand_over(offset));
        }
        partition
    }

    #[test]
    fn the_mark_stays_before_what_is_not_handled() {
        let partition = with_records(5..9);
        let later = partition.moved_by(vec![6, 7]);
        assert_eq!((later.expected, later.mark), (5, 5));
        later.stands();
        let first = partition.moved_by(vec![5]);
        assert_eq!((first.expected, first.mark), (5, 8));
        first.stands();
        let last = partition.moved_by(vec![8]);
        assert_eq!((last.expected, last.mark), (8, 9));
        last.stands();
        assert!(partition.marks().open.is_empty());
    }

    #[test]
    fn an_append_that_does_not_stand_moves_nothing() {
        let partition = with_records(0..2);
        drop(partition.moved_by(vec![0]));
        let again = partition.moved_by(vec![0, 1]);
        assert_eq!((again.expected, again.mark), (0, 2));
    }

    #[test]
    fn a_record_is_handed_over_once_and_none_of_a_lost_partition() {
        let partition = with_records(3..5);
        assert!(!partition.hand_over(4), "twice");
        assert!(!partition.hand_over(2), "from before the place where it was to be read on");
        assert!(partition.hand_over(9), "a log may have gaps");
        partition.lose();
        assert!(!partition.hand_over(10));
    }

    #[test]
    fn the_offset_that_a_lost_answer_had_written_is_known_as_ours() {
        let partition = with_records(0..3);
        drop(partition.moved_by(vec![0, 1]));
        assert!(!partition.is_as_sent(3), "somebody else's");
        assert!(partition.is_as_sent(2));
        let rest = partition.moved_by(vec![2]);
        assert_eq!((rest.expected, rest.mark), (2, 3));
    }

    #[test]
    fn of_two_assignments_of_a_partition_in_one_append_the_later_one_counts() {
        let earlier = with_records(5..8);
        let later = Arc::new(Partition::assigned(2, "t".to_owned(), 0, 5));
        assert!(later.hand_over(5) && later.hand_over(6));
        let of = |partition: &Arc<Partition>, offset| Record { partition: partition.clone(), offset };
        let records = [of(&earlier, 7), of(&later, 5), of(&earlier, 6), of(&later, 6)];
        let moves = moves_of(records.iter());
        assert_eq!(moves.len(), 1, "a statement moves an offset once");
        assert_eq!((moves[0].partition.id, moves[0].expected, moves[0].mark), (2, 5, 7));
    }
}
