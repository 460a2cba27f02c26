//! Why a supplier's command is refused.

use super::command::{CABIN_SEATS_MAX, CABINS_MAX};
use crate::failure::Code;

/// Refusals of commands by suppliers. Requests of sagas are refused by an event instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlightError {
    /// Arrival is not after departure.
    #[error("arrival must be after departure: check both instants")]
    ArrivalBeforeDeparture,
    /// No or too many cabins, or two with one name.
    #[error("give 1 to {max} cabins with different names", max = CABINS_MAX)]
    Cabins,
    /// More seats than allowed.
    #[error("a cabin has at most {max} seats", max = CABIN_SEATS_MAX)]
    TooManySeats,
}

impl FlightError {
    /// The stable code.
    pub const fn code(&self) -> Code {
        Code::InvalidInput
    }

    /// The input field at fault, as the API names it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::ArrivalBeforeDeparture => "arrivalAt",
            Self::Cabins | Self::TooManySeats => "cabins",
        }
    }
}
