//! The saga of a trip: its steps, tries and state, and what it waits for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::message::{Direction, Instruction};
use traveladvisor_domain::trip::Step;
use traveladvisor_domain::trip_saga::TripSagaEvent;
use traveladvisor_domain::trip_saga::attention::Verb;

use super::summary::signed_of_saga;
use crate::views::{AttentionView, SagaStatus, SagaStepView, StepState, WaitView};

/// What the fold knows of a saga.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SagaState {
    pub(super) status: SagaStatus,
    pub(super) definition: String,
    pub(super) steps: Vec<SagaStepView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_wake_up: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiting: Option<WaitView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attention: Option<AttentionView>,
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
            waiting: None,
            attention: None,
        }
    }
}

impl SagaState {
    /// Steps, tries and wake-up after an event of the saga; its public state is told by the table of the trip.
    pub(super) fn take(&mut self, event: &TripSagaEvent, at: DateTime<Utc>) {
        self.waiting = self.waiting.or_else(|| self.under_way());
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
                self.postpone((*step, Direction::Request), failure, *retry_at);
            }
            TripSagaEvent::UndoFaulted { step, failure, retry_at, .. } => {
                self.postpone((*step, Direction::Undo), failure, *retry_at);
            }
            TripSagaEvent::AttentionNeeded { step, direction, failure, retry_at, fingerprint, .. } => {
                self.postpone((*step, *direction), failure, *retry_at);
                self.call_operator((*step, *direction), fingerprint, at);
            }
            TripSagaEvent::UndoSucceeded { step, attempt, .. } => self.settle(*step, StepState::Undone, *attempt, at),
            TripSagaEvent::Resolved { verb, step, sends, .. } => {
                self.resolve(*verb, *step, sends, signed_of_saga(event).as_deref(), at);
            }
            TripSagaEvent::SagaSucceeded => self.end(StepState::Done, at),
            TripSagaEvent::SagaCompensated { .. } | TripSagaEvent::SagaFailed { .. } => self.end(StepState::Undone, at),
            TripSagaEvent::StepRetried { .. }
            | TripSagaEvent::LateAnswerNoted { .. }
            | TripSagaEvent::UndoRetried { .. }
            | TripSagaEvent::CancellationNoted { .. } => {}
        }
        if let Some(instruction) = event.sends() {
            self.send(instruction, at);
        }
    }

    /// What is waited for, told by the steps: rows of earlier programs do not say it.
    fn under_way(&self) -> Option<WaitView> {
        self.steps.iter().find_map(|step| {
            let (direction, for_answer) = match step.state {
                StepState::Requested => (Direction::Request, true),
                StepState::Retrying => (Direction::Request, false),
                StepState::Undoing => (Direction::Undo, true),
                StepState::UndoRetrying => (Direction::Undo, false),
                StepState::Pending | StepState::Done | StepState::Refused | StepState::Undone | StepState::GivenUp => {
                    return None;
                }
            };
            Some(WaitView { step: step.step, direction, attempt: step.attempts, since: step.started_at?, for_answer })
        })
    }

    fn send(&mut self, instruction: &Instruction, at: DateTime<Utc>) {
        let (step, direction, attempt) = (instruction.order.step(), instruction.direction, instruction.attempt);
        self.change(step, |step| {
            step.state = match direction {
                Direction::Request => StepState::Requested,
                Direction::Undo => StepState::Undoing,
            };
            step.attempts = attempt;
            step.started_at.get_or_insert(at);
            step.ended_at = None;
        });
        let since = match self.waiting {
            Some(wait) if (wait.step, wait.direction) == (step, direction) => wait.since,
            _ => {
                self.reason = None;
                self.attention = None;
                at
            }
        };
        self.waiting = Some(WaitView { step, direction, attempt, since, for_answer: true });
        self.next_wake_up = instruction.answer_by;
    }

    fn settle(&mut self, step: Step, state: StepState, attempt: u32, at: DateTime<Utc>) {
        self.change(step, |step| {
            step.state = state;
            step.attempts = attempt;
            step.ended_at = Some(at);
        });
    }

    /// The saga's end settles the step that it was at.
    fn end(&mut self, state: StepState, at: DateTime<Utc>) {
        if let Some(wait) = self.waiting.take() {
            self.settle(wait.step, state, wait.attempt, at);
        }
        self.reason = None;
        self.next_wake_up = None;
        self.attention = None;
    }

    fn postpone(&mut self, (step, direction): (Step, Direction), failure: &Failure, retry_at: DateTime<Utc>) {
        let state = match direction {
            Direction::Request => StepState::Retrying,
            Direction::Undo => StepState::UndoRetrying,
        };
        self.change(step, |step| step.state = state);
        self.blame(step, failure);
        self.reason = Some(described(failure));
        self.next_wake_up = Some(retry_at);
        if let Some(wait) = &mut self.waiting {
            wait.for_answer = false;
        }
    }

    /// Called for another reason, an operator is needed since the first one.
    fn call_operator(&mut self, (step, direction): (Step, Direction), fingerprint: &str, at: DateTime<Utc>) {
        let since = self.attention.as_ref().map_or(at, |attention| attention.since);
        self.attention = Some(AttentionView { step, direction, fingerprint: fingerprint.to_owned(), since });
    }

    /// A verb that goes on with another step settles this one.
    fn resolve(&mut self, verb: Verb, step: Step, sends: &Instruction, signed: Option<&str>, at: DateTime<Utc>) {
        self.attention = None;
        let goes_on = sends.order.step() != step;
        self.change(step, |known| match verb {
            Verb::GiveUp => {
                known.state = StepState::GivenUp;
                known.given_up = signed.map(str::to_owned);
                known.ended_at = Some(at);
            }
            Verb::MarkUndone if goes_on => {
                known.state = StepState::Undone;
                known.ended_at = Some(at);
            }
            Verb::Retry | Verb::MarkDone | Verb::MarkUndone => {}
        });
    }

    fn blame(&mut self, step: Step, failure: &Failure) {
        self.change(step, |step| step.last_error = Some(described(failure)));
    }

    fn change(&mut self, step: Step, change: impl Fn(&mut SagaStepView)) {
        self.steps.iter_mut().filter(|known| known.step == step).for_each(change);
    }
}

const fn not_begun(step: Step) -> SagaStepView {
    SagaStepView {
        step,
        state: StepState::Pending,
        attempts: 0,
        last_error: None,
        started_at: None,
        ended_at: None,
        given_up: None,
    }
}

fn described(failure: &Failure) -> String {
    format!("{}: {}", failure.code, failure.message)
}
