//! An operator's verbs: retry, mark done, mark undone, give up (L18). Each is an event; the same again, when it is so already, is none.

use super::attention::{OperatorDecision, Resolution, Verb, Waiting};
use super::course::{Awaiting, Try, with_finding};
use super::steps::PIVOT;
use super::{Backward, Forward, TripSaga, TripSagaError, TripSagaEvent};
use crate::message::{Direction, Finding, Instruction};
use crate::occasion::Occasion;
use crate::trip::Step;

type Resolved = Result<Option<TripSagaEvent>, TripSagaError>;

/// What a saga under way waits with.
struct Found<'s> {
    waiting: Waiting,
    attention: Option<&'s str>,
    resolved: Option<Verb>,
    is_paid_with_points: bool,
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

impl Found<'_> {
    /// Whether the decision is carried out; if not, it is so already.
    fn admits(&self, decision: &OperatorDecision) -> Result<bool, TripSagaError> {
        let verb = decision.resolution.verb();
        match (self.attention, decision.fingerprint.as_deref()) {
            (Some(waits), Some(meant)) if waits != meant => return Err(TripSagaError::AnotherReason),
            (None, Some(_)) => return so_already(self.resolved, verb).map(|()| false),
            _ => {}
        }
        match self.waiting.refusal(verb) {
            // A gateway may not be able to tell; an account always is, and evidence beside it would count the points twice.
            None if self.waiting.step == PIVOT && self.is_paid_with_points && verb.is_evidence() => {
                Err(TripSagaError::AccountTells)
            }
            None => Ok(true),
            // It is being tried this very moment.
            Some(TripSagaError::NothingToResolve) if self.attention.is_some() => Ok(false),
            Some(TripSagaError::NothingToResolve) => so_already(self.resolved, verb).map(|()| false),
            Some(refusal) => Err(refusal),
        }
    }
}

impl Forward {
    pub(super) fn waiting(&self) -> Waiting {
        waiting(self.at, Direction::Request, self.awaiting, self.attention.as_deref())
    }

    fn resolve(&self, decision: OperatorDecision, occasion: Occasion) -> Resolved {
        let Self { at, resolved, .. } = *self;
        let (waiting, attention) = (self.waiting(), self.attention.as_deref());
        let is_paid_with_points = self.course.is_paid_with_points();
        if !(Found { waiting, attention, resolved, is_paid_with_points }).admits(&decision)? {
            return Ok(None);
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
    pub(super) fn waiting(&self) -> Waiting {
        waiting(self.at, Direction::Undo, self.awaiting, self.attention.as_deref())
    }

    fn resolve(&self, decision: OperatorDecision, occasion: Occasion) -> Resolved {
        let Self { at, resolved, .. } = *self;
        let (waiting, attention) = (self.waiting(), self.attention.as_deref());
        let is_paid_with_points = self.course.is_paid_with_points();
        if !(Found { waiting, attention, resolved, is_paid_with_points }).admits(&decision)? {
            return Ok(None);
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

const fn waiting(step: Step, direction: Direction, awaiting: Awaiting, attention: Option<&str>) -> Waiting {
    let for_answer = matches!(awaiting, Awaiting::Answer { .. });
    Waiting { step, direction, for_answer, is_called: attention.is_some() }
}

/// The same verb again, with nothing in between that would need it once more, changes nothing.
fn so_already(last: Option<Verb>, verb: Verb) -> Result<(), TripSagaError> {
    if last == Some(verb) { Ok(()) } else { Err(TripSagaError::NothingToResolve) }
}

fn event(decision: OperatorDecision, (step, direction): (Step, Direction), sends: Instruction) -> TripSagaEvent {
    let OperatorDecision { resolution, actor, reason, .. } = decision;
    TripSagaEvent::Resolved { verb: resolution.verb(), step, direction, actor, reason, sends }
}
