//! What a booking can be asked.

use chrono::{DateTime, Utc};

use crate::message::FailedStep;
use crate::personal::{Personal, Traveller};
use crate::trip::TripPlan;

/// Longest reason of a cancellation, in characters.
pub const REASON_CHARS_MAX: usize = 500;

/// Commands of the aggregate `booking`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made once and moved on; a box would cost an allocation each")]
pub enum BookingCommand {
    /// Ask for a trip that was quoted.
    Request {
        /// Who may see it.
        owner: String,
        /// Who travels.
        traveller: Personal<Traveller>,
        /// Parts, prices, total, payment.
        plan: TripPlan,
    },
    /// The traveller wants it cancelled. Already cancelled or on the way there: no events.
    Cancel {
        /// The caller's words, if any.
        reason: Option<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The saga says that everything stands.
    Approve {
        /// Which attempt.
        attempt: u32,
    },
    /// The saga says that nothing stands.
    Close {
        /// Which attempt.
        attempt: u32,
        /// What failed, if anything did.
        failure: Option<FailedStep>,
    },
}
