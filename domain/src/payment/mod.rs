//! The payment of one trip: asked for, completed (the pivot), failed, or given back.

mod command;
mod event;
mod settle;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

pub use command::{GatewayOutcome, PaymentCommand};
pub use event::PaymentEvent;

use crate::aggregate::cqrs_aggregate;
use crate::failure::{Code, Failure};
use crate::id::{BookingId, StreamKind};
use crate::message::{Answer, Direction, GatewayCall, GatewayCallKind, Outcome};
use crate::money::Money;
use crate::trip::{PaymentPlan, Step};
use settle::GatewayAnswer;

/// A payment: the attempts it has answered and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payment {
    /// The last attempt of the request that was taken up; 0: none.
    requested: u32,
    /// The last attempt of the undo that was taken up; 0: none.
    undone: u32,
    phase: Phase,
}

/// The states of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Phase {
    #[default]
    Absent,
    /// A charge is in flight; an undo may wait for its outcome.
    Charging { call: GatewayCall, undo: Option<u32> },
    /// The last charge surely did not happen; another may.
    Faulted,
    /// Refused for good.
    Failed(Failure),
    /// The money is ours. Without a charge nothing was taken by a gateway.
    Completed { amount: Money, charge: Option<Charge> },
    /// A refund is in flight.
    Refunding { call: GatewayCall },
    /// The last refund surely did not happen; another may.
    RefundFaulted { amount: Money, charge: Charge },
    /// Nothing is kept.
    Cancelled,
    /// Cancelled before it was asked for, or after it had failed.
    Barred,
}

/// A charge that the gateway made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Charge {
    token: String,
    reference: String,
}

impl Payment {
    /// What the command makes happen. No events: it is so already, or the answer is in the log.
    pub fn decide(&self, command: PaymentCommand) -> Vec<PaymentEvent> {
        match command {
            PaymentCommand::Request { booking, attempt, plan, amount } => self.request(booking, attempt, plan, amount),
            PaymentCommand::Cancel { booking, attempt, amount } => self.cancel(booking, attempt, amount),
            PaymentCommand::Settle { booking, key, kind, outcome } => {
                self.settle(booking, GatewayAnswer { key: &key, kind: &kind, outcome })
            }
        }
    }

