//! What has an id of its own.

use async_graphql::{ID, Interface};

use super::{Booking, Car, Flight, Hotel};

/// Something with an id that stays.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "A TypeID: the kind, then 26 characters, for example `hotel_…`."))]
pub(crate) enum Node {
    /// A trip.
    Booking(Booking),
    /// A property.
    Hotel(Hotel),
    /// A departure.
    Flight(Flight),
    /// A fleet.
    Car(Car),
}
