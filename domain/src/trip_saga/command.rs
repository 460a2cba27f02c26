//! What a process manager can be told.

use super::attention::OperatorDecision;
use crate::message::Answer;
use crate::occasion::Occasion;
use crate::trip::TripPlan;

/// Commands of the process manager. An operator's verb can be refused, and anything for a saga whose definition this program lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made once and moved on; a box would cost an allocation each")]
pub enum TripSagaCommand {
    /// Begin.
    Start {
        /// What is to be booked.
        plan: TripPlan,
        /// When.
        occasion: Occasion,
    },
    /// Somebody answered.
    Answer {
        /// What was said.
        answer: Answer,
        /// When.
        occasion: Occasion,
    },
    /// The traveller wants it cancelled.
    Cancel {
        /// When.
        occasion: Occasion,
    },
    /// A timer is due.
    Wake {
        /// When.
        occasion: Occasion,
    },
    /// An operator has decided what becomes of the step that waits (L18).
    Resolve {
        /// What.
        decision: OperatorDecision,
        /// When.
        occasion: Occasion,
    },
}
