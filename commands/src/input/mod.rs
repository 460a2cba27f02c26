//! What suppliers hand in, and the rules of its fields. The API and the catalogue import call the very same functions, so that what one
//! accepts the other accepts too.
//!
//! A rule here looks at one field. What needs several fields or the state (unique codes, arrival after departure) the aggregates decide.

mod car;
mod flight;
mod hotel;
mod rules;
mod shapes;
#[cfg(test)]
mod tests;

use std::fmt;

use traveladvisor_domain::failure::Code;

pub use car::car;
pub use flight::flight;
pub use hotel::hotel;
pub use rules::{
    CODE_CHARACTERS_MAX, NAME_CHARACTERS_MAX, YEAR_MAX, YEAR_MIN, airport, code, count, country, degrees, instant,
    money, name, text, zone,
};
pub use shapes::{CabinInput, CarInput, FlightInput, HotelInput, MoneyInput, RoomTypeInput};

/// A field that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FieldError {
    /// From the input down to the field, as the API names it; places in lists are decimal, from 0: `roomTypes`, `0`, `rooms`.
    pub path: Vec<String>,
    /// Stable code.
    pub code: Code,
    /// A sentence that says what to do. Never repeats what was given.
    pub message: String,
}

impl FieldError {
    /// The value itself is at fault; [`FieldError::under`] says where it stands.
    pub fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), code: Code::InvalidInput, message: message.into() }
    }

    /// The same error, seen from one step further out.
    #[must_use]
    pub fn under(mut self, step: impl Into<String>) -> Self {
        self.path.insert(0, step.into());
        self
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path.join("."), self.message)
    }
}

/// Names the field of a rule's result.
pub(crate) trait At<T> {
    /// The error, if any, stands at this field.
    fn at(self, field: &str) -> Result<T, FieldError>;
}

impl<T> At<T> for Result<T, FieldError> {
    fn at(self, field: &str) -> Self {
        self.map_err(|error| error.under(field))
    }
}
