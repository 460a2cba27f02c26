//! Hotels, flights and cars, and what is left of them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use traveladvisor_domain::id::{CarId, FlightId, HotelId};
use traveladvisor_domain::money::Money;

/// A property and what it sells.
#[derive(Debug, Clone, PartialEq)]
pub struct HotelView {
    /// Which property.
    pub id: HotelId,
    /// Who supplied it.
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// City.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The property's zone.
    pub time_zone: Tz,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// What is on sale, in the supplier's order.
    pub room_types: Vec<RoomTypeView>,
}

/// A kind of room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomTypeView {
    /// The property's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Rooms on sale for each night by default.
    pub rooms: u32,
    /// Price of one room for one night.
    pub nightly_price: Money,
    /// The fewest rooms left in any night of the stay that was searched for; absent without one.
    pub rooms_left: Option<u32>,
    /// Nightly price × nights × rooms of the search; absent without a stay.
    pub total: Option<Money>,
}

/// One departure and what it sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlightView {
    /// Which departure.
    pub id: FlightId,
    /// Who supplied it.
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// The airline's code.
    pub carrier: String,
    /// IATA code.
    pub origin: String,
    /// Zone of the origin.
    pub origin_zone: Tz,
    /// IATA code.
    pub destination: String,
    /// Zone of the destination.
    pub destination_zone: Tz,
    /// Departure.
    pub departure_at: DateTime<Utc>,
    /// Arrival.
    pub arrival_at: DateTime<Utc>,
    /// What is on sale, in the supplier's order.
    pub cabins: Vec<CabinView>,
}

/// A cabin of a departure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CabinView {
    /// For example `ECONOMY`.
    pub cabin: String,
    /// Seats on sale.
    pub seats: u32,
    /// Seats not yet sold.
    pub seats_left: u32,
    /// Price of one seat.
    pub price: Money,
}

/// A fleet of one class at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarView {
    /// Which fleet.
    pub id: CarId,
    /// Who supplied it.
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Class, for example `STANDARD`.
    pub car_class: String,
    /// Where vehicles are taken and brought back.
    pub location: String,
    /// The location's zone.
    pub time_zone: Tz,
    /// Vehicles of the fleet.
    pub vehicles: u32,
    /// Price of one vehicle for one started day.
    pub daily_price: Money,
    /// Vehicles free for the whole of the rental that was searched for; absent without one.
    pub vehicles_left: Option<u32>,
    /// Daily price × started days of that rental; absent without one.
    pub total: Option<Money>,
}
