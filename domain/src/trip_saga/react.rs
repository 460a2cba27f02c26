//! An answer, a cancellation or a timer in; events with their instructions out.

use super::steps::{
    DEFINITION, DEFINITION_VERSION, PIVOT, backoff, request, step_after, steps_of, tries_max, undo, undo_order,
};
use super::{Awaiting, Backward, Forward, TripSaga, TripSagaCommand, TripSagaEvent};
use crate::failure::{Code, Failure};
use crate::message::{Answer, Direction, FailedStep, Instruction, Outcome};
use crate::occasion::Occasion;
use crate::trip::{Step, TripPlan};

impl TripSaga {
    /// What the command makes happen. What is late, stale or known already makes nothing happen.
    pub fn decide(&self, command: TripSagaCommand) -> Vec<TripSagaEvent> {
        let event = match (self, command) {
            (Self::NotStarted | Self::CancelledEarly, TripSagaCommand::Start { plan }) => self.start(plan),
            (Self::Forward(forward), TripSagaCommand::Answer { answer, occasion }) => {
                forward.answered(answer, occasion)
            }
            (Self::Backward(backward), TripSagaCommand::Answer { answer, occasion }) => {
                backward.answered(answer, occasion)
            }
            (_, TripSagaCommand::Cancel) => self.cancel(),
            (Self::Forward(forward), TripSagaCommand::Wake { occasion }) => forward.wake(occasion),
            (Self::Backward(backward), TripSagaCommand::Wake { occasion }) => backward.wake(occasion),
            _ => None,
        };
        event.into_iter().collect()
    }

    /// A cancellation that came first is carried out at once: the first instruction closes the booking.
    fn start(&self, plan: TripPlan) -> Option<TripSagaEvent> {
        let steps = steps_of(&plan);
        let sends = match self {
            Self::CancelledEarly => undo(&plan, Step::Approve, 1, None)?,
            _ => request(&plan, *steps.first()?, 1)?,
        };
        let definition = DEFINITION.to_owned();
        Some(TripSagaEvent::SagaStarted { definition, version: DEFINITION_VERSION, steps, plan, sends })
    }

    /// Recorded at once; starts nothing new: an outstanding answer is awaited (L17).
    fn cancel(&self) -> Option<TripSagaEvent> {
        match self {
            Self::NotStarted => Some(TripSagaEvent::CancellationNoted { sends: None }),
            Self::Forward(forward) if forward.cancelled => None,
            Self::Forward(forward) => {
                let may_be_paid = forward.at > PIVOT || (forward.at == PIVOT && forward.in_doubt);
                let goes_back = matches!(forward.awaiting, Awaiting::Retry(_)) && !may_be_paid;
                let to_undo = forward.done_or_in_doubt();
                let sends = if goes_back { first_undo(&forward.plan, &to_undo, None) } else { None };
                Some(TripSagaEvent::CancellationNoted { sends })
            }
            Self::Succeeded { plan, done } => {
                Some(TripSagaEvent::CancellationNoted { sends: first_undo(plan, done, None) })
            }
            Self::CancelledEarly | Self::Backward(_) | Self::Compensated => None,
        }
    }
}

/// A technical no to the present step.
struct Fault {
    attempt: u32,
    failure: Failure,
    /// It may have happened all the same.
    in_doubt: bool,
}

impl Forward {
    fn answered(&self, answer: Answer, occasion: Occasion) -> Option<TripSagaEvent> {
        if answer.direction != Direction::Request || answer.step != self.at {
            return None;
        }
        match answer.outcome {
            Outcome::Done => self.succeeded(answer.attempt),
            Outcome::Refused(failure) if self.at <= PIVOT => self.refused(answer.attempt, failure, &self.done),
            // A fault of the present attempt ends the doubt; one of an earlier attempt says nothing of the present one.
            Outcome::Refused(failure) | Outcome::Faulted(failure) => {
                let in_doubt = self.in_doubt && answer.attempt != self.attempt;
                self.faulted(Fault { attempt: answer.attempt, failure, in_doubt }, occasion)
            }
            Outcome::Unknown(failure) => {
                self.faulted(Fault { attempt: answer.attempt, failure, in_doubt: true }, occasion)
            }
        }
    }

