//! What a fleet of cars can be asked.

use super::event::CarDetails;
use crate::id::BookingId;
use crate::occasion::Occasion;
use crate::trip::CarPart;

/// Most vehicles of one fleet.
pub const VEHICLES_MAX: u32 = 10_000;

/// Commands of the aggregate `car`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarCommand {
    /// List it, or replace its details. The same details again change nothing.
    Upsert {
        /// All that is known of it.
        details: CarDetails,
        /// When.
        occasion: Occasion,
    },
    /// Take a vehicle for a trip. Never an error: what cannot be done is an event that refuses.
    Reserve {
        /// For which trip.
        booking: BookingId,
        /// Which attempt.
        attempt: u32,
        /// What, at which quoted price.
        part: CarPart,
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
        part: CarPart,
        /// When.
        occasion: Occasion,
    },
}
