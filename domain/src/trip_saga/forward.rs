//! A saga on its way forward: its state, and what answers and timers make of it.

use serde::{Deserialize, Serialize};

use super::attention::{Verb, fingerprint};
use super::course::{Awaiting, Course, Try, in_a_while};
use super::pauses::{backoff, parked};
use super::steps::PIVOT;
use super::{Backward, TripSaga, TripSagaEvent};
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, FailedStep, Instruction, Outcome};
use crate::occasion::Occasion;
use crate::trip::Step;

/// A saga on its way forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    pub(super) course: Course,
    pub(super) done: Vec<Step>,
    pub(super) at: Step,
    pub(super) attempt: u32,
    pub(super) awaiting: Awaiting,
    /// The present step may have happened, although nobody has said so.
    pub(super) in_doubt: bool,
    /// The traveller has cancelled; nothing new is started.
    pub(super) cancelled: bool,
    /// Fingerprint of the reason for which an operator was called.
    pub(super) attention: Option<String>,
    /// The last verb of an operator.
    pub(super) resolved: Option<Verb>,
}

/// A technical no to the present step.
struct Fault {
    attempt: u32,
    failure: Failure,
    /// It may have happened all the same.
    in_doubt: bool,
}

impl Forward {
    pub(super) fn begin(course: Course, sends: &Instruction) -> Self {
        Self {
            course,
            done: Vec::new(),
            at: sends.order.step(),
            attempt: sends.attempt,
            awaiting: Awaiting::answer_to(sends),
            in_doubt: false,
            cancelled: false,
            attention: None,
            resolved: None,
        }
    }

    pub(super) fn after(mut self, event: &TripSagaEvent) -> TripSaga {
        match event {
            TripSagaEvent::StepSucceeded { step, sends, .. } => {
                self.done.push(*step);
                self.in_doubt = false;
                self.attention = None;
                return self.sent(sends, None);
            }
            TripSagaEvent::StepRefused { step, failure, sends, .. }
            | TripSagaEvent::StepTimedOut { step, failure, sends, .. } => {
                self.in_doubt = sends.order.step() == *step;
                let failed = FailedStep { step: *step, failure: failure.clone() };
                return self.sent(sends, Some(failed));
            }
            TripSagaEvent::StepRetried { sends, .. } | TripSagaEvent::CancellationNoted { sends: Some(sends) } => {
                return self.sent(sends, None);
            }
            TripSagaEvent::StepFaulted { retry_at, in_doubt, .. } => {
                self.awaiting = Awaiting::Retry { at: *retry_at };
                self.in_doubt = *in_doubt;
            }
            TripSagaEvent::AttentionNeeded { retry_at, in_doubt, fingerprint, .. } => {
                self.awaiting = Awaiting::Retry { at: *retry_at };
                self.in_doubt = *in_doubt;
                self.attention = Some(fingerprint.clone());
            }
            TripSagaEvent::Resolved { verb, sends, .. } => {
                self.resolved = Some(*verb);
                self.attention = None;
                return self.sent(sends, None);
            }
            TripSagaEvent::CancellationNoted { sends: None } => self.cancelled = true,
            TripSagaEvent::SagaSucceeded => {
                self.done.push(self.at);
                return TripSaga::Succeeded { course: self.course, done: self.done, resolved: self.resolved };
            }
            _ => {}
        }
        TripSaga::Forward(self)
    }

    fn sent(self, sends: &Instruction, failure: Option<FailedStep>) -> TripSaga {
        let step = sends.order.step();
        if sends.direction == Direction::Request {
            return TripSaga::Forward(Self {
                in_doubt: self.in_doubt && step == self.at,
                at: step,
                attempt: sends.attempt,
                awaiting: Awaiting::answer_to(sends),
                ..self
            });
        }
        // A payment in doubt goes back only when it was given up: then it is left as it is.
        let given_up = self.in_doubt && self.at == PIVOT;
        let done = if given_up { self.done.clone() } else { self.done_or_in_doubt() };
        TripSaga::Backward(Backward {
            failure,
            late: self.in_doubt.then_some(self.at),
            given_up: given_up.then_some(self.at).into_iter().collect(),
            resolved: self.resolved,
            ..Backward::begin(self.course, &done, sends)
        })
    }

    /// What must be taken back should the trip fail now: what is done, and the present step if it may have happened.
    pub(super) fn done_or_in_doubt(&self) -> Vec<Step> {
        let mut done = self.done.clone();
        if self.in_doubt && !done.contains(&self.at) {
            done.push(self.at);
        }
        done
    }

    pub(super) fn answered(&self, answer: Answer, occasion: Occasion) -> Option<TripSagaEvent> {
        if answer.direction != Direction::Request || answer.step != self.at {
            return None;
        }
        match answer.outcome {
            Outcome::Done => self.succeeded(answer.attempt, occasion),
            Outcome::Refused(failure) if self.at <= PIVOT => {
                self.refused(answer.attempt, failure, &self.done, occasion)
            }
            // Heard only of the present attempt, of which it ends the doubt: see below.
            Outcome::Refused(failure) | Outcome::Faulted(failure) => {
                self.faulted(Fault { attempt: answer.attempt, failure, in_doubt: false }, occasion)
            }
            Outcome::Unknown(failure) => {
                self.faulted(Fault { attempt: answer.attempt, failure, in_doubt: true }, occasion)
            }
        }
    }

