//! What a flight can be asked.

use super::event::FlightDetails;
use crate::id::BookingId;
use crate::occasion::Occasion;
use crate::trip::FlightPart;

/// Most cabins of one flight.
pub const CABINS_MAX: usize = 10;
/// Most seats of one cabin.
pub const CABIN_SEATS_MAX: u32 = 1_000;

/// Commands of the aggregate `flight`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlightCommand {
    /// List it, or replace its details. The same details again change nothing.
    Upsert {
        /// All that is known of it.
        details: FlightDetails,
        /// When.
        occasion: Occasion,
    },
    /// Take seats for a trip. Never an error: what cannot be done is an event that refuses.
    Reserve {
        /// For which trip.
        booking: BookingId,
        /// Which attempt.
        attempt: u32,
        /// What, at which quoted price.
        part: FlightPart,
        /// When.
        occasion: Occasion,
    },
    /// Give back what a trip has taken, or bar what has not come yet.
    Release {
        /// For which trip.
        booking: BookingId,
        /// Which attempt of the undo.
        attempt: u32,
        /// What.
        part: FlightPart,
        /// When.
        occasion: Occasion,
    },
}
