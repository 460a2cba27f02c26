//! The process manager of one trip: a pure function from events and answers to events and instructions (L14).

pub mod attention;
mod backward;
mod command;
mod course;
mod error;
mod event;
mod forward;
pub mod pauses;
mod react;
mod resolve;
pub mod steps;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use attention::Verb;
pub use backward::Backward;
pub use command::TripSagaCommand;
pub use course::{Awaiting, Course};
pub use error::TripSagaError;
pub use event::TripSagaEvent;
pub use forward::Forward;

use crate::aggregate::cqrs_aggregate;
use crate::id::StreamKind;
use crate::message::{Direction, Instruction};
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
        course: Course,
        /// The steps that were done.
        done: Vec<Step>,
        /// The last verb of an operator.
        resolved: Option<Verb>,
    },
    /// Everything is taken back.
    Compensated {
        /// The last verb of an operator.
        resolved: Option<Verb>,
    },
    /// Something was given up: all else is taken back.
    Failed {
        /// The last verb of an operator.
        resolved: Option<Verb>,
    },
}

impl TripSaga {
    /// The moment at which this saga must be woken, if there is one.
    pub const fn wake_up_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Forward(Forward { awaiting, .. }) | Self::Backward(Backward { awaiting, .. }) => {
                awaiting.wake_up_at()
            }
            _ => None,
        }
    }

    /// Whether a step waits for an operator: the reason's fingerprint.
    pub fn attention(&self) -> Option<&str> {
        match self {
            Self::Forward(Forward { attention, .. }) | Self::Backward(Backward { attention, .. }) => {
                attention.as_deref()
            }
            _ => None,
        }
    }

    /// What is being booked or taken back, as long as the saga needs it.
    pub const fn plan(&self) -> Option<&TripPlan> {
        match self.course() {
            Some(course) => Some(&course.plan),
            None => None,
        }
    }

    const fn course(&self) -> Option<&Course> {
        match self {
            Self::Forward(Forward { course, .. })
            | Self::Backward(Backward { course, .. })
            | Self::Succeeded { course, .. } => Some(course),
            Self::NotStarted | Self::CancelledEarly | Self::Compensated { .. } | Self::Failed { .. } => None,
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &TripSagaEvent) {
        let state = std::mem::take(self);
        *self = state.after(event);
    }

    fn after(self, event: &TripSagaEvent) -> Self {
        match (self, event) {
            (_, TripSagaEvent::SagaStarted { plan, version, sends, .. }) => {
                started(Course { plan: plan.clone(), definition: *version }, sends)
            }
            (Self::Forward(forward), event) => forward.after(event),
            (Self::Backward(backward), event) => backward.after(event),
            (Self::Succeeded { course, done, .. }, TripSagaEvent::CancellationNoted { sends: Some(sends) }) => {
                Self::Backward(Backward::begin(course, &done, sends))
            }
            (Self::NotStarted, TripSagaEvent::CancellationNoted { .. }) => Self::CancelledEarly,
            (state, _) => state,
        }
    }
}

fn started(course: Course, sends: &Instruction) -> TripSaga {
    match sends.direction {
        Direction::Request => TripSaga::Forward(Forward::begin(course, sends)),
        Direction::Undo => TripSaga::Backward(Backward::begin(course, &[], sends)),
    }
}

cqrs_aggregate!(TripSaga, StreamKind::TripSaga, TripSagaCommand, TripSagaEvent, TripSagaError, |state, command| state
    .decide(command));
