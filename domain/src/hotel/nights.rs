//! The nights of one room type: what is sold, and where the sale differs from the room type's default.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::footprint::of_entries;
use crate::stay::Stay;

/// The nights of one room type that differ from the default: nothing sold, on sale, as many rooms as the room type says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Nights(BTreeMap<NaiveDate, Night>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Night {
    sold: u32,
    /// Rooms on sale, where a change has said so.
    rooms: Option<u32>,
    stop_sell: bool,
}

/// What is set for the nights from `from` to `to`, the latter excluded. Absent: as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AllotmentChange {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) rooms: Option<u32>,
    pub(super) stop_sell: Option<bool>,
}

impl AllotmentChange {
    /// Number of nights; negative when the range is inverted.
    pub(super) fn night_count(&self) -> i64 {
        (self.to - self.from).num_days()
    }

    fn nights(self) -> impl Iterator<Item = NaiveDate> {
        (0..self.night_count()).filter_map(move |n| self.from.checked_add_days(Days::new(n.unsigned_abs())))
    }

    fn on(self, night: Night) -> Night {
        Night {
            sold: night.sold,
            rooms: self.rooms.or(night.rooms),
            stop_sell: self.stop_sell.unwrap_or(night.stop_sell),
        }
    }
}

impl Night {
    /// Rooms left; none when more is sold than on sale, as after an allotment was lowered.
    fn left(self, default_rooms: u32) -> u32 {
        self.rooms.unwrap_or(default_rooms).saturating_sub(self.sold)
    }
}

impl Nights {
    /// Every night is as by default.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that they take in memory, about.
    pub(super) fn footprint(&self) -> usize {
        of_entries::<NaiveDate, Night>(self.0.len())
    }

    /// Rooms left of a night that is on sale; 0 when it is closed.
    pub(super) fn sellable(&self, night: NaiveDate, default_rooms: u32) -> u32 {
        let night = self.get(night);
        if night.stop_sell { 0 } else { night.left(default_rooms) }
    }

    /// Whether any night of the stay is closed for sale.
    pub(super) fn any_closed(&self, stay: Stay) -> bool {
        self.0.range(stay.check_in()..stay.check_out()).any(|(_, night)| night.stop_sell)
    }

    /// The fewest rooms left in any night of the stay.
    pub(super) fn fewest_left(&self, stay: Stay, default_rooms: u32) -> u32 {
        stay.nights().map(|night| self.get(night).left(default_rooms)).min().unwrap_or(0)
    }

    /// Whether a change would change any night.
    pub(super) fn would_change(&self, change: AllotmentChange) -> bool {
        change.nights().any(|night| change.on(self.get(night)) != self.get(night))
    }

    pub(super) fn change(&mut self, change: AllotmentChange) {
        for night in change.nights() {
            self.set(night, change.on(self.get(night)));
        }
    }

    pub(super) fn take(&mut self, stay: Stay, rooms: u32) {
        for night in stay.nights() {
            let known = self.get(night);
            self.set(night, Night { sold: known.sold.saturating_add(rooms), ..known });
        }
    }

    /// Nights that are forgotten stay so.
    pub(super) fn give_back(&mut self, stay: Stay, rooms: u32) {
        for night in stay.nights() {
            let known = self.get(night);
            self.set(night, Night { sold: known.sold.saturating_sub(rooms), ..known });
        }
    }

    pub(super) fn forget_before(&mut self, day: NaiveDate) {
        self.0 = self.0.split_off(&day);
    }

    fn get(&self, night: NaiveDate) -> Night {
        self.0.get(&night).copied().unwrap_or_default()
    }

    fn set(&mut self, night: NaiveDate, known: Night) {
        if known == Night::default() {
            self.0.remove(&night);
        } else {
            self.0.insert(night, known);
        }
    }
}
