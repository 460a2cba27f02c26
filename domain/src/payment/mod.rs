//! The payment of one trip: asked for, completed (the pivot), failed, or given back.

mod command;
mod event;
mod points;
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
use crate::message::{Answer, Direction, Finding, GatewayCall, GatewayCallKind, Outcome};
use crate::money::Money;
use crate::trip::{CardToken, PaymentPlan, Step};
use points::Redemption;
use settle::{Asked, GatewayAnswer, charged};

/// A payment: the attempts it has answered and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payment {
    /// The last attempt of the request that was taken up; 0: none.
    requested: u32,
    /// The last attempt of the undo that was taken up; 0: none.
    undone: u32,
    phase: Phase,
}

/// Whether somebody is asking the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Inquiry {
    /// The call is in flight, or its outcome is being asked for.
    UnderWay,
    /// Nobody can tell for now; a new attempt asks again.
    GivenUp,
}

/// The states of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Phase {
    #[default]
    Absent,
    /// Asked for without a call: an operator's evidence takes the gateway's place and follows at once.
    AskedByHand { token: String },
    /// A charge is in flight; an undo may wait for its outcome.
    Charging { call: GatewayCall, undo: Option<u32>, inquiry: Inquiry },
    /// The last charge surely did not happen; another may.
    Faulted,
    /// Refused for good.
    Failed(Failure),
    /// The account is asked for points; an undo may wait for its answer.
    Redeeming(Redemption, Option<u32>),
    /// Paid with points.
    Redeemed(Redemption),
    /// The account is asked to give them back.
    Restoring(Redemption),
    /// The money is ours. Without a charge nothing was taken by a gateway.
    Completed { amount: Money, charge: Option<Charge> },
    /// A refund is in flight.
    Refunding { call: GatewayCall, inquiry: Inquiry },
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

/// What every demand of the saga tells.
#[derive(Clone, Copy)]
struct Demand {
    booking: BookingId,
    attempt: u32,
    amount: Money,
}

impl Payment {
    /// What the command makes happen. No events: it is so already, or the answer is in the log.
    pub fn decide(&self, command: PaymentCommand) -> Vec<PaymentEvent> {
        match command {
            PaymentCommand::Request { attempt, .. } if attempt <= self.requested => Vec::new(),
            PaymentCommand::Cancel { attempt, .. } if attempt <= self.undone => Vec::new(),
            PaymentCommand::Request { booking, attempt, plan, amount, found } => {
                let demand = Demand { booking, attempt, amount };
                match found {
                    None => self.request(demand, plan),
                    Some(found) => self.request_found(demand, plan, found),
                }
            }
            PaymentCommand::Cancel { booking, attempt, amount, found } => {
                self.cancel(Demand { booking, attempt, amount }, found.as_ref())
            }
            PaymentCommand::Settle { booking, key, kind, outcome } => {
                self.settle(booking, GatewayAnswer { key: &key, kind: &kind, outcome })
            }
            PaymentCommand::PointsAnswered { answer, .. } => self.points_answered(answer),
            PaymentCommand::LeaveUnknown { key, failure } => self.leave_unknown(&key, failure),
        }
    }

