//! What each stream tells of a part or of the payment, kept apart, so that what people see of it does not depend on the order in which the
//! streams of several logs come together.

use serde::{Deserialize, Serialize};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::payment::PaymentEvent;

use crate::views::{PartStatus, PaymentStatus};

/// What is told of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// By the saga.
    pub(super) saga: PartStatus,
    /// The saga holds it for reserved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    held: bool,
    /// By the hotel, the flight or the fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<Answered>,
}

/// What a hotel, a flight or a fleet has told last, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answered {
    Reserved,
    Refused,
    /// Given back, or barred: nothing of it stands, nor ever will.
    Released,
}

impl Default for Facts {
    fn default() -> Self {
        Self { saga: PartStatus::Pending, held: false, told: None }
    }
}

impl Facts {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The hotel, the flight or the fleet has answered. What is given back stays so; what comes late is refused.
    pub(super) const fn answered(&mut self, answer: Answered) {
        match (self.told, answer) {
            (_, Answered::Released) | (None, _) => self.told = Some(answer),
            (Some(_), _) => {}
        }
    }

    /// The saga has heard that it is reserved.
    pub(super) fn booked(&mut self) {
        self.held = true;
        if self.saga == PartStatus::Pending {
            self.saga = PartStatus::Booked;
        }
    }

    /// The saga has heard that it is refused, or nothing in time.
    pub(super) fn refused(&mut self) {
        if self.saga == PartStatus::Pending {
            self.saga = PartStatus::Refused;
        }
    }

    /// The saga takes it back.
    pub(super) fn giving_back(&mut self) {
        if self.saga != PartStatus::Cancelled {
            self.saga = PartStatus::Cancelling;
        }
    }

    /// The saga has heard that it is given back.
    pub(super) const fn given_back(&mut self) {
        self.saga = PartStatus::Cancelled;
        self.held = false;
    }

    /// What people see. What was given up by an operator is as it was before its undo: not answered if nobody knows.
    pub(super) const fn status(&self, is_closed: bool, is_given_up: bool) -> PartStatus {
        match (self.saga, self.told) {
            (PartStatus::Cancelled, _) | (_, Some(Answered::Released)) => PartStatus::Cancelled,
            (_, told) if is_given_up => {
                if self.held || matches!(told, Some(Answered::Reserved)) {
                    PartStatus::Booked
                } else {
                    PartStatus::Pending
                }
            }
            (PartStatus::Pending, Some(Answered::Reserved)) => PartStatus::Booked,
            (PartStatus::Pending, Some(Answered::Refused)) => PartStatus::Refused,
            // What was never asked for is cancelled with the trip.
            (PartStatus::Pending, None) if is_closed => PartStatus::Cancelled,
            (saga, _) => saga,
        }
    }
}

/// What the payment's own stream tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Paid {
    status: PaymentStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    /// The last word was a fault.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    faulted: bool,
    /// Money was taken once, or all was to be paid at the counter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    completed: bool,
    /// A cancel came first: a request that comes late is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    barred: bool,
}

impl Default for Paid {
    fn default() -> Self {
        Self { status: PaymentStatus::Pending, code: None, faulted: false, completed: false, barred: false }
    }
}

impl Paid {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn take(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::PaymentCompleted { .. } => {
                *self =
                    Self { status: PaymentStatus::Completed, completed: true, barred: self.barred, ..Self::default() };
            }
            PaymentEvent::PaymentFailed { failure, .. } => {
                self.code = Some(failure.code);
                // A request that came after its cancel is refused without changing where the payment stands.
                if self.status == PaymentStatus::Pending && !self.barred {
                    self.status = PaymentStatus::Failed;
                }
            }
            PaymentEvent::PaymentFaulted { failure, .. } => {
                self.code = Some(failure.code);
                self.faulted = true;
            }
            PaymentEvent::PaymentCancelled { .. } => self.status = PaymentStatus::Cancelled,
            PaymentEvent::PaymentBarred { .. } => self.barred = true,
            PaymentEvent::PaymentRequested { .. }
            | PaymentEvent::UndoAwaited { .. }
            | PaymentEvent::OutcomeUnknown { .. }
            | PaymentEvent::OutcomeAsked { .. }
            | PaymentEvent::PointsAsked { .. }
            | PaymentEvent::RefundRequested { .. }
            | PaymentEvent::RefundFaulted { .. }
            | PaymentEvent::AnswerRepeated { .. } => {}
        }
    }

    /// What people see: with the end of a trip that did not come about, a payment that is pending is settled.
    pub(super) const fn status(&self, settles: bool, saga_met_fault: bool) -> PaymentStatus {
        match self.status {
            PaymentStatus::Pending if settles && (self.faulted || saga_met_fault) => PaymentStatus::Failed,
            PaymentStatus::Pending if settles => PaymentStatus::Cancelled,
            status => status,
        }
    }

    /// What people see of why it failed. A fault that the payment itself could not tell, such as a dead letter, is told by the saga.
    pub(super) fn failure_code(&self, saga_met_fault: bool) -> Option<Code> {
        self.code.or_else(|| (saga_met_fault && !self.completed).then_some(Code::Unavailable))
    }
}