    fn succeeded(&self, attempt: u32) -> Option<TripSagaEvent> {
        let step = self.at;
        let mut done = self.done.clone();
        done.push(step);
        let next = step_after(&self.plan, step);
        let sends = match next {
            // Up to the pivot a cancelled trip goes back at once; once it is passed the trip is approved first (L17).
            _ if self.cancelled && step < PIVOT => first_undo(&self.plan, &done, None)?,
            Some(next) => request(&self.plan, next, 1)?,
            None if self.cancelled => first_undo(&self.plan, &done, None)?,
            None => return Some(TripSagaEvent::SagaSucceeded),
        };
        Some(TripSagaEvent::StepSucceeded { step, attempt, sends })
    }

    fn refused(&self, attempt: u32, failure: Failure, to_undo: &[Step]) -> Option<TripSagaEvent> {
        let failed = FailedStep { step: self.at, failure: failure.clone() };
        let sends = first_undo(&self.plan, to_undo, Some(failed))?;
        Some(TripSagaEvent::StepRefused { step: self.at, attempt, failure, sends })
    }

    /// After a fault there is nothing of this step to take back, unless it is in doubt. A payment in doubt is asked for until it is
    /// known: the pivot may be passed (L16).
    fn faulted(&self, fault: Fault, occasion: Occasion) -> Option<TripSagaEvent> {
        let Fault { attempt, failure, in_doubt } = fault;
        // While a payment is in doubt its call in flight answers whichever attempt began it.
        let must_be_known = in_doubt && self.at == PIVOT;
        let stale = attempt != self.attempt && !must_be_known;
        if stale || self.awaiting != Awaiting::Answer {
            return None;
        }
        let attempt = self.attempt;
        let used_up = tries_max(self.at).is_some_and(|tries| attempt >= tries);
        if !must_be_known && (used_up || (self.cancelled && self.at <= PIVOT)) {
            let message = format!("{} It was tried {attempt} times: book again later.", failure.message);
            let to_undo = Self { in_doubt, ..self.clone() }.done_or_in_doubt();
            return self.refused(attempt, Failure::new(Code::Unavailable, message), &to_undo);
        }
        let retry_at = occasion.at + backoff(attempt, occasion.entropy);
        Some(TripSagaEvent::StepFaulted { step: self.at, attempt, failure, retry_at, in_doubt })
    }

    fn wake(&self, occasion: Occasion) -> Option<TripSagaEvent> {
        if !is_due(self.awaiting, occasion) {
            return None;
        }
        let attempt = self.attempt + 1;
        let sends = request(&self.plan, self.at, attempt)?;
        Some(TripSagaEvent::StepRetried { step: self.at, attempt, sends })
    }
}

impl Backward {
    fn answered(&self, answer: Answer, occasion: Occasion) -> Option<TripSagaEvent> {
        if answer.direction != Direction::Undo || answer.step != self.at {
            return None;
        }
        match answer.outcome {
            Outcome::Done => self.undone(answer.attempt),
            Outcome::Refused(failure) | Outcome::Faulted(failure) | Outcome::Unknown(failure) => {
                self.faulted(answer.attempt, failure, occasion)
            }
        }
    }

    fn undone(&self, attempt: u32) -> Option<TripSagaEvent> {
        let Some(next) = self.left.first() else {
            return Some(TripSagaEvent::SagaCompensated { failure: self.failure.clone() });
        };
        let sends = undo(&self.plan, *next, 1, self.failure.clone())?;
        Some(TripSagaEvent::UndoSucceeded { step: self.at, attempt, sends })
    }

    /// An undo is tried without end, and one that is stuck holds back the earlier ones (L15).
    fn faulted(&self, attempt: u32, failure: Failure, occasion: Occasion) -> Option<TripSagaEvent> {
        if attempt != self.attempt || self.awaiting != Awaiting::Answer {
            return None;
        }
        let retry_at = occasion.at + backoff(attempt, occasion.entropy);
        Some(TripSagaEvent::UndoFaulted { step: self.at, attempt, failure, retry_at })
    }

    fn wake(&self, occasion: Occasion) -> Option<TripSagaEvent> {
        if !is_due(self.awaiting, occasion) {
            return None;
        }
        let attempt = self.attempt + 1;
        let sends = undo(&self.plan, self.at, attempt, self.failure.clone())?;
        Some(TripSagaEvent::UndoRetried { step: self.at, attempt, sends })
    }
}

fn first_undo(plan: &TripPlan, done: &[Step], failure: Option<FailedStep>) -> Option<Instruction> {
    undo(plan, *undo_order(done).first()?, 1, failure)
}

fn is_due(awaiting: Awaiting, occasion: Occasion) -> bool {
    matches!(awaiting, Awaiting::Retry(due) if due <= occasion.at)
}
