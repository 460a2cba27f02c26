//! What happens to a booking.

use serde::{Deserialize, Serialize};

use crate::message::{Answer, FailedStep};
use crate::personal::{Personal, Traveller};
use crate::points::Earning;
use crate::shape::event_shapes;
use crate::trip::TripPlan;

/// Events of the stream `booking`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "made once and moved on; a box would cost an allocation each")]
pub enum BookingEvent {
    /// A trip is asked for. The only event that holds personal values (L8).
    BookingRequested {
        /// Who may see it: an opaque name of the caller.
        owner: String,
        /// Who travels.
        traveller: Personal<Traveller>,
        /// Parts, quoted prices, total, payment.
        plan: TripPlan,
    },
    /// The traveller wants it cancelled.
    CancellationRequested {
        /// The caller's words, if any.
        reason: Option<String>,
    },
    /// Everything stands. Answers the saga.
    BookingApproved {
        /// The attempt answered.
        attempt: u32,
        /// The points that it brings a member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        earns: Option<Earning>,
    },
    /// Nothing stands. Answers the saga.
    BookingCancelled {
        /// The attempt answered.
        attempt: u32,
        /// What failed; absent when the traveller cancelled.
        failure: Option<FailedStep>,
        /// The points that it had brought a member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reverses: Option<Earning>,
    },
    /// A new attempt of what is settled gets its answer.
    AnswerRepeated {
        /// The answer, with the new attempt.
        answer: Answer,
    },
}

event_shapes! {
    BookingEvent {
        BookingRequested: [],
        CancellationRequested: [],
        BookingApproved: [],
        BookingCancelled: [],
        AnswerRepeated: [],
    }
}
