//! What is on sale and sold, in the making.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use traveladvisor_domain::money::Currency;
use uuid::Uuid;

use crate::runtime::{Changes, Holds, Meeting, Rows, Table, column};

/// About how many bytes a supply takes in memory, with its units.
const SUPPLY_BYTES: usize = 1_024;
/// About how many bytes anything else takes that a batch holds.
const ENTRY_BYTES: usize = 192;

/// What is on sale: replaced as a whole, what is withdrawn is gone.
pub(super) static UNITS: Table = Table {
    name: "occupancy_units",
    columns: &[
        column("supply_id", Holds::Uuid),
        column("unit", Holds::Text),
        column("place", Holds::Int),
        column("on_sale", Holds::Int),
        column("time_zone", Holds::Text),
        column("departure", Holds::Instant),
    ],
    meeting: Meeting::Never,
};

/// Supplies whose units go.
static REPLACED: Table =
    Table { name: "occupancy_units", columns: &[column("supply_id", Holds::Uuid)], meeting: Meeting::Never };

/// What changes have said of nights.
pub(super) static ALLOTMENTS: Table = Table {
    name: "occupancy_allotments",
    columns: &[
        column("hotel_id", Holds::Uuid),
        column("room_type", Holds::Text),
        column("night", Holds::Date),
        column("rooms", Holds::Int),
        column("stop_sell", Holds::Flag),
    ],
    meeting: Meeting::Merges(
        "(hotel_id, room_type, night) DO UPDATE SET rooms = coalesce(excluded.rooms, known.rooms), \
         stop_sell = coalesce(excluded.stop_sell, known.stop_sell)",
    ),
};

/// Rooms sold by night, written as differences.
pub(super) static NIGHTS: Table = Table {
    name: "occupancy_nights",
    columns: &[
        column("hotel_id", Holds::Uuid),
        column("night", Holds::Date),
        column("room_type", Holds::Text),
        column("currency", Holds::Text),
        column("sold", Holds::Int),
        column("revenue_minor", Holds::Int),
    ],
    meeting: Meeting::Merges(
        "(hotel_id, night, room_type, currency) DO UPDATE SET sold = known.sold + excluded.sold, \
         revenue_minor = known.revenue_minor + excluded.revenue_minor",
    ),
};

/// Seats sold, written as differences.
pub(super) static SEATS: Table = Table {
    name: "occupancy_seats",
    columns: &[
        column("flight_id", Holds::Uuid),
        column("cabin", Holds::Text),
        column("currency", Holds::Text),
        column("sold", Holds::Int),
        column("revenue_minor", Holds::Int),
    ],
    meeting: Meeting::Merges(
        "(flight_id, cabin, currency) DO UPDATE SET sold = known.sold + excluded.sold, \
         revenue_minor = known.revenue_minor + excluded.revenue_minor",
    ),
};

/// Rentals sold, written as differences.
pub(super) static RENTALS: Table = Table {
    name: "occupancy_rentals",
    columns: &[
        column("car_id", Holds::Uuid),
        column("pick_up_at", Holds::Instant),
        column("days", Holds::Int),
        column("currency", Holds::Text),
        column("sold", Holds::Int),
        column("revenue_minor", Holds::Int),
    ],
    meeting: Meeting::Merges(
        "(car_id, pick_up_at, days, currency) DO UPDATE SET sold = known.sold + excluded.sold, \
         revenue_minor = known.revenue_minor + excluded.revenue_minor",
    ),
};

/// What a batch of events changes. What was sold and given back within it is written too: the rows must not depend on where batches end.
#[derive(Debug, Default)]
pub struct OccupancyBatch {
    /// What each supply has on sale, as it is last said.
    pub(super) units: BTreeMap<Uuid, Vec<Unit>>,
    pub(super) allotments: BTreeMap<(Uuid, String, NaiveDate), Allotment>,
    pub(super) nights: BTreeMap<(Uuid, NaiveDate, String, Currency), Sale>,
    pub(super) seats: BTreeMap<(Uuid, String, Currency), Sale>,
    /// By the pick-up and the number of days.
    pub(super) rentals: BTreeMap<(Uuid, DateTime<Utc>, i64, Currency), Sale>,
}

/// A room type, a cabin, or the vehicles of a fleet.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) name: String,
    pub(super) on_sale: u32,
    pub(super) time_zone: Tz,
    pub(super) departure: Option<DateTime<Utc>>,
}

/// What changes of a night; what is absent stays as before.
#[derive(Debug, Default)]
pub(super) struct Allotment {
    pub(super) rooms: Option<i64>,
    pub(super) stop_sell: Option<bool>,
}

/// What changes of what is sold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sale {
    pub(super) sold: i64,
    pub(super) minor: i64,
}

impl Sale {
    pub(super) const fn add(&mut self, other: Self) {
        self.sold += other.sold;
        self.minor += other.minor;
    }
}

impl OccupancyBatch {
    pub(super) fn bytes(&self) -> usize {
        let entries = self.allotments.len() + self.nights.len() + self.seats.len() + self.rentals.len();
        self.units.len() * SUPPLY_BYTES + entries * ENTRY_BYTES
    }

    pub(super) fn flush(self, changes: &mut Changes) {
        self.flush_units(changes);
        let mut allotments = Rows::new(&ALLOTMENTS);
        for ((hotel, room_type, night), change) in &self.allotments {
            let mut row = allotments.row();
            row.uuid(*hotel).text(room_type).date(*night).int_if_any(change.rooms).flag_if_any(change.stop_sell);
        }
        let mut nights = Rows::new(&NIGHTS);
        for ((hotel, night, room_type, currency), sale) in &self.nights {
            let mut row = nights.row();
            row.uuid(*hotel).date(*night).text(room_type).text(currency.as_str()).int(sale.sold).int(sale.minor);
        }
        let mut seats = Rows::new(&SEATS);
        for ((flight, cabin, currency), sale) in &self.seats {
            seats.row().uuid(*flight).text(cabin).text(currency.as_str()).int(sale.sold).int(sale.minor);
        }
        let mut rentals = Rows::new(&RENTALS);
        for ((car, pick_up, days, currency), sale) in &self.rentals {
            let mut row = rentals.row();
            row.uuid(*car).instant(*pick_up).int(*days).text(currency.as_str()).int(sale.sold).int(sale.minor);
        }
        changes.write(allotments);
        changes.write(nights);
        changes.write(seats);
        changes.write(rentals);
    }

    fn flush_units(&self, changes: &mut Changes) {
        let (mut replaced, mut units) = (Rows::new(&REPLACED), Rows::new(&UNITS));
        for (supply, sold) in &self.units {
            replaced.row().uuid(*supply);
            for (place, unit) in (0_i64..).zip(sold) {
                let mut row = units.row();
                row.uuid(*supply).text(&unit.name).int(place).int(i64::from(unit.on_sale));
                row.text(unit.time_zone.name()).instant_if_any(unit.departure);
            }
        }
        changes.delete(replaced);
        changes.write(units);
    }
}