    /// Whether nothing is under way and nothing more is expected, unless a traveller comes back to it.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(
            self.phase,
            Phase::Failed(_) | Phase::Completed { .. } | Phase::Redeemed(_) | Phase::Cancelled | Phase::Barred
        )
    }

    /// Whether what came of the call with this key is still to be learnt. If not, it must not be made any more: it was given up as surely
    /// not made, or another one stands in its place.
    pub fn awaits(&self, key: &str) -> bool {
        matches!(&self.phase, Phase::Charging { call, .. } | Phase::Refunding { call, .. } if call.key == key)
    }

    /// Whether the outcome of its call is unknown and nobody asks for it now.
    const fn is_unknown(&self) -> bool {
        matches!(
            self.phase,
            Phase::Charging { inquiry: Inquiry::GivenUp, .. } | Phase::Refunding { inquiry: Inquiry::GivenUp, .. }
        )
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::PaymentRequested { attempt, plan: PaymentPlan::Redeem(points), amount, call: None } => {
                self.requested = *attempt;
                self.phase = Phase::Redeeming(Redemption { points: *points, value: *amount, asked: *attempt }, None);
            }
            PaymentEvent::PaymentRequested { attempt, call, plan, .. } => {
                self.requested = *attempt;
                self.phase = match (call.clone(), plan) {
                    (Some(call), _) => Phase::Charging { call, undo: None, inquiry: Inquiry::UnderWay },
                    (None, PaymentPlan::Card(card)) => Phase::AskedByHand { token: card.token.clone() },
                    (None, _) => Phase::Absent,
                };
            }
            PaymentEvent::PaymentCompleted { attempt, amount, charge } => {
                // An operator's evidence answers an attempt that no other event has told of.
                self.requested = self.requested.max(*attempt);
                self.completed(*amount, charge.as_deref());
            }
            PaymentEvent::PaymentFailed { attempt, failure } => self.failed(*attempt, failure),
            PaymentEvent::PaymentFaulted { .. } => self.phase = Phase::Faulted,
            PaymentEvent::PointsAsked { direction, attempt, order } => {
                self.taken_up(*direction, *attempt);
                self.points_asked(*direction, order);
            }
            PaymentEvent::UndoAwaited { attempt } => self.undo_awaited(*attempt),
            PaymentEvent::RefundRequested { call } => {
                self.undone = call.attempt;
                self.phase = Phase::Refunding { call: call.clone(), inquiry: Inquiry::UnderWay };
            }
            PaymentEvent::OutcomeUnknown { .. } => self.inquire(Inquiry::GivenUp),
            PaymentEvent::OutcomeAsked { direction, attempt, .. } => {
                self.taken_up(*direction, *attempt);
                self.inquire(Inquiry::UnderWay);
                if let (Phase::Charging { undo: Some(undo), .. }, Direction::Undo) = (&mut self.phase, direction) {
                    *undo = *attempt;
                }
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
            PaymentEvent::AnswerRepeated { answer } => self.taken_up(answer.direction, answer.attempt),
        }
    }

    const fn taken_up(&mut self, direction: Direction, attempt: u32) {
        match direction {
            Direction::Request => self.requested = attempt,
            Direction::Undo => self.undone = attempt,
        }
    }

    const fn inquire(&mut self, asked: Inquiry) {
        if let Phase::Charging { inquiry, .. } | Phase::Refunding { inquiry, .. } = &mut self.phase {
            *inquiry = asked;
        }
    }

    fn request(&self, demand: Demand, plan: PaymentPlan) -> Vec<PaymentEvent> {
        let attempt = demand.attempt;
        match &self.phase {
            Phase::Absent | Phase::AskedByHand { .. } | Phase::Faulted => ask(demand, plan),
            // One call is in flight at most: no other is begun, what came of this one is asked for again (L16).
            Phase::Charging { call, .. } => ask_again(Direction::Request, attempt, call),
            Phase::Failed(failure) => repeat(Direction::Request, attempt, Outcome::Refused(failure.clone())),
            Phase::Redeeming(redemption, _) => vec![redemption.ask_again(Direction::Request, attempt)],
            Phase::Completed { .. } | Phase::Redeemed(_) => repeat(Direction::Request, attempt, Outcome::Done),
            Phase::Restoring(_)
            | Phase::Refunding { .. }
            | Phase::RefundFaulted { .. }
            | Phase::Cancelled
            | Phase::Barred => {
                let failure = Failure::new(Code::Conflict, "The payment was cancelled before: book the trip anew.");
                vec![PaymentEvent::PaymentFailed { attempt, failure }]
            }
        }
    }

    /// The evidence of an operator takes the place of the gateway's answer, where there is none. While a call is in flight it cannot: the
    /// call may have left after the operator had looked.
    fn request_found(&self, demand: Demand, plan: PaymentPlan, found: Finding) -> Vec<PaymentEvent> {
        let Demand { booking, attempt, amount } = demand;
        let undo = match &self.phase {
            Phase::Charging { undo, inquiry: Inquiry::GivenUp, .. } => *undo,
            Phase::Absent | Phase::AskedByHand { .. } | Phase::Faulted => None,
            _ => return self.request(demand, plan),
        };
        let outcome = match found {
            Finding::Taken { reference } => GatewayOutcome::Done { reference },
            Finding::NotTaken | Finding::GivenBack => GatewayOutcome::Refused(Failure::new(
                Code::Unavailable,
                "The gateway could not tell what came of the payment; nothing was taken: book again later.",
            )),
        };
        let PaymentPlan::Card(card) = &plan else { return self.request(demand, plan) };
        let call = charge(demand, card);
        let settled = charged(booking, &call, &Asked { request: attempt, undo }, outcome);
        if matches!(self.phase, Phase::Charging { .. }) {
            return settled;
        }
        // The request itself never came: what is asked for is written first, so that a refund knows the card.
        let requested = PaymentEvent::PaymentRequested { attempt, plan, amount, call: None };
        std::iter::once(requested).chain(settled).collect()
    }

    fn cancel(&self, demand: Demand, found: Option<&Finding>) -> Vec<PaymentEvent> {
        let Demand { booking, attempt, amount } = demand;
        match &self.phase {
            Phase::Absent | Phase::AskedByHand { .. } | Phase::Faulted | Phase::Failed(_) => {
                vec![PaymentEvent::PaymentBarred { attempt }]
            }
            Phase::Charging { undo, call, inquiry } => undo_in_flight(*undo, attempt, call, *inquiry),
            Phase::Redeeming(redemption, undo) => redemption.undo_in_flight(*undo, attempt),
            Phase::Redeemed(redemption) => vec![redemption.give_back(attempt)],
            Phase::Restoring(redemption) => vec![redemption.give_back_again(attempt)],
            Phase::Completed { charge: Some(_), .. }
            | Phase::Refunding { inquiry: Inquiry::GivenUp, .. }
            | Phase::RefundFaulted { .. }
                if found == Some(&Finding::GivenBack) =>
            {
                vec![PaymentEvent::PaymentCancelled { attempt, refunded: amount }]
            }
            Phase::Refunding { call, .. } => ask_again(Direction::Undo, attempt, call),
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
        if let Phase::Redeeming(redemption, _) = &self.phase {
            self.phase = Phase::Redeemed(*redemption);
            return;
        }
        let token = match &self.phase {
            Phase::Charging { call, .. } => Some(call.token.clone()),
            Phase::AskedByHand { token } => Some(token.clone()),
            _ => None,
        };
        let charge = token.zip(reference).map(|(token, reference)| Charge { token, reference: reference.to_owned() });
        self.phase = Phase::Completed { amount, charge };
    }

    /// A request that came after its cancel is refused without changing where the payment stands.
    fn failed(&mut self, attempt: u32, failure: &Failure) {
        self.requested = self.requested.max(attempt);
        if matches!(
            self.phase,
            Phase::Absent | Phase::AskedByHand { .. } | Phase::Faulted | Phase::Charging { .. } | Phase::Redeeming(..)
        ) {
            self.phase = Phase::Failed(failure.clone());
        }
    }

    fn undo_awaited(&mut self, attempt: u32) {
        self.undone = attempt;
        if let Phase::Charging { undo, .. } | Phase::Redeeming(_, undo) = &mut self.phase {
            *undo = Some(attempt);
        }
    }

    fn refund_faulted(&mut self) {
        if let Phase::Refunding { call, .. } = &self.phase
            && let GatewayCallKind::Refund { charge } = &call.kind
        {
            let charge = Charge { token: call.token.clone(), reference: charge.clone() };
            self.phase = Phase::RefundFaulted { amount: call.amount, charge };
        }
    }
}

