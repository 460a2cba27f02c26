//! What the gateway said, taken into the payment.

use super::{Charge, GatewayOutcome, Payment, PaymentEvent, Phase, refund};
use crate::id::BookingId;
use crate::message::{GatewayCall, GatewayCallKind};

/// What the gateway said to which call.
pub(super) struct GatewayAnswer<'a> {
    pub(super) key: &'a str,
    pub(super) kind: &'a GatewayCallKind,
    pub(super) outcome: GatewayOutcome,
}

impl Payment {
    /// The outcome of the call in flight; of any other call nothing is written.
    pub(super) fn settle(&self, booking: BookingId, answer: GatewayAnswer<'_>) -> Vec<PaymentEvent> {
        let GatewayAnswer { key, kind, outcome } = answer;
        match (&self.phase, kind) {
            (Phase::Charging { call, undo }, GatewayCallKind::Charge) if call.key == key => {
                charged(booking, call, *undo, outcome)
            }
            (Phase::Refunding { call }, GatewayCallKind::Refund { .. }) if call.key == key => {
                vec![refunded(call, outcome)]
            }
            _ => Vec::new(),
        }
    }
}

/// An undo that waited is carried out as soon as the charge's outcome is known (L16).
fn charged(booking: BookingId, call: &GatewayCall, undo: Option<u32>, outcome: GatewayOutcome) -> Vec<PaymentEvent> {
    let attempt = call.attempt;
    match outcome {
        GatewayOutcome::Done { reference } => {
            let completed =
                PaymentEvent::PaymentCompleted { attempt, amount: call.amount, charge: Some(reference.clone()) };
            let charge = Charge { token: call.token.clone(), reference };
            let give_back = undo.map(|undo| refund(booking, undo, call.amount, &charge));
            std::iter::once(completed).chain(give_back).collect()
        }
        GatewayOutcome::Refused(failure) => with_tombstone(PaymentEvent::PaymentFailed { attempt, failure }, undo),
        GatewayOutcome::Faulted(failure) => with_tombstone(PaymentEvent::PaymentFaulted { attempt, failure }, undo),
    }
}

fn with_tombstone(event: PaymentEvent, undo: Option<u32>) -> Vec<PaymentEvent> {
    let tombstone = undo.map(|attempt| PaymentEvent::PaymentBarred { attempt });
    std::iter::once(event).chain(tombstone).collect()
}

/// A refund that is refused is not given up: it is answered as a fault and tried again.
fn refunded(call: &GatewayCall, outcome: GatewayOutcome) -> PaymentEvent {
    match outcome {
        GatewayOutcome::Done { .. } => PaymentEvent::PaymentCancelled { attempt: call.attempt, refunded: call.amount },
        GatewayOutcome::Refused(failure) | GatewayOutcome::Faulted(failure) => {
            PaymentEvent::RefundFaulted { attempt: call.attempt, failure }
        }
    }
}
