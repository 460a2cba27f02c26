//! What is sold of hotels, flights and cars, and what it brings.

use async_graphql::SimpleObject;
use traveladvisor_projections::views::{self, OccupancyView};

use super::Money;
use crate::graphql::scalars::Date;

/// What is sold of a hotel in one night, of a departure, or of a fleet on one day.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Occupancy {
    /// The night, the day of departure at the origin, or the day at the rental location.
    pub(crate) day: Date,
    /// Rooms, seats or vehicles on sale.
    pub(crate) on_sale: i32,
    /// Sold, less what was given back.
    pub(crate) sold: i32,
    /// On sale and not sold: nothing where a room type or cabin is closed, withdrawn or oversold.
    pub(crate) left: i32,
    /// What it brings, by the quoted prices: one amount for each currency in which it was sold. The price of a stay or rental is spread evenly;
    /// what does not divide counts for its first day.
    pub(crate) revenue: Vec<Money>,
    /// The same by room type or cabin, in the supplier's order; of a fleet there is one, without a name.
    pub(crate) units: Vec<UnitOccupancy>,
}

/// What is sold of a room type or cabin, or of a fleet.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct UnitOccupancy {
    /// The property's code of the room type, or the cabin; empty for a fleet.
    pub(crate) unit: String,
    /// Rooms, seats or vehicles on sale: 0 where it is closed or withdrawn.
    pub(crate) on_sale: i32,
    /// Sold, less what was given back.
    pub(crate) sold: i32,
    /// On sale and not sold; 0 where more is sold than is on sale.
    pub(crate) left: i32,
    /// What it brings: one amount for each currency.
    pub(crate) revenue: Vec<Money>,
}

impl From<OccupancyView> for Occupancy {
    fn from(view: OccupancyView) -> Self {
        let sum = |of: fn(&views::UnitOccupancy) -> u64| count(view.units.iter().map(of).sum());
        Self {
            day: Date(view.day),
            on_sale: sum(|unit| unit.on_sale),
            sold: sum(|unit| unit.sold),
            left: sum(|unit| unit.left),
            revenue: view.revenue().into_iter().map(Money::from).collect(),
            units: view.units.into_iter().map(UnitOccupancy::from).collect(),
        }
    }
}

impl From<views::UnitOccupancy> for UnitOccupancy {
    fn from(view: views::UnitOccupancy) -> Self {
        Self {
            unit: view.unit,
            on_sale: count(view.on_sale),
            sold: count(view.sold),
            left: count(view.left),
            revenue: view.revenue.into_iter().map(Money::from).collect(),
        }
    }
}

/// As large as the schema's numbers are, which is more than anybody can list.
fn count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
