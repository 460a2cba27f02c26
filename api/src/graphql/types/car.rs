//! Cars.

use async_graphql::{ComplexObject, ID, SimpleObject};
use traveladvisor_domain::id::CarId;
use traveladvisor_projections::views;

use super::Money;

/// A fleet of one class at one location. `vehiclesLeft` and `total` answer for the rental of the surrounding search; null without one.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Car {
    #[graphql(skip)]
    id: CarId,
    /// The supplier's code.
    pub(crate) code: String,
    /// Name for people.
    pub(crate) name: String,
    /// Class, for example `STANDARD`.
    #[graphql(name = "carClass")]
    pub(crate) class: String,
    /// Where vehicles are taken and brought back.
    pub(crate) location: String,
    /// Vehicles of the fleet.
    pub(crate) vehicles: u32,
    /// Price of one vehicle for one started day (a started 24 h), taxes included.
    pub(crate) daily_price: Money,
    /// Vehicles free for the whole of the rental searched for; null without one.
    pub(crate) vehicles_left: Option<u32>,
    /// Price of the rental searched for; null without one.
    pub(crate) total: Option<Money>,
}

#[ComplexObject]
impl Car {
    /// Derives from supplier and code: the same at every import.
    pub(crate) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
}

impl From<views::CarView> for Car {
    fn from(view: views::CarView) -> Self {
        Self {
            id: view.id,
            code: view.code,
            name: view.name,
            class: view.car_class,
            location: view.location,
            vehicles: view.vehicles,
            daily_price: view.daily_price.into(),
            vehicles_left: view.vehicles_left,
            total: view.total.map(Money::from),
        }
    }
}
