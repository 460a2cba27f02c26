//! The inputs as they are written: the API's `Upsert…Input`, in JSON Lines as on the wire. Unknown fields are refused.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The supplier of what names none: ourselves.
fn own() -> String {
    "own".to_owned()
}

/// A hotel as handed in (`UpsertHotelInput`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HotelInput {
    /// Who supplies it; `own` when absent.
    #[serde(default = "own")]
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// City.
    pub city: String,
    /// ISO 3166-1 alpha-2, in capitals.
    pub country: String,
    /// IANA name of the property's zone.
    pub time_zone: String,
    /// Degrees north.
    #[serde(default)]
    pub latitude: Option<f64>,
    /// Degrees east.
    #[serde(default)]
    pub longitude: Option<f64>,
    /// What is on sale.
    pub room_types: Vec<RoomTypeInput>,
}

/// A kind of room as handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoomTypeInput {
    /// The property's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Rooms on sale for each night.
    pub rooms: i64,
    /// Price of one room for one night.
    pub nightly_price: MoneyInput,
}

/// A departure as handed in (`UpsertFlightInput`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FlightInput {
    /// Who supplies it; `own` when absent.
    #[serde(default = "own")]
    pub supplier: String,
    /// The supplier's code of this departure.
    pub code: String,
    /// The airline's code.
    pub carrier: String,
    /// IATA code of the airport of departure.
    pub origin: String,
    /// IATA code of the airport of arrival.
    pub destination: String,
    /// Departure.
    pub departure_at: DateTime<Utc>,
    /// Arrival.
    pub arrival_at: DateTime<Utc>,
    /// What is on sale.
    pub cabins: Vec<CabinInput>,
}

/// A cabin as handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CabinInput {
    /// For example `ECONOMY`.
    pub cabin: String,
    /// Seats on sale.
    pub seats: i64,
    /// Price of one seat.
    pub price: MoneyInput,
}

/// A fleet as handed in (`UpsertCarInput`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CarInput {
    /// Who supplies it; `own` when absent.
    #[serde(default = "own")]
    pub supplier: String,
    /// The supplier's code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Class, for example `STANDARD`.
    pub car_class: String,
    /// An IATA code or the name of a place.
    pub location: String,
    /// IANA name of the location's zone; may be absent when the location is an airport.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Vehicles of the fleet.
    pub vehicles: i64,
    /// Price of one vehicle for one started day.
    pub daily_price: MoneyInput,
}

/// An amount as handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoneyInput {
    /// Decimal text in at most the currency's own number of places, such as `12.50`.
    pub amount: String,
    /// ISO 4217, in capitals.
    pub currency: String,
}
