//! Personal values: e-mail, name, phone. They stand in one event only and nowhere else.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A personal value of somebody, kept beside the id of the person it speaks of, so that it can be sealed or erased by person later.
///
/// `Debug` never shows the value, so that it cannot slip into a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal<T> {
    /// Whom the value is about: an opaque id, here the booking's.
    pub subject: String,
    /// The value itself.
    pub value: T,
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Personal").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// The person who travels.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traveller {
    /// E-mail address, as given.
    pub email: String,
    /// Full name, as given.
    pub name: String,
    /// Telephone number, as given.
    pub phone: Option<String>,
}

impl fmt::Debug for Traveller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traveller(..)")
    }
}
