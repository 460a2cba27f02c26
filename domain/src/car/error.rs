//! Why a supplier's command is refused.

use super::command::VEHICLES_MAX;
use crate::failure::Code;

/// Refusals of commands by suppliers. Requests of sagas are refused by an event instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarError {
    /// More vehicles than allowed.
    #[error("a fleet has at most {max} vehicles", max = VEHICLES_MAX)]
    TooManyVehicles,
}

impl CarError {
    /// The stable code.
    pub const fn code(&self) -> Code {
        Code::InvalidInput
    }

    /// The input field at fault, as the API names it.
    pub const fn field(&self) -> &'static str {
        "vehicles"
    }
}
