//! The saga of a trip: its steps, tries and state.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::message::{Direction, Instruction};
use traveladvisor_domain::trip::Step;
use traveladvisor_domain::trip_saga::TripSagaEvent;

use crate::views::{SagaStatus, SagaStepView, StepState};

/// What the fold knows of a saga.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SagaState {
    pub(super) status: SagaStatus,
    pub(super) definition: String,
    pub(super) steps: Vec<SagaStepView>,
    pub(super) reason: Option<String>,
    pub(super) next_wake_up: Option<DateTime<Utc>>,
}

impl Default for SagaState {
    /// Before it has begun: it will.
    fn default() -> Self {
        Self {
            status: SagaStatus::Started,
            definition: String::new(),
            steps: Vec::new(),
            reason: None,
            next_wake_up: None,
        }
    }
}

impl SagaState {
    /// Steps, tries and wake-up after an event of the saga; its public state is told by the table of the trip.
    pub(super) fn take(&mut self, event: &TripSagaEvent, at: DateTime<Utc>) {
        self.next_wake_up = None;
        self.reason = None;
        match event {
            TripSagaEvent::SagaStarted { definition, version, steps, .. } => {
                self.definition = format!("{definition} {version}");
                self.steps = steps.iter().map(|step| not_begun(*step)).collect();
            }
            TripSagaEvent::StepSucceeded { step, attempt, .. } => self.settle(*step, StepState::Done, *attempt, at),
            TripSagaEvent::StepRefused { step, attempt, failure, .. }
            | TripSagaEvent::StepTimedOut { step, attempt, failure, .. } => {
                self.settle(*step, StepState::Refused, *attempt, at);
                self.blame(*step, failure);
            }
            TripSagaEvent::StepFaulted { step, failure, retry_at, .. } => {
                self.postpone(*step, StepState::Retrying, failure, *retry_at);
            }
            TripSagaEvent::UndoFaulted { step, failure, retry_at, .. } => {
                self.postpone(*step, StepState::UndoRetrying, failure, *retry_at);
            }
            TripSagaEvent::UndoSucceeded { step, attempt, .. } => self.settle(*step, StepState::Undone, *attempt, at),
            TripSagaEvent::SagaSucceeded => self.settle_last(StepState::Requested, StepState::Done, at),
            TripSagaEvent::SagaCompensated { .. } | TripSagaEvent::SagaFailed { .. } => {
                self.settle_last(StepState::Undoing, StepState::Undone, at);
            }
            TripSagaEvent::AttentionNeeded { step, direction, failure, retry_at, .. } => {
                let state = match direction {
                    Direction::Request => StepState::Retrying,
                    Direction::Undo => StepState::UndoRetrying,
                };
                self.postpone(*step, state, failure, *retry_at);
            }
            TripSagaEvent::StepRetried { .. }
            | TripSagaEvent::LateAnswerNoted { .. }
            | TripSagaEvent::Resolved { .. }
            | TripSagaEvent::UndoRetried { .. }
            | TripSagaEvent::CancellationNoted { .. } => {}
        }
        if let Some(instruction) = event.sends() {
            self.send(instruction, at);
        }
    }

    fn send(&mut self, instruction: &Instruction, at: DateTime<Utc>) {
        self.change(instruction.order.step(), |step| {
            step.state = match instruction.direction {
                Direction::Request => StepState::Requested,
                Direction::Undo => StepState::Undoing,
            };
            step.attempts = instruction.attempt;
            step.started_at.get_or_insert(at);
            step.ended_at = None;
        });
    }

    fn settle(&mut self, step: Step, state: StepState, attempt: u32, at: DateTime<Utc>) {
        self.change(step, |step| {
            step.state = state;
            step.attempts = attempt;
            step.ended_at = Some(at);
        });
    }

    /// The saga's end settles the step that it was at.
    fn settle_last(&mut self, from: StepState, to: StepState, at: DateTime<Utc>) {
        for step in self.steps.iter_mut().filter(|step| step.state == from) {
            step.state = to;
            step.ended_at = Some(at);
        }
    }

    fn postpone(&mut self, step: Step, state: StepState, failure: &Failure, retry_at: DateTime<Utc>) {
        self.change(step, |step| step.state = state);
        self.blame(step, failure);
        self.reason = Some(described(failure));
        self.next_wake_up = Some(retry_at);
    }

    fn blame(&mut self, step: Step, failure: &Failure) {
        self.change(step, |step| step.last_error = Some(described(failure)));
    }

    fn change(&mut self, step: Step, change: impl Fn(&mut SagaStepView)) {
        self.steps.iter_mut().filter(|known| known.step == step).for_each(change);
    }
}

const fn not_begun(step: Step) -> SagaStepView {
    SagaStepView { step, state: StepState::Pending, attempts: 0, last_error: None, started_at: None, ended_at: None }
}

fn described(failure: &Failure) -> String {
    format!("{}: {}", failure.code, failure.message)
}
