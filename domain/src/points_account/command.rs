//! What an account can be asked.

use super::event::EarnedFor;
use crate::id::BookingId;
use crate::occasion::Occasion;
use crate::points::{Earning, PointsOrder};

/// Longest reason for which an operator gives points, in characters.
pub const REASON_CHARS_MAX: usize = 500;

/// Commands of the aggregate `points_account`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointsAccountCommand {
    /// Points come, from a campaign or an operator.
    Earn {
        /// How many.
        points: u64,
        /// Why.
        earned_for: EarnedFor,
        /// When.
        occasion: Occasion,
    },
    /// Points for a trip's payment. Never an error: what cannot be done is an event that refuses.
    Order {
        /// Which trip.
        booking: BookingId,
        /// Take them or give them back.
        order: PointsOrder,
        /// When.
        occasion: Occasion,
    },
    /// A trip was approved: what it brings. Again, or too late: no events.
    EarnForBooking {
        /// Which trip.
        booking: BookingId,
        /// How many points.
        earning: Earning,
        /// When.
        occasion: Occasion,
    },
    /// An approved trip was cancelled: what it had brought goes back. Again: no events.
    Reverse {
        /// Which trip.
        booking: BookingId,
        /// How many points.
        earning: Earning,
        /// When.
        occasion: Occasion,
    },
    /// The member leaves.
    Close {
        /// When.
        occasion: Occasion,
    },
}