    /// Whether nothing is under way and nothing more is expected, unless a traveller comes back to it.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Failed(_) | Phase::Completed { .. } | Phase::Cancelled | Phase::Barred)
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::PaymentRequested { attempt, call, .. } => {
                self.requested = *attempt;
                if let Some(call) = call.clone() {
                    self.phase = Phase::Charging { call, undo: None };
                }
            }
            PaymentEvent::PaymentCompleted { amount, charge, .. } => self.completed(*amount, charge.as_deref()),
            PaymentEvent::PaymentFailed { attempt, failure } => self.failed(*attempt, failure),
            PaymentEvent::PaymentFaulted { .. } => self.phase = Phase::Faulted,
            PaymentEvent::UndoAwaited { attempt } => self.undo_awaited(*attempt),
            PaymentEvent::RefundRequested { call } => {
                self.undone = call.attempt;
                self.phase = Phase::Refunding { call: call.clone() };
            }
            PaymentEvent::RefundFaulted { .. } => self.refund_faulted(),
            PaymentEvent::PaymentCancelled { attempt, .. } => {
                self.undone = *attempt;
                self.phase = Phase::Cancelled;
            }
            PaymentEvent::PaymentBarred { attempt } => {
                self.undone = *attempt;
                self.phase = Phase::Barred;
            }
            PaymentEvent::AnswerRepeated { answer } => match answer.direction {
                Direction::Request => self.requested = answer.attempt,
                Direction::Undo => self.undone = answer.attempt,
            },
        }
    }

    fn request(&self, booking: BookingId, attempt: u32, plan: PaymentPlan, amount: Money) -> Vec<PaymentEvent> {
        if attempt <= self.requested {
            return Vec::new();
        }
        match &self.phase {
            Phase::Absent | Phase::Faulted => ask(booking, attempt, plan, amount),
            // One call is in flight at most: its outcome answers this attempt too (L16).
            Phase::Charging { .. } => Vec::new(),
            Phase::Failed(failure) => repeat(Direction::Request, attempt, Outcome::Refused(failure.clone())),
            Phase::Completed { .. } => repeat(Direction::Request, attempt, Outcome::Done),
            Phase::Refunding { .. } | Phase::RefundFaulted { .. } | Phase::Cancelled | Phase::Barred => {
                let failure = Failure::new(Code::Conflict, "The payment was cancelled before: book the trip anew.");
                vec![PaymentEvent::PaymentFailed { attempt, failure }]
            }
        }
    }

    fn cancel(&self, booking: BookingId, attempt: u32, amount: Money) -> Vec<PaymentEvent> {
        if attempt <= self.undone {
            return Vec::new();
        }
        match &self.phase {
            Phase::Absent | Phase::Faulted | Phase::Failed(_) => vec![PaymentEvent::PaymentBarred { attempt }],
            Phase::Charging { undo: None, .. } => vec![PaymentEvent::UndoAwaited { attempt }],
            // One call is in flight at most: its outcome answers this attempt too (L16).
            Phase::Charging { .. } | Phase::Refunding { .. } => Vec::new(),
            Phase::Completed { charge: None, .. } => {
                vec![PaymentEvent::PaymentCancelled { attempt, refunded: Money::zero(amount.currency) }]
            }
            Phase::Completed { amount, charge: Some(charge) } | Phase::RefundFaulted { amount, charge } => {
                vec![refund(booking, attempt, *amount, charge)]
            }
            Phase::Cancelled | Phase::Barred => repeat(Direction::Undo, attempt, Outcome::Done),
        }
    }

    fn completed(&mut self, amount: Money, reference: Option<&str>) {
        let charge = match (&self.phase, reference) {
            (Phase::Charging { call, .. }, Some(reference)) => {
                Some(Charge { token: call.token.clone(), reference: reference.to_owned() })
            }
            _ => None,
        };
        self.phase = Phase::Completed { amount, charge };
    }

    /// A request that came after its cancel is refused without changing where the payment stands.
    fn failed(&mut self, attempt: u32, failure: &Failure) {
        self.requested = self.requested.max(attempt);
        if matches!(self.phase, Phase::Absent | Phase::Faulted | Phase::Charging { .. }) {
            self.phase = Phase::Failed(failure.clone());
        }
    }

    fn undo_awaited(&mut self, attempt: u32) {
        self.undone = attempt;
        if let Phase::Charging { undo, .. } = &mut self.phase {
            *undo = Some(attempt);
        }
    }

    fn refund_faulted(&mut self) {
        if let Phase::Refunding { call } = &self.phase
            && let GatewayCallKind::Refund { charge } = &call.kind
        {
            let charge = Charge { token: call.token.clone(), reference: charge.clone() };
            self.phase = Phase::RefundFaulted { amount: call.amount, charge };
        }
    }
}

fn ask(booking: BookingId, attempt: u32, plan: PaymentPlan, amount: Money) -> Vec<PaymentEvent> {
    let requested = |plan, call| PaymentEvent::PaymentRequested { attempt, plan, amount, call };
    match plan {
        PaymentPlan::None => {
            let completed = PaymentEvent::PaymentCompleted { attempt, amount, charge: None };
            vec![requested(PaymentPlan::None, None), completed]
        }
        PaymentPlan::Points => {
            let failure = Failure::new(
                Code::PaymentMethodUnavailable,
                "Points cannot be used here: pay by card or at the counter.",
            );
            vec![requested(PaymentPlan::Points, None), PaymentEvent::PaymentFailed { attempt, failure }]
        }
        PaymentPlan::Card(card) => {
            let call = GatewayCall {
                key: format!("{}/charge/{attempt}", booking.payment()),
                attempt,
                token: card.token.clone(),
                amount,
                kind: GatewayCallKind::Charge,
            };
            vec![requested(PaymentPlan::Card(card), Some(call))]
        }
    }
}

fn refund(booking: BookingId, attempt: u32, amount: Money, charge: &Charge) -> PaymentEvent {
    let call = GatewayCall {
        key: format!("{}/refund/{attempt}", booking.payment()),
        attempt,
        token: charge.token.clone(),
        amount,
        kind: GatewayCallKind::Refund { charge: charge.reference.clone() },
    };
    PaymentEvent::RefundRequested { call }
}

fn repeat(direction: Direction, attempt: u32, outcome: Outcome) -> Vec<PaymentEvent> {
    vec![PaymentEvent::AnswerRepeated { answer: Answer { step: Step::Payment, direction, attempt, outcome } }]
}

cqrs_aggregate!(Payment, StreamKind::Payment, PaymentCommand, PaymentEvent, Infallible, |state, command| Ok(
    state.decide(command)
));
