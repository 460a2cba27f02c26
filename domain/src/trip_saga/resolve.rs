//! An operator's verbs: retry, mark done, mark undone, give up (L18). Each is an event; the same again, when it is so already, is none.

use super::attention::{OperatorDecision, Resolution, Verb};
use super::course::{Awaiting, Try, with_finding};
use super::steps::PIVOT;
use super::{Backward, Forward, TripSaga, TripSagaError, TripSagaEvent};
use crate::message::{Direction, Finding, Instruction};
use crate::occasion::Occasion;
use crate::trip::Step;

type Resolved = Result<Option<TripSagaEvent>, TripSagaError>;

/// What a saga under way waits with.
struct Waiting<'s> {
    at: Step,
    attention: Option<&'s str>,
    awaiting: Awaiting,
    resolved: Option<Verb>,
}

impl TripSaga {
    pub(super) fn resolve(&self, decision: OperatorDecision, occasion: Occasion) -> Resolved {
        match self {
            Self::NotStarted | Self::CancelledEarly => Err(TripSagaError::NotFound),
            Self::Forward(forward) => forward.resolve(decision, occasion),
            Self::Backward(backward) => backward.resolve(decision, occasion),
            Self::Succeeded { resolved, .. } | Self::Compensated { resolved } | Self::Failed { resolved } => {
                so_already(*resolved, decision.resolution.verb()).map(|()| None)
            }
        }
    }
}

impl Waiting<'_> {
    /// Whether the decision is carried out; if not, it is so already.
    fn admits(&self, decision: &OperatorDecision) -> Result<bool, TripSagaError> {
        let meant = decision.fingerprint.as_deref();
        match (self.attention, self.awaiting, decision.resolution.verb()) {
            (Some(waits), ..) if meant.is_some_and(|meant| meant != waits) => Err(TripSagaError::AnotherReason),
            // It is being tried this very moment.
            (Some(_), Awaiting::Answer { .. }, Verb::Retry) => Ok(false),
            (Some(_), Awaiting::Answer { .. }, _) if self.at == PIVOT => Err(TripSagaError::BeingAsked),
            (Some(_), ..) => Ok(true),
            (None, Awaiting::Retry { .. }, Verb::Retry) if meant.is_none() => Ok(true),
            (None, _, verb) => so_already(self.resolved, verb).map(|()| false),
        }
    }
}

impl Forward {
    fn resolve(&self, decision: OperatorDecision, occasion: Occasion) -> Resolved {
        let Self { at, awaiting, resolved, .. } = *self;
        if !(Waiting { at, attention: self.attention.as_deref(), awaiting, resolved }).admits(&decision)? {
            return Ok(None);
        }
        if at != PIVOT && decision.resolution != Resolution::Retry {
            return Err(TripSagaError::OnlyRetry);
        }
        let again = || self.course.request(Try { step: at, attempt: self.attempt + 1 }, occasion);
        let sends = match &decision.resolution {
            Resolution::Retry => again(),
            Resolution::MarkDone { reference } => {
                let reference = reference.clone();
                again().map(|sends| with_finding(sends, Finding::Taken { reference }))
            }
            Resolution::MarkUndone => again().map(|sends| with_finding(sends, Finding::NotTaken)),
            Resolution::GiveUp => self.course.first_undo(&self.done, None, occasion),
        };
        Ok(sends.map(|sends| event(decision, (at, Direction::Request), sends)))
    }
}

impl Backward {
    fn resolve(&self, decision: OperatorDecision, occasion: Occasion) -> Resolved {
        let Self { at, awaiting, resolved, .. } = *self;
        if !(Waiting { at, attention: self.attention.as_deref(), awaiting, resolved }).admits(&decision)? {
            return Ok(None);
        }
        if at == Step::Approve && decision.resolution != Resolution::Retry {
            return Err(TripSagaError::OnlyRetry);
        }
        let sends = match decision.resolution {
            Resolution::Retry => self.again(occasion),
            Resolution::MarkDone { .. } => return Err(TripSagaError::OnlyPaymentsAreMarkedDone),
            // The payment hears of it, so that its own history tells where the money is.
            Resolution::MarkUndone if at == PIVOT => {
                self.again(occasion).map(|sends| with_finding(sends, Finding::GivenBack))
            }
            Resolution::MarkUndone | Resolution::GiveUp => self.next(occasion),
        };
        Ok(sends.map(|sends| event(decision, (at, Direction::Undo), sends)))
    }
}

/// The same verb again, with nothing in between that would need it once more, changes nothing.
fn so_already(last: Option<Verb>, verb: Verb) -> Result<(), TripSagaError> {
    if last == Some(verb) { Ok(()) } else { Err(TripSagaError::NothingToResolve) }
}

fn event(decision: OperatorDecision, (step, direction): (Step, Direction), sends: Instruction) -> TripSagaEvent {
    let OperatorDecision { resolution, actor, reason, .. } = decision;
    TripSagaEvent::Resolved { verb: resolution.verb(), step, direction, actor, reason, sends }
}
