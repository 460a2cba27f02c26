//! Places in logs, as callers are given them and hand them back.

use std::fmt;
use std::str::FromStr;

use traveladvisor_domain::context::Context;
use traveladvisor_infra::event_log::{Position, PositionError};

/// A place in the log that is read, or in that of a context where there are several. Opaque to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whose log it is in; absent of the log that is read.
    pub(crate) log: Option<Context>,
    /// Where in it.
    pub(crate) position: Position,
}

impl From<Position> for Place {
    /// In the log that is read.
    fn from(position: Position) -> Self {
        Self { log: None, position }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.log {
            None => self.position.fmt(f),
            Some(log) => write!(f, "{log}.{}", self.position),
        }
    }
}

impl FromStr for Place {
    type Err = PositionError;
    fn from_str(text: &str) -> Result<Self, PositionError> {
        match text.split_once('.') {
            None => text.parse().map(|position| Self { log: None, position }),
            Some((log, position)) => {
                let log = log.parse().map_err(|_| PositionError)?;
                Ok(Self { log: Some(log), position: position.parse()? })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_as_it_was_given() {
        for text in ["0", "42", "hotel.17", "booking.1"] {
            assert_eq!(text.parse::<Place>().expect("a place").to_string(), text);
        }
        for text in ["", "hotel", "hotel.", "ship.1", "hotel.-1", "hotel.1.2", ".1", "hotel.99999999999999999999"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
