//! How many vehicles are out at every instant: a step function over time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::footprint::of_entries;
use crate::rental::Rental;

/// Vehicles out from each instant on, until the next one; before the first, none is known of. Neighbours always differ, so the same
/// rentals give the same steps in whatever order they came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Levels {
    steps: BTreeMap<DateTime<Utc>, u32>,
    /// What was before is forgotten.
    begins: Option<DateTime<Utc>>,
}

impl Levels {
    /// Bytes that they take on the heap, about.
    pub(super) fn footprint(&self) -> usize {
        of_entries::<DateTime<Utc>, u32>(self.steps.len())
    }

    /// Whether an instant lies in what is forgotten.
    pub(super) fn has_forgotten(&self, instant: DateTime<Utc>) -> bool {
        self.begins.is_some_and(|begins| instant < begins)
    }

    /// The most vehicles that are out at any instant of a rental.
    pub(super) fn highest(&self, rental: Rental) -> u32 {
        let within = self.steps.range(rental.pick_up()..rental.drop_off()).map(|(_, level)| *level);
        within.fold(self.at(rental.pick_up()), u32::max)
    }

    pub(super) fn take(&mut self, rental: Rental) {
        self.shift(rental, |level| level.saturating_add(1));
    }

    pub(super) fn give_back(&mut self, rental: Rental) {
        self.shift(rental, |level| level.saturating_sub(1));
    }

    pub(super) fn forget_before(&mut self, instant: DateTime<Utc>) {
        if self.has_forgotten(instant) {
            return;
        }
        let level = self.at(instant);
        self.steps = self.steps.split_off(&instant);
        if level > 0 {
            self.steps.insert(instant, level);
        }
        self.merge(instant);
        self.begins = Some(instant);
    }

    fn at(&self, instant: DateTime<Utc>) -> u32 {
        self.steps.range(..=instant).next_back().map_or(0, |(_, level)| *level)
    }

    /// Changes the levels of what is not forgotten of a rental.
    fn shift(&mut self, rental: Rental, change: impl Fn(u32) -> u32) {
        let from = self.begins.map_or(rental.pick_up(), |begins| begins.max(rental.pick_up()));
        let to = rental.drop_off();
        if from >= to {
            return;
        }
        self.steps.insert(from, self.at(from));
        self.steps.insert(to, self.at(to));
        self.steps.range_mut(from..to).for_each(|(_, level)| *level = change(*level));
        self.merge(from);
        self.merge(to);
    }

    /// A step that changes nothing is no step.
    fn merge(&mut self, instant: DateTime<Utc>) {
        let before = self.steps.range(..instant).next_back().map_or(0, |(_, level)| *level);
        if self.steps.get(&instant) == Some(&before) {
            self.steps.remove(&instant);
        }
    }
}