fn ask(demand: Demand, plan: PaymentPlan) -> Vec<PaymentEvent> {
    let Demand { attempt, amount, .. } = demand;
    let requested = |plan, call| PaymentEvent::PaymentRequested { attempt, plan, amount, call };
    match plan {
        // Nothing to pay: nobody needs to be asked, and a gateway would refuse it.
        PaymentPlan::Card(_) | PaymentPlan::Redeem(_) if amount.minor == 0 => ask(demand, PaymentPlan::None),
        PaymentPlan::Redeem(points) => vec![requested(PaymentPlan::Redeem(points), None)],
        PaymentPlan::None => {
            let completed = PaymentEvent::PaymentCompleted { attempt, amount, charge: None };
            vec![requested(PaymentPlan::None, None), completed]
        }
        PaymentPlan::Points => {
            let failure = Failure::new(
                Code::PaymentMethodUnavailable,
                "Points need a member: sign up, or pay by card or at the counter.",
            );
            vec![requested(PaymentPlan::Points, None), PaymentEvent::PaymentFailed { attempt, failure }]
        }
        PaymentPlan::Card(card) => {
            let call = charge(demand, &card);
            vec![requested(PaymentPlan::Card(card), Some(call))]
        }
    }
}

fn charge(demand: Demand, card: &CardToken) -> GatewayCall {
    let Demand { booking, attempt, amount } = demand;
    GatewayCall {
        key: format!("{}/charge/{attempt}", booking.payment()),
        attempt,
        token: card.token.clone(),
        amount,
        kind: GatewayCallKind::Charge,
    }
}

/// The first undo waits for the outcome that is being asked for; a later attempt, or one that finds nobody asking, asks again.
fn undo_in_flight(undo: Option<u32>, attempt: u32, call: &GatewayCall, inquiry: Inquiry) -> Vec<PaymentEvent> {
    let first = undo.is_none();
    let noted = first.then_some(PaymentEvent::UndoAwaited { attempt });
    let asked =
        if first && inquiry == Inquiry::UnderWay { Vec::new() } else { ask_again(Direction::Undo, attempt, call) };
    noted.into_iter().chain(asked).collect()
}

/// Under the key of the call in doubt: it may have happened.
fn ask_again(direction: Direction, attempt: u32, call: &GatewayCall) -> Vec<PaymentEvent> {
    vec![PaymentEvent::OutcomeAsked { direction, attempt, call: call.clone() }]
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