    fn succeeded(&self, attempt: u32, occasion: Occasion) -> Option<TripSagaEvent> {
        let step = self.at;
        let mut done = self.done.clone();
        done.push(step);
        let sends = match self.course.step_after(step) {
            // Up to the pivot a cancelled trip goes back at once; once it is passed the trip is approved first (L17).
            _ if self.cancelled && step < PIVOT => self.course.first_undo(&done, None, occasion)?,
            Some(next) => self.course.request(Try { step: next, attempt: 1 }, occasion)?,
            None if self.cancelled => self.course.first_undo(&done, None, occasion)?,
            None => return Some(TripSagaEvent::SagaSucceeded),
        };
        Some(TripSagaEvent::StepSucceeded { step, attempt, sends })
    }

    fn refused(&self, attempt: u32, failure: Failure, to_undo: &[Step], occasion: Occasion) -> Option<TripSagaEvent> {
        let failed = FailedStep { step: self.at, failure: failure.clone() };
        let sends = self.course.first_undo(to_undo, Some(&failed), occasion)?;
        Some(TripSagaEvent::StepRefused { step: self.at, attempt, failure, sends })
    }

    /// After a fault there is nothing of this step to take back, unless it is in doubt. A payment in doubt is asked for until it is
    /// known, and after a number of tries an operator is called: the pivot may be passed (L16).
    fn faulted(&self, fault: Fault, occasion: Occasion) -> Option<TripSagaEvent> {
        let Fault { attempt, failure, in_doubt } = fault;
        // Every new attempt is answered for itself, that of a payment by the call in flight too. What is heard of an earlier one may have
        // been heard before: it counts for nothing.
        if attempt != self.attempt || !self.awaiting.is_answer() {
            return None;
        }
        let must_be_known = in_doubt && self.at == PIVOT;
        let policy = self.course.policy(Direction::Request, self.at);
        let used_up = policy.tries_max.is_some_and(|tries| attempt >= tries);
        if !must_be_known && (used_up || (self.cancelled && self.at <= PIVOT)) {
            let message = format!("{} It was tried {attempt} times: book again later.", failure.message);
            let to_undo = Self { in_doubt, ..self.clone() }.done_or_in_doubt();
            return self.refused(attempt, Failure::new(Code::Unavailable, message), &to_undo, occasion);
        }
        if let Some(beyond) = policy.attention_after.and_then(|tries| attempt.checked_sub(tries)) {
            return Some(self.parked(Fault { attempt: beyond + 1, failure, in_doubt }, occasion));
        }
        let retry_at = in_a_while(occasion, backoff(attempt, occasion.entropy));
        Some(TripSagaEvent::StepFaulted { step: self.at, attempt, failure, retry_at, in_doubt })
    }

    /// An operator is called, once for each reason; `fault.attempt` counts the tries from then on.
    fn parked(&self, fault: Fault, occasion: Occasion) -> TripSagaEvent {
        let Fault { attempt: beyond, failure, in_doubt } = fault;
        let (step, attempt, direction) = (self.at, self.attempt, Direction::Request);
        let retry_at = in_a_while(occasion, parked(beyond, occasion.entropy));
        let fingerprint = fingerprint(direction, step, &failure);
        if self.attention.as_ref() == Some(&fingerprint) {
            return TripSagaEvent::StepFaulted { step, attempt, failure, retry_at, in_doubt };
        }
        TripSagaEvent::AttentionNeeded { step, direction, attempt, failure, fingerprint, retry_at, in_doubt }
    }

    pub(super) fn wake(&self, occasion: Occasion) -> Option<TripSagaEvent> {
        if !self.awaiting.is_due(occasion) {
            return None;
        }
        if self.awaiting.is_answer() {
            return self.timed_out(occasion);
        }
        let attempt = self.attempt + 1;
        let sends = self.course.request(Try { step: self.at, attempt }, occasion)?;
        Some(TripSagaEvent::StepRetried { step: self.at, attempt, sends })
    }

    /// It may have happened: a part is taken back like one that has (L15); a payment is asked for once more (L16).
    fn timed_out(&self, occasion: Occasion) -> Option<TripSagaEvent> {
        let (step, attempt) = (self.at, self.attempt);
        let message = format!("The {} did not answer in time: book again later.", step.as_str());
        let failure = Failure::new(Code::DeadlineExceeded, message);
        if step >= PIVOT {
            return self.faulted(Fault { attempt, failure, in_doubt: step == PIVOT }, occasion);
        }
        let failed = FailedStep { step, failure: failure.clone() };
        let to_undo = Self { in_doubt: true, ..self.clone() }.done_or_in_doubt();
        let sends = self.course.first_undo(&to_undo, Some(&failed), occasion)?;
        Some(TripSagaEvent::StepTimedOut { step, attempt, failure, sends })
    }

    /// Recorded at once; starts nothing new: an outstanding answer is awaited (L17).
    pub(super) fn cancel(&self, occasion: Occasion) -> Option<TripSagaEvent> {
        if self.cancelled {
            return None;
        }
        let may_be_paid = self.at > PIVOT || (self.at == PIVOT && self.in_doubt);
        let goes_back = !self.awaiting.is_answer() && !may_be_paid;
        let sends = if goes_back { self.course.first_undo(&self.done_or_in_doubt(), None, occasion) } else { None };
        Some(TripSagaEvent::CancellationNoted { sends })
    }
}
