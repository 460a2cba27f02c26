//! A saga on its way back: its state, and what answers and timers make of it.

use serde::{Deserialize, Serialize};

use super::attention::{Verb, fingerprint};
use super::course::{Awaiting, Course, Try, in_a_while};
use super::pauses::{backoff, parked};
use super::steps::undo_order;
use super::{TripSaga, TripSagaEvent};
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, FailedStep, Instruction, Outcome};
use crate::occasion::Occasion;
use crate::trip::Step;

/// A saga on its way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backward {
    pub(super) course: Course,
    /// What is still to be taken back after the present one, next first.
    pub(super) left: Vec<Step>,
    pub(super) at: Step,
    pub(super) attempt: u32,
    pub(super) awaiting: Awaiting,
    /// What made the trip fail; absent when the traveller cancelled.
    pub(super) failure: Option<FailedStep>,
    /// The step that was in doubt when the saga turned back: what is heard of its request is only recorded.
    pub(super) late: Option<Step>,
    /// What was given up: it is left as it is.
    pub(super) given_up: Vec<Step>,
    /// Fingerprint of the reason for which an operator was called.
    pub(super) attention: Option<String>,
    /// The last verb of an operator.
    pub(super) resolved: Option<Verb>,
}

impl Backward {
    pub(super) fn begin(course: Course, done: &[Step], sends: &Instruction) -> Self {
        Self {
            course,
            left: undo_order(done).into_iter().skip(1).collect(),
            at: sends.order.step(),
            attempt: sends.attempt,
            awaiting: Awaiting::answer_to(sends),
            failure: None,
            late: None,
            given_up: Vec::new(),
            attention: None,
            resolved: None,
        }
    }

    pub(super) fn after(mut self, event: &TripSagaEvent) -> TripSaga {
        match event {
            TripSagaEvent::UndoSucceeded { sends, .. } => {
                self.attention = None;
                self.sent(sends);
            }
            TripSagaEvent::UndoRetried { sends, .. } => self.sent(sends),
            TripSagaEvent::UndoFaulted { retry_at, .. } => self.awaiting = Awaiting::Retry { at: *retry_at },
            TripSagaEvent::AttentionNeeded { retry_at, fingerprint, .. } => {
                self.awaiting = Awaiting::Retry { at: *retry_at };
                self.attention = Some(fingerprint.clone());
            }
            TripSagaEvent::Resolved { verb, sends, .. } => {
                self.resolved = Some(*verb);
                self.attention = None;
                if *verb == Verb::GiveUp {
                    self.given_up.push(self.at);
                }
                self.sent(sends);
            }
            TripSagaEvent::LateAnswerNoted { .. } => self.late = None,
            TripSagaEvent::SagaCompensated { .. } => return TripSaga::Compensated { resolved: self.resolved },
            TripSagaEvent::SagaFailed { .. } => return TripSaga::Failed { resolved: self.resolved },
            _ => {}
        }
        TripSaga::Backward(self)
    }

    fn sent(&mut self, sends: &Instruction) {
        self.at = sends.order.step();
        self.attempt = sends.attempt;
        self.awaiting = Awaiting::answer_to(sends);
        self.left.retain(|step| *step != self.at);
    }

    pub(super) fn answered(&self, answer: Answer, occasion: Occasion) -> Option<TripSagaEvent> {
        let Answer { step, direction, attempt, outcome } = answer;
        if direction == Direction::Request {
            // A fault or a doubt may have been heard before it turned back: that again is no news. A yes or no would have been acted on.
            let is_news = self.late == Some(step) && matches!(outcome, Outcome::Done | Outcome::Refused(_));
            return is_news.then_some(TripSagaEvent::LateAnswerNoted { step, attempt, outcome });
        }
        if step != self.at {
            return None;
        }
        match outcome {
            Outcome::Done => Some(self.undone(attempt, occasion)),
            Outcome::Refused(failure) | Outcome::Faulted(failure) | Outcome::Unknown(failure) => {
                self.faulted(attempt, failure, occasion)
            }
        }
    }

    fn undone(&self, attempt: u32, occasion: Occasion) -> TripSagaEvent {
        match self.next(occasion) {
            Some(sends) => TripSagaEvent::UndoSucceeded { step: self.at, attempt, sends },
            None if self.given_up.is_empty() => TripSagaEvent::SagaCompensated { failure: self.failure.clone() },
            None => TripSagaEvent::SagaFailed { given_up: self.given_up.clone(), failure: self.failure.clone() },
        }
    }

    /// The undo after the present one, if one is left.
    pub(super) fn next(&self, occasion: Occasion) -> Option<Instruction> {
        let step = *self.left.first()?;
        self.course.undo(Try { step, attempt: 1 }, self.failure.as_ref(), occasion)
    }

    /// The next try of the present undo.
    pub(super) fn again(&self, occasion: Occasion) -> Option<Instruction> {
        self.course.undo(Try { step: self.at, attempt: self.attempt + 1 }, self.failure.as_ref(), occasion)
    }

    /// An undo that is stuck holds back the earlier ones (L15). After a number of tries an operator is called, once for each reason;
    /// it is tried on meanwhile (L18).
    fn faulted(&self, attempt: u32, failure: Failure, occasion: Occasion) -> Option<TripSagaEvent> {
        if attempt != self.attempt || !self.awaiting.is_answer() {
            return None;
        }
        let (step, direction) = (self.at, Direction::Undo);
        let policy = self.course.policy(direction, step);
        let Some(beyond) = policy.attention_after.and_then(|tries| attempt.checked_sub(tries)) else {
            let retry_at = in_a_while(occasion, backoff(attempt, occasion.entropy));
            return Some(TripSagaEvent::UndoFaulted { step, attempt, failure, retry_at });
        };
        let retry_at = in_a_while(occasion, parked(beyond + 1, occasion.entropy));
        let fingerprint = fingerprint(direction, step, &failure);
        if self.attention.as_ref() == Some(&fingerprint) {
            return Some(TripSagaEvent::UndoFaulted { step, attempt, failure, retry_at });
        }
        let in_doubt = false;
        Some(TripSagaEvent::AttentionNeeded { step, direction, attempt, failure, fingerprint, retry_at, in_doubt })
    }

    pub(super) fn wake(&self, occasion: Occasion) -> Option<TripSagaEvent> {
        if !self.awaiting.is_due(occasion) {
            return None;
        }
        if self.awaiting.is_answer() {
            let message = format!("The {} did not answer in time.", self.at.as_str());
            return self.faulted(self.attempt, Failure::new(Code::DeadlineExceeded, message), occasion);
        }
        let sends = self.again(occasion)?;
        Some(TripSagaEvent::UndoRetried { step: self.at, attempt: sends.attempt, sends })
    }
}
