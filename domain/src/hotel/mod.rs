//! SKELETON

mod command;
mod error;
mod event;

use serde::{Deserialize, Serialize};

pub use command::*;
pub use error::HotelError;
pub use event::*;

use crate::aggregate::cqrs_aggregate;
use crate::id::StreamKind;

/// State.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hotel {}

impl Hotel {
    /// Decide.
    pub fn decide(&self, _command: HotelCommand) -> Result<Vec<HotelEvent>, HotelError> {
        Ok(vec![])
    }
    /// Offer.
    pub fn offer(
        &self,
        _room_type: &str,
        _stay: crate::stay::Stay,
        _rooms: u32,
        _occasion: crate::occasion::Occasion,
    ) -> Result<crate::trip::Offer, crate::trip::NoOffer> {
        Err(crate::trip::NoOffer::new(crate::failure::Code::NotFound, "", ""))
    }
    /// Apply.
    pub fn apply(&mut self, _event: &HotelEvent) {}
}

cqrs_aggregate!(Hotel, StreamKind::Hotel, HotelCommand, HotelEvent, HotelError, |state, command| state.decide(command));
