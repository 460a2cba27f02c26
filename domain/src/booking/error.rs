//! Why a caller's command is refused.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::failure::Code;

/// Refusals of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BookingError {
    /// The stream is empty.
    #[error("no such booking: check the id")]
    NotFound,
    /// Check-in, departure or pick-up has passed, whichever comes first.
    #[error(
        "the trip began at {} (check-in, departure or pick-up) and can no longer be cancelled: ask the operators",
        starts_at.to_rfc3339_opts(SecondsFormat::Secs, true)
    )]
    TripBegun {
        /// When.
        starts_at: DateTime<Utc>,
    },
}

impl BookingError {
    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::TripBegun { .. } => Code::NotCancellable,
        }
    }

    /// The input field at fault, as the API names it.
    pub const fn field(self) -> &'static str {
        "bookingId"
    }
}
