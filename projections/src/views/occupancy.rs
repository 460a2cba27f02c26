//! What is sold of hotels, flights and fleets, and what it brings.

use chrono::NaiveDate;
use traveladvisor_domain::money::Money;

/// A night of a hotel, a departure, or a day of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OccupancyView {
    /// The night, the day of departure at the origin, or the day at the rental location.
    pub day: NaiveDate,
    /// Room types, cabins, or the fleet's vehicles under an empty name: what is on sale in the supplier's order, then what is withdrawn and
    /// was sold all the same.
    pub units: Vec<UnitOccupancy>,
}

/// What is sold of one room type, cabin or fleet on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitOccupancy {
    /// The property's code of the room type, the cabin, or nothing for a fleet.
    pub unit: String,
    /// Rooms, seats or vehicles on sale; 0 where it is closed or withdrawn.
    pub on_sale: u64,
    /// Sold, less what was given back.
    pub sold: u64,
    /// On sale and not sold; 0 where more is sold than is on sale.
    pub left: u64,
    /// What it brings, one amount for each currency in which it was sold, by currency.
    pub revenue: Vec<Money>,
}

impl OccupancyView {
    /// What it brings, over all units, one amount for each currency.
    pub fn revenue(&self) -> Vec<Money> {
        let mut sums: std::collections::BTreeMap<_, i64> = std::collections::BTreeMap::new();
        for amount in self.units.iter().flat_map(|unit| &unit.revenue) {
            *sums.entry(amount.currency).or_default() += amount.minor;
        }
        sums.into_iter().map(|(currency, minor)| Money::new(minor, currency)).collect()
    }
}
