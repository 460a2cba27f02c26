//! Places in the log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place in the event log. Opaque to clients: hand it back to read your own writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position: hand back one that the program gave")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;
    /// Postgres counts in bigint: what lies beyond is no position.
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let place: i64 = text.parse().map_err(|_| PositionError)?;
        u64::try_from(place).map(Self).map_err(|_| PositionError)
    }
}
