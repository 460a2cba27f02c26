//! An answer, a cancellation, a timer or an operator's verb in; events with their instructions out.

use super::course::{Course, Try};
use super::steps::{CURRENT, DEFINITION, Definition};
use super::{TripSaga, TripSagaCommand, TripSagaError, TripSagaEvent};
use crate::occasion::Occasion;
use crate::trip::{Step, TripPlan};

impl TripSaga {
    /// What the command makes happen. What is late, stale or known already makes nothing happen.
    ///
    /// Errors: an operator's verb that does not fit, or a saga that follows a definition which this program does not have.
    pub fn decide(&self, command: TripSagaCommand) -> Result<Vec<TripSagaEvent>, TripSagaError> {
        if let Some(Course { definition, .. }) = self.course()
            && Definition::of(*definition).is_none()
        {
            return Err(TripSagaError::UnknownDefinition(*definition));
        }
        let event = match (self, command) {
            (Self::NotStarted | Self::CancelledEarly, TripSagaCommand::Start { plan, occasion }) => {
                self.start(plan, occasion)
            }
            (Self::Forward(forward), TripSagaCommand::Answer { answer, occasion }) => {
                forward.answered(answer, occasion)
            }
            (Self::Backward(backward), TripSagaCommand::Answer { answer, occasion }) => {
                backward.answered(answer, occasion)
            }
            (_, TripSagaCommand::Cancel { occasion }) => self.cancel(occasion),
            (Self::Forward(forward), TripSagaCommand::Wake { occasion }) => forward.wake(occasion),
            (Self::Backward(backward), TripSagaCommand::Wake { occasion }) => backward.wake(occasion),
            (_, TripSagaCommand::Resolve { decision, occasion }) => self.resolve(decision, occasion)?,
            _ => None,
        };
        Ok(event.into_iter().collect())
    }

    /// A cancellation that came first is carried out at once: the first instruction closes the booking.
    fn start(&self, plan: TripPlan, occasion: Occasion) -> Option<TripSagaEvent> {
        let course = Course { plan, definition: CURRENT.version };
        let steps = CURRENT.steps_of(&course.plan);
        let sends = match self {
            Self::CancelledEarly => course.undo(Try { step: Step::Approve, attempt: 1 }, None, occasion)?,
            _ => course.request(Try { step: *steps.first()?, attempt: 1 }, occasion)?,
        };
        let (definition, version) = (DEFINITION.to_owned(), course.definition);
        Some(TripSagaEvent::SagaStarted { definition, version, steps, plan: course.plan, sends })
    }

    /// Recorded at once, whatever is under way (L17).
    fn cancel(&self, occasion: Occasion) -> Option<TripSagaEvent> {
        match self {
            Self::NotStarted => Some(TripSagaEvent::CancellationNoted { sends: None }),
            Self::Forward(forward) => forward.cancel(occasion),
            Self::Succeeded { course, done, .. } => {
                let sends = course.first_undo(done, None, occasion);
                Some(TripSagaEvent::CancellationNoted { sends })
            }
            Self::CancelledEarly | Self::Backward(_) | Self::Compensated { .. } | Self::Failed { .. } => None,
        }
    }
}
