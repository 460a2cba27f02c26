//! An operator's verbs: retry, mark done, mark undone, give up (L18). Each is an event; the same again, when it is so already, is none.

use super::attention::{Resolution, Verb};
use super::course::{Awaiting, Try, with_finding};
use super::steps::PIVOT;
use super::{Backward, Forward, TripSaga, TripSagaError, TripSagaEvent};
use crate::message::{Direction, Finding, Instruction};
use crate::occasion::Occasion;
use crate::trip::Step;

/// Actor and reason.
type Signed = (String, String);
type Resolved = Result<Option<TripSagaEvent>, TripSagaError>;

impl TripSaga {
    pub(super) fn resolve(&self, resolution: Resolution, signed: Signed, occasion: Occasion) -> Resolved {
        match self {
            Self::NotStarted | Self::CancelledEarly => Err(TripSagaError::NotFound),
            Self::Forward(forward) => forward.resolve(resolution, signed, occasion),
            Self::Backward(backward) => backward.resolve(&resolution, signed, occasion),
            Self::Succeeded { resolved, .. } | Self::Compensated { resolved } | Self::Failed { resolved } => {
                so_already(*resolved, resolution.verb())
            }
        }
    }
}

impl Forward {
    fn resolve(&self, resolution: Resolution, signed: Signed, occasion: Occasion) -> Resolved {
        let verb = resolution.verb();
        match (&self.attention, self.awaiting, verb) {
            // It is being tried this very moment.
            (Some(_), Awaiting::Answer { .. }, Verb::Retry) => return Ok(None),
            (Some(_), ..) | (None, Awaiting::Retry { .. }, Verb::Retry) => {}
            (None, ..) => return so_already(self.resolved, verb),
        }
        if self.at != PIVOT && verb != Verb::Retry {
            return Err(TripSagaError::OnlyRetry);
        }
        let again = || self.course.request(Try { step: self.at, attempt: self.attempt + 1 }, occasion);
        let sends = match resolution {
            Resolution::Retry => again(),
            Resolution::MarkDone { reference } => {
                again().map(|sends| with_finding(sends, Finding::Taken { reference }))
            }
            Resolution::MarkUndone => again().map(|sends| with_finding(sends, Finding::NotTaken)),
            Resolution::GiveUp => self.course.first_undo(&self.done, None, occasion),
        };
        Ok(sends.map(|sends| resolved(verb, (self.at, Direction::Request), signed, sends)))
    }
}

impl Backward {
    fn resolve(&self, resolution: &Resolution, signed: Signed, occasion: Occasion) -> Resolved {
        let verb = resolution.verb();
        match (&self.attention, self.awaiting, verb) {
            // It is being tried this very moment.
            (Some(_), Awaiting::Answer { .. }, Verb::Retry) => return Ok(None),
            (Some(_), ..) | (None, Awaiting::Retry { .. }, Verb::Retry) => {}
            (None, ..) => return so_already(self.resolved, verb),
        }
        if self.at == Step::Approve && verb != Verb::Retry {
            return Err(TripSagaError::OnlyRetry);
        }
        let sends = match resolution {
            Resolution::Retry => self.again(occasion),
            Resolution::MarkDone { .. } => return Err(TripSagaError::OnlyPaymentsAreMarkedDone),
            // The payment hears of it, so that its own history tells where the money is.
            Resolution::MarkUndone if self.at == PIVOT => {
                self.again(occasion).map(|sends| with_finding(sends, Finding::GivenBack))
            }
            Resolution::MarkUndone | Resolution::GiveUp => self.next(occasion),
        };
        Ok(sends.map(|sends| resolved(verb, (self.at, Direction::Undo), signed, sends)))
    }
}

/// The same verb again, with nothing in between that would need it once more, changes nothing.
fn so_already(last: Option<Verb>, verb: Verb) -> Resolved {
    if last == Some(verb) { Ok(None) } else { Err(TripSagaError::NothingToResolve) }
}

fn resolved(verb: Verb, what: (Step, Direction), signed: Signed, sends: Instruction) -> TripSagaEvent {
    let ((step, direction), (actor, reason)) = (what, signed);
    TripSagaEvent::Resolved { verb, step, direction, actor, reason, sends }
}
