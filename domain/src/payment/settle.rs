//! What the gateway, or an operator in its place, said of a call, taken into the payment.

use super::{Charge, GatewayOutcome, Payment, PaymentEvent, Phase, refund};
use crate::failure::Failure;
use crate::id::BookingId;
use crate::message::{Direction, GatewayCall, GatewayCallKind};

/// What the gateway said to which call.
pub(super) struct GatewayAnswer<'a> {
    pub(super) key: &'a str,
    pub(super) kind: &'a GatewayCallKind,
    pub(super) outcome: GatewayOutcome,
}

/// The attempts that the outcome of a charge answers.
pub(super) struct Asked {
    pub(super) request: u32,
    /// The undo that waits for the outcome, if one does.
    pub(super) undo: Option<u32>,
}

impl Payment {
    /// The outcome of the call in flight; of any other call nothing is written.
    pub(super) fn settle(&self, booking: BookingId, answer: GatewayAnswer<'_>) -> Vec<PaymentEvent> {
        let GatewayAnswer { key, kind, outcome } = answer;
        match (&self.phase, kind) {
            (Phase::Charging { call, undo, .. }, GatewayCallKind::Charge) if call.key == key => {
                charged(booking, call, &Asked { request: self.requested, undo: *undo }, outcome)
            }
            (Phase::Refunding { call, .. }, GatewayCallKind::Refund { .. }) if call.key == key => {
                vec![refunded(call, self.undone, outcome)]
            }
            _ => Vec::new(),
        }
    }

    /// The outcome of the call in flight stays unknown for now: whoever waits for it is told so, once.
    pub(super) fn leave_unknown(&self, key: &str, failure: Failure) -> Vec<PaymentEvent> {
        let (direction, attempt) = match &self.phase {
            Phase::Charging { call, undo: None, .. } if call.key == key => (Direction::Request, self.requested),
            Phase::Charging { call, undo: Some(undo), .. } if call.key == key => (Direction::Undo, *undo),
            Phase::Refunding { call, .. } if call.key == key => (Direction::Undo, self.undone),
            _ => return Vec::new(),
        };
        if self.is_unknown() {
            return Vec::new();
        }
        vec![PaymentEvent::OutcomeUnknown { direction, attempt, failure }]
    }
}

/// An undo that waited is carried out as soon as the charge's outcome is known (L16).
pub(super) fn charged(
    booking: BookingId,
    call: &GatewayCall,
    asked: &Asked,
    outcome: GatewayOutcome,
) -> Vec<PaymentEvent> {
    let (attempt, undo) = (asked.request, asked.undo);
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
fn refunded(call: &GatewayCall, attempt: u32, outcome: GatewayOutcome) -> PaymentEvent {
    match outcome {
        GatewayOutcome::Done { .. } => PaymentEvent::PaymentCancelled { attempt, refunded: call.amount },
        GatewayOutcome::Refused(failure) | GatewayOutcome::Faulted(failure) => {
            PaymentEvent::RefundFaulted { attempt, failure }
        }
    }
}
