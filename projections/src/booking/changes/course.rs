//! How far those who watch have been told, and which trips are still awaited.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::Position;

use crate::runtime::{Ear, PARKED_EVENTS_MAX, ProjectionState};

/// Trips of which an event has passed the read model without a trace in their row. Most are set aside, and no more than this can be: the read
/// model pauses before. Beyond it those who watch travellers are told that it is over, rather than nothing.
pub(super) const UNSEEN_TRIPS_MAX: usize = PARKED_EVENTS_MAX;

/// How far the task has come.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// None until it is known where the rows stand.
    pub(super) after: Option<Position>,
    unseen: BTreeMap<BookingId, Awaited>,
    /// The awaited trip that was looked at last.
    looked_at: Option<BookingId>,
}

/// The events of a trip that passed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) first: Position,
    pub(super) last: Position,
}

/// What the row of a trip has not shown yet.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    wanted: Position,
    /// Where the row stood when it was looked at last; none while there is no row.
    seen: Option<Position>,
}

/// What to do about a trip that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Its row changed.
    Tell,
    /// Its row is as it was.
    Keep,
    /// Its row has not come far enough, and no more trips can be awaited.
    Full,
}

impl Course {
    /// Begins where the rows stand at this very moment: what changes from now on is told, whenever the task gets to it.
    ///
    /// A projector that has just been started does not know yet; then the task asks the database.
    pub(super) fn begin(ear: &Ear) -> Self {
        // In this order: the position is told before the state.
        let state = ear.condition.borrow().0;
        let position = *ear.position.borrow();
        let is_known = position > Position::START || matches!(state, ProjectionState::Live | ProjectionState::Standby);
        Self { after: is_known.then_some(position), ..Self::default() }
    }

    /// What to read from, up to where the rows stand. Rows that were rolled back will take in again what they had, and it is told again.
    pub(super) fn after(&mut self, reached: Position) -> Position {
        let after = self.after.map_or(reached, |after| after.min(reached));
        self.after = Some(after);
        after
    }

    /// A trip's row was looked at, because events of it passed or because it is awaited.
    pub(super) fn look(&mut self, trip: BookingId, passed: Option<Passed>, row: Option<Position>) -> Look {
        let (wanted, has_changed) = match (self.unseen.get(&trip), passed) {
            (Some(awaited), passed) => {
                (passed.map_or(awaited.wanted, |passed| passed.last), row.is_some() && awaited.seen != row)
            }
            (None, Some(passed)) => (passed.last, row.is_some_and(|row| row >= passed.first)),
            (None, None) => return Look::Keep,
        };
        if row.is_some_and(|row| row >= wanted) {
            self.unseen.remove(&trip);
        } else if !self.wait(trip, Awaited { wanted, seen: row }) {
            return Look::Full;
        }
        if has_changed { Look::Tell } else { Look::Keep }
    }

    /// Whether there is room for it.
    fn wait(&mut self, trip: BookingId, awaited: Awaited) -> bool {
        let is_full = self.unseen.len() >= UNSEEN_TRIPS_MAX;
        match self.unseen.entry(trip) {
            Entry::Occupied(mut known) => {
                known.insert(awaited);
            }
            Entry::Vacant(_) if is_full => return false,
            Entry::Vacant(place) => {
                place.insert(awaited);
            }
        }
        true
    }

    /// The next of the trips that are awaited, all of them in turn. They stay awaited until their rows were read.
    pub(super) fn awaited(&mut self, limit: usize) -> Vec<BookingId> {
        let behind = self.looked_at.map_or(Bound::Unbounded, Bound::Excluded);
        let trips: Vec<_> = self.unseen.range((behind, Bound::Unbounded)).map(|(trip, _)| *trip).take(limit).collect();
        self.looked_at = (trips.len() == limit).then(|| trips.last().copied()).flatten();
        trips
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::status::channel;

    const fn trip(number: u128) -> BookingId {
        BookingId(uuid::Uuid::from_u128(number))
    }

    const fn passed(first: u64, last: u64) -> Passed {
        Passed { first: Position(first), last: Position(last) }
    }

    const fn at(position: u64) -> Position {
        Position(position)
    }

    #[test]
    fn a_trip_that_is_held_back_is_told_once_and_again_only_when_its_row_moves() {
        let mut course = Course::default();
        assert_eq!(course.look(trip(1), Some(passed(5, 7)), Some(at(5))), Look::Tell, "5 was taken in, 7 is set aside");
        for _ in 0..3 {
            assert_eq!(course.awaited(10), [trip(1)]);
            assert_eq!(course.look(trip(1), None, Some(at(5))), Look::Keep);
        }
        assert_eq!(course.look(trip(1), Some(passed(9, 9)), Some(at(5))), Look::Keep, "9 waits behind 7");
        assert_eq!(course.look(trip(1), None, Some(at(7))), Look::Tell, "7 was taken in at last");
        assert_eq!(course.look(trip(1), None, Some(at(9))), Look::Tell);
        assert_eq!(course.awaited(10), []);
    }

    #[test]
    fn a_trip_whose_row_comes_late_is_told_when_it_comes() {
        let mut course = Course::default();
        assert_eq!(course.look(trip(1), Some(passed(5, 5)), None), Look::Keep);
        assert_eq!(course.look(trip(1), None, None), Look::Keep);
        assert_eq!(course.look(trip(1), None, Some(at(5))), Look::Tell);
        assert_eq!(course.look(trip(2), Some(passed(6, 6)), Some(at(3))), Look::Keep, "an old row is nothing new");
        assert_eq!(course.awaited(10), [trip(2)]);
    }

    #[test]
    fn trips_that_are_awaited_are_still_awaited_when_their_rows_could_not_be_read() {
        let mut course = Course::default();
        for number in 1..=5 {
            course.look(trip(number), Some(passed(5, 5)), None);
        }
        // Nothing was read in between.
        assert_eq!(course.awaited(2), [trip(1), trip(2)]);
        assert_eq!(course.awaited(2), [trip(3), trip(4)]);
        assert_eq!(course.awaited(2), [trip(5)]);
        assert_eq!(course.awaited(9).len(), 5);
    }

    #[test]
    fn more_trips_than_can_be_awaited_are_not_passed_over_in_silence() {
        let mut course = Course::default();
        for number in 0..UNSEEN_TRIPS_MAX {
            assert_eq!(course.look(trip(number as u128), Some(passed(5, 5)), None), Look::Keep);
        }
        assert_eq!(course.look(trip(u128::MAX), Some(passed(6, 6)), None), Look::Full);
        assert_eq!(course.look(trip(0), Some(passed(7, 7)), None), Look::Keep, "it is awaited already");
        assert_eq!(course.look(trip(1), None, Some(at(5))), Look::Tell);
        assert_eq!(course.look(trip(u128::MAX), Some(passed(6, 6)), None), Look::Keep, "there is room again");
    }

    #[test]
    fn what_changes_right_after_the_watch_began_is_told() {
        let (voice, ear) = channel("booking", 1);
        assert_eq!(Course::begin(&ear).after, None, "nobody has told yet where the rows stand");
        voice.reached(Position(7));
        let mut course = Course::begin(&ear);
        voice.reached(Position(9));
        assert_eq!(course.after(*ear.position.borrow()), Position(7), "8 and 9 are told");
    }

    #[test]
    fn what_rows_that_were_rolled_back_take_in_again_is_told_again() {
        let mut course = Course { after: Some(at(9)), ..Course::default() };
        assert_eq!(course.after(Position(4)), Position(4));
        assert_eq!(course.after(Position(9)), Position(4), "5 to 9 are told again");
    }
}
