//! What a process manager can be told.

use crate::message::Answer;
use crate::occasion::Occasion;
use crate::trip::TripPlan;

/// Commands of the process manager. None is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made once and moved on; a box would cost an allocation each")]
pub enum TripSagaCommand {
    /// Begin.
    Start {
        /// What is to be booked.
        plan: TripPlan,
    },
    /// Somebody answered.
    Answer {
        /// What was said.
        answer: Answer,
        /// When.
        occasion: Occasion,
    },
    /// The traveller wants it cancelled.
    Cancel,
    /// A timer is due.
    Wake {
        /// When.
        occasion: Occasion,
    },
}
