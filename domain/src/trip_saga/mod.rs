//! The process manager of one trip: a pure function from events and answers to events and instructions (L14).

mod command;
mod event;
mod react;
pub mod steps;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use command::TripSagaCommand;
pub use event::TripSagaEvent;

use crate::aggregate::cqrs_aggregate;
use crate::id::StreamKind;
use crate::message::{Direction, FailedStep, Instruction};
use crate::trip::{Step, TripPlan};

/// The states of a trip's process manager.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TripSaga {
    /// Not begun.
    #[default]
    NotStarted,
    /// Cancelled by the traveller before it began.
    CancelledEarly,
    /// Doing the steps in order.
    Forward(Forward),
    /// Taking them back.
    Backward(Backward),
    /// Everything stands.
    Succeeded {
        /// What stands.
        plan: TripPlan,
        /// The steps that were done.
        done: Vec<Step>,
    },
    /// Everything is taken back.
    Compensated,
}

/// A saga on its way forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    pub(crate) plan: TripPlan,
    pub(crate) done: Vec<Step>,
    pub(crate) at: Step,
    pub(crate) attempt: u32,
    pub(crate) awaiting: Awaiting,
    /// The present step may have happened, although it was answered with a fault.
    pub(crate) in_doubt: bool,
    /// The traveller has cancelled; nothing new is started.
    pub(crate) cancelled: bool,
}

/// A saga on its way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backward {
    pub(crate) plan: TripPlan,
    /// What is still to be taken back after the present one, next first.
    pub(crate) left: Vec<Step>,
    pub(crate) at: Step,
    pub(crate) attempt: u32,
    pub(crate) awaiting: Awaiting,
    /// What made the trip fail; absent when the traveller cancelled.
    pub(crate) failure: Option<FailedStep>,
}

/// What a saga waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Awaiting {
    /// The answer to its last instruction.
    Answer,
    /// The moment of the next try.
    Retry(DateTime<Utc>),
}

impl TripSaga {
    /// The moment at which this saga must be woken, if it waits for one.
    pub const fn wake_up_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Forward(Forward { awaiting: Awaiting::Retry(due), .. })
            | Self::Backward(Backward { awaiting: Awaiting::Retry(due), .. }) => Some(*due),
            _ => None,
        }
    }

    /// What is being booked or taken back, as long as the saga needs it.
    pub const fn plan(&self) -> Option<&TripPlan> {
        match self {
            Self::Forward(Forward { plan, .. })
            | Self::Backward(Backward { plan, .. })
            | Self::Succeeded { plan, .. } => Some(plan),
            Self::NotStarted | Self::CancelledEarly | Self::Compensated => None,
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &TripSagaEvent) {
        let state = std::mem::take(self);
        *self = state.after(event);
    }

    fn after(self, event: &TripSagaEvent) -> Self {
        match (self, event) {
            (_, TripSagaEvent::SagaStarted { plan, sends, .. }) => started(plan, sends),
            (Self::Forward(forward), event) => forward.after(event),
            (Self::Backward(backward), event) => backward.after(event),
            (Self::Succeeded { plan, done }, TripSagaEvent::CancellationNoted { sends: Some(sends) }) => {
                Self::Backward(Backward::begin(plan, &done, sends, None))
            }
            (Self::NotStarted, TripSagaEvent::CancellationNoted { .. }) => Self::CancelledEarly,
            (state, _) => state,
        }
    }
}

fn started(plan: &TripPlan, sends: &Instruction) -> TripSaga {
    let plan = plan.clone();
    match sends.direction {
        Direction::Request => TripSaga::Forward(Forward {
            plan,
            done: Vec::new(),
            at: sends.order.step(),
            attempt: sends.attempt,
            awaiting: Awaiting::Answer,
            in_doubt: false,
            cancelled: false,
        }),
        Direction::Undo => TripSaga::Backward(Backward::begin(plan, &[], sends, None)),
    }
}

impl Forward {
    fn after(mut self, event: &TripSagaEvent) -> TripSaga {
        match event {
            TripSagaEvent::StepSucceeded { step, sends, .. } => {
                self.done.push(*step);
                return self.sent(sends, None);
            }
            TripSagaEvent::StepRefused { step, failure, sends, .. } => {
                self.in_doubt = sends.order.step() == *step;
                let failed = FailedStep { step: *step, failure: failure.clone() };
                return self.sent(sends, Some(failed));
            }
            TripSagaEvent::StepRetried { sends, .. } | TripSagaEvent::CancellationNoted { sends: Some(sends) } => {
                return self.sent(sends, None);
            }
            TripSagaEvent::StepFaulted { retry_at, in_doubt, .. } => {
                self.awaiting = Awaiting::Retry(*retry_at);
                self.in_doubt = *in_doubt;
            }
            TripSagaEvent::CancellationNoted { sends: None } => self.cancelled = true,
            TripSagaEvent::SagaSucceeded => {
                self.done.push(self.at);
                return TripSaga::Succeeded { plan: self.plan, done: self.done };
            }
            _ => {}
        }
        TripSaga::Forward(self)
    }

    fn sent(self, sends: &Instruction, failure: Option<FailedStep>) -> TripSaga {
        let step = sends.order.step();
        match sends.direction {
            Direction::Undo => {
                let done = if step == self.at { self.done_or_in_doubt() } else { self.done };
                TripSaga::Backward(Backward::begin(self.plan, &done, sends, failure))
            }
            Direction::Request => TripSaga::Forward(Self {
                in_doubt: self.in_doubt && step == self.at,
                at: step,
                attempt: sends.attempt,
                awaiting: Awaiting::Answer,
                ..self
            }),
        }
    }

    /// What must be taken back should the trip fail now: what is done, and the present step if it may have happened.
    pub(crate) fn done_or_in_doubt(&self) -> Vec<Step> {
        let mut done = self.done.clone();
        if self.in_doubt && !done.contains(&self.at) {
            done.push(self.at);
        }
        done
    }
}

impl Backward {
    fn begin(plan: TripPlan, done: &[Step], sends: &Instruction, failure: Option<FailedStep>) -> Self {
        let left = steps::undo_order(done).into_iter().skip(1).collect();
        Self { plan, left, at: sends.order.step(), attempt: sends.attempt, awaiting: Awaiting::Answer, failure }
    }

    fn after(mut self, event: &TripSagaEvent) -> TripSaga {
        match event {
            TripSagaEvent::UndoSucceeded { sends, .. } => {
                self.left.retain(|step| *step != sends.order.step());
                self.at = sends.order.step();
                self.attempt = sends.attempt;
                self.awaiting = Awaiting::Answer;
            }
            TripSagaEvent::UndoFaulted { retry_at, .. } => self.awaiting = Awaiting::Retry(*retry_at),
            TripSagaEvent::UndoRetried { sends, .. } => {
                self.attempt = sends.attempt;
                self.awaiting = Awaiting::Answer;
            }
            TripSagaEvent::SagaCompensated { .. } => return TripSaga::Compensated,
            _ => {}
        }
        TripSaga::Backward(self)
    }
}

cqrs_aggregate!(TripSaga, StreamKind::TripSaga, TripSagaCommand, TripSagaEvent, Infallible, |state, command| Ok(
    state.decide(command)
));
