//! Hotels.

use async_graphql::{ComplexObject, ID, SimpleObject};
use traveladvisor_domain::id::HotelId;
use traveladvisor_projections::views;

use super::Money;

/// A property and what it sells.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Hotel {
    #[graphql(skip)]
    id: HotelId,
    /// The supplier's code.
    pub(crate) code: String,
    /// Name for people.
    pub(crate) name: String,
    /// City.
    pub(crate) city: String,
    /// Country, ISO 3166-1 alpha-2.
    pub(crate) country: String,
    /// IANA name of the property's time zone.
    pub(crate) time_zone: String,
    /// What is on sale.
    pub(crate) room_types: Vec<RoomType>,
}

/// A kind of room. `roomsLeft` and `total` answer for the stay of the surrounding search; null without one.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct RoomType {
    /// The property's code.
    pub(crate) code: String,
    /// Name for people.
    pub(crate) name: String,
    /// Rooms on sale for each night unless the allotment was changed.
    pub(crate) rooms: u32,
    /// Price of one room for one night, taxes included.
    pub(crate) nightly_price: Money,
    /// The fewest rooms left in any night of the stay searched for; null without one.
    pub(crate) rooms_left: Option<u32>,
    /// Price of the stay and the rooms searched for; null without a stay.
    pub(crate) total: Option<Money>,
}

#[ComplexObject]
impl Hotel {
    /// Derives from supplier and code: the same at every import.
    pub(crate) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
}

impl From<views::HotelView> for Hotel {
    fn from(view: views::HotelView) -> Self {
        Self {
            id: view.id,
            code: view.code,
            name: view.name,
            city: view.city,
            country: view.country,
            time_zone: view.time_zone.to_string(),
            room_types: view.room_types.into_iter().map(RoomType::from).collect(),
        }
    }
}

impl From<views::RoomTypeView> for RoomType {
    fn from(view: views::RoomTypeView) -> Self {
        Self {
            code: view.code,
            name: view.name,
            rooms: view.rooms,
            nightly_price: view.nightly_price.into(),
            rooms_left: view.rooms_left,
            total: view.total.map(Money::from),
        }
    }
}
