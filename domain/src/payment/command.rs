//! What a payment can be asked.

use crate::failure::Failure;
use crate::id::BookingId;
use crate::message::{Answer, Finding, GatewayCallKind};
use crate::money::Money;
use crate::trip::PaymentPlan;

/// Commands of the aggregate `payment`. None is an error: what cannot be done is an event that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentCommand {
    /// Take the money for a trip.
    Request {
        /// The trip; its UUID is the payment's.
        booking: BookingId,
        /// Which attempt.
        attempt: u32,
        /// How it is paid.
        plan: PaymentPlan,
        /// How much.
        amount: Money,
        /// What an operator has found out, where the gateway cannot tell.
        found: Option<Finding>,
    },
    /// Give it back, or bar what has not come yet.
    Cancel {
        /// The trip.
        booking: BookingId,
        /// Which attempt of the undo.
        attempt: u32,
        /// The amount that the trip was quoted.
        amount: Money,
        /// What an operator has found out, where the gateway cannot tell.
        found: Option<Finding>,
    },
    /// What the gateway said to a call.
    Settle {
        /// The trip.
        booking: BookingId,
        /// The call's idempotency key.
        key: String,
        /// Charge or refund.
        kind: GatewayCallKind,
        /// What it said.
        outcome: GatewayOutcome,
    },
    /// What a points account said to what it was asked.
    PointsAnswered {
        /// The trip.
        booking: BookingId,
        /// What came of it.
        answer: Answer,
    },
    /// The gateway was asked a bounded number of times, and nobody can tell what came of a call.
    LeaveUnknown {
        /// The call's idempotency key.
        key: String,
        /// Why it is not known.
        failure: Failure,
    },
}

/// What a gateway said. An unknown outcome is never one of these: it is looked up, and left unknown after a bounded number of tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayOutcome {
    /// Done, under the gateway's own reference.
    Done {
        /// The gateway's reference.
        reference: String,
    },
    /// A business no.
    Refused(Failure),
    /// A technical no: surely nothing happened.
    Faulted(Failure),
}
