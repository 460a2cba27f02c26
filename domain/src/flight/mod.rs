//! SKELETON

mod command;
mod error;
mod event;

use serde::{Deserialize, Serialize};

pub use command::*;
pub use error::FlightError;
pub use event::*;

use crate::aggregate::cqrs_aggregate;
use crate::id::StreamKind;

/// State.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Flight {}

impl Flight {
    /// Decide.
    pub fn decide(&self, _command: FlightCommand) -> Result<Vec<FlightEvent>, FlightError> {
        Ok(vec![])
    }
    /// Offer.
    pub fn offer(
        &self,
        _cabin: &str,
        _seats: u32,
        _occasion: crate::occasion::Occasion,
    ) -> Result<crate::trip::Offer, crate::trip::NoOffer> {
        Err(crate::trip::NoOffer::new(crate::failure::Code::NotFound, "", ""))
    }
    /// Apply.
    pub fn apply(&mut self, _event: &FlightEvent) {}
}

cqrs_aggregate!(Flight, StreamKind::Flight, FlightCommand, FlightEvent, FlightError, |state, command| state
    .decide(command));
