//! What a hotel can be asked.

use chrono::NaiveDate;

use super::event::HotelDetails;
use crate::id::BookingId;
use crate::occasion::Occasion;
use crate::trip::HotelPart;

/// Most room types of one hotel.
pub const ROOM_TYPES_MAX: usize = 100;
/// Most rooms of one type on sale for a night.
pub const ALLOTMENT_MAX: u32 = 10_000;
/// Most nights that one allotment change spans.
pub const ALLOTMENT_NIGHTS_MAX: i64 = 732;
/// Days from today until which nights can be put on sale: what is kept for each night would have no bound otherwise.
pub const ALLOTMENT_HORIZON_DAYS: i64 = 1_098;

/// Commands of the aggregate `hotel`.
#[derive(Debug, Clone, PartialEq)]
pub enum HotelCommand {
    /// List it, or replace its details. The same details again change nothing.
    Upsert {
        /// All that is known of it.
        details: HotelDetails,
        /// When.
        occasion: Occasion,
    },
    /// Set the rooms on sale for the nights from `from` to `to`, the latter excluded.
    ChangeAllotment {
        /// Which room type.
        room_type: String,
        /// First night, not before today in the property's zone.
        from: NaiveDate,
        /// The day after the last night.
        to: NaiveDate,
        /// Rooms on sale; lower than what is sold is accepted and shows 0 left.
        rooms: Option<u32>,
        /// Close or open the sale.
        stop_sell: Option<bool>,
        /// When.
        occasion: Occasion,
    },
    /// Take rooms for a trip: all nights or none. Never an error: what cannot be done is an event that refuses.
    Reserve {
        /// For which trip.
        booking: BookingId,
        /// Which attempt.
        attempt: u32,
        /// What, at which quoted price.
        part: HotelPart,
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
        part: HotelPart,
        /// When.
        occasion: Occasion,
    },
}
