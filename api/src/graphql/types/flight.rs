//! Flights.

use async_graphql::{ComplexObject, ID, SimpleObject};
use traveladvisor_domain::id::FlightId;
use traveladvisor_projections::views;

use super::Money;
use crate::graphql::scalars::DateTime;

/// One departure and what it sells.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Flight {
    #[graphql(skip)]
    id: FlightId,
    /// The supplier's code of this departure.
    pub(crate) code: String,
    /// The airline's code.
    pub(crate) carrier: String,
    /// IATA code of the airport of departure.
    pub(crate) origin: String,
    /// IATA code of the airport of arrival.
    pub(crate) destination: String,
    /// Departure.
    pub(crate) departure_at: DateTime,
    /// Arrival.
    pub(crate) arrival_at: DateTime,
    /// What is on sale.
    pub(crate) cabins: Vec<Cabin>,
}

/// A cabin of a departure.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Cabin {
    /// For example `ECONOMY`.
    #[graphql(name = "cabin")]
    pub(crate) code: String,
    /// Seats on sale.
    pub(crate) seats: u32,
    /// Seats not yet sold.
    pub(crate) seats_left: u32,
    /// Price of one seat, taxes included.
    pub(crate) price: Money,
}

#[ComplexObject]
impl Flight {
    /// Derives from supplier and code: the same at every import.
    pub(crate) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
}

impl From<views::FlightView> for Flight {
    fn from(view: views::FlightView) -> Self {
        Self {
            id: view.id,
            code: view.code,
            carrier: view.carrier,
            origin: view.origin,
            destination: view.destination,
            departure_at: DateTime(view.departure_at),
            arrival_at: DateTime(view.arrival_at),
            cabins: view.cabins.into_iter().map(Cabin::from).collect(),
        }
    }
}

impl From<views::CabinView> for Cabin {
    fn from(view: views::CabinView) -> Self {
        Self { code: view.cabin, seats: view.seats, seats_left: view.seats_left, price: view.price.into() }
    }
}
