//! SKELETON

mod command;
mod error;
mod event;

use serde::{Deserialize, Serialize};

pub use command::*;
pub use error::CarError;
pub use event::*;

use crate::aggregate::cqrs_aggregate;
use crate::id::StreamKind;

/// State.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Car {}

impl Car {
    /// Decide.
    pub fn decide(&self, _command: CarCommand) -> Result<Vec<CarEvent>, CarError> {
        Ok(vec![])
    }
    /// Offer.
    pub fn offer(
        &self,
        _rental: crate::rental::Rental,
        _occasion: crate::occasion::Occasion,
    ) -> Result<crate::trip::Offer, crate::trip::NoOffer> {
        Err(crate::trip::NoOffer::new(crate::failure::Code::NotFound, "", ""))
    }
    /// Apply.
    pub fn apply(&mut self, _event: &CarEvent) {}
}

cqrs_aggregate!(Car, StreamKind::Car, CarCommand, CarEvent, CarError, |state, command| state.decide(command));
