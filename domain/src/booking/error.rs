//! Why a caller's command is refused.

use crate::failure::Code;

/// Refusals of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BookingError {
    /// The stream is empty.
    #[error("no such booking: check the id")]
    NotFound,
    /// The trip has begun.
    #[error("the trip has begun and can no longer be cancelled: ask the operators")]
    TripBegun,
}

impl BookingError {
    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::TripBegun => Code::NotCancellable,
        }
    }

    /// The input field at fault, as the API names it.
    pub const fn field(self) -> &'static str {
        "bookingId"
    }
}
