//! What becomes of a job that cannot be decided (L10).

use traveladvisor_domain::dead_letter::{DeadLetterEvent, UnansweredInstruction, timer_letter};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_domain::message::{Body, Message};

use super::super::bus::letter_of;
use super::super::job::{Cause, Done, Job, Report, SoThat, Task};
use super::super::limits::DEAD_LETTER_PAUSE;
use super::{Core, answer_caller};
use crate::request::Rejection;

impl Core {
    /// A guilty caller is answered INTERNAL and leaves nothing; a guilty message or timer becomes a dead letter, and something is left that
    /// brings its trip on all the same.
    pub(super) fn set_aside(&self, job: Job, reason: &str) -> Option<Job> {
        let Report::Source(_) = &job.report else {
            answer_caller(job, Err(Rejection::new(Code::Internal, "The command failed on our side: report it.")));
            return None;
        };
        let failure = Failure::new(Code::Internal, format!("The message could not be handled: {reason}."));
        let later = job.occasion.at + DEAD_LETTER_PAUSE;
        let ((stream, letter), so_that) = match &job.task {
            Task::Message { message, cause, letter: again } => {
                let instruction = instruction_of(message);
                let so_that =
                    if instruction.is_some() { SoThat::SagaHears } else { SoThat::MessageComes { at: later } };
                let letter = match again {
                    Some(again) => (again.stream, again.written.clone().because(failure)),
                    None => letter(Some(message.booking), *cause, instruction, failure),
                };
                (letter, so_that)
            }
            Task::Record { message, message_id, place } => {
                let instruction = instruction_of(message);
                let so_that =
                    if instruction.is_some() { SoThat::SagaHears } else { SoThat::MessageComes { at: later } };
                (letter_of(place, Some(*message_id), Some(message.booking), instruction, reason), so_that)
            }
            Task::Settle { booking, call, cause, .. } => {
                let so_that = SoThat::PaymentAsks { payment: booking.payment(), key: call.key.clone() };
                (letter(Some(*booking), *cause, None, failure), so_that)
            }
            Task::Wake { stream } => {
                let so_that = SoThat::TimerFires { saga: *stream, at: later };
                (letter(Some(BookingId(stream.uuid)), self.timer_cause(*stream), None, failure), so_that)
            }
            // The payment can take nothing in: its saga asks again at its deadline.
            Task::SetAside { stream, letter, so_that: SoThat::PaymentAsks { .. } } => {
                ((*stream, (**letter).clone()), SoThat::SagaHears)
            }
            Task::SetAside { .. } | Task::MoveWakeup { .. } | Task::Caller { .. } => {
                tracing::error!(reason, "a dead letter could not be written; it comes again");
                job.tell_source(Done::Again);
                return None;
            }
        };
        Some(Job { task: Task::SetAside { stream, letter: Box::new(letter), so_that }, alone: true, ..job })
    }

    /// No message stands behind a timer: one letter for each event of the saga after which it cannot be handled, however often it fires.
    fn timer_cause(&self, saga: StreamId) -> Cause {
        let sequence = self.states.view(saga).map_or(0, |state| state.sequence);
        Cause { stream: saga, sequence, place: 0, message_id: timer_letter(saga, sequence) }
    }
}

pub(in crate::engine) fn letter(
    booking: Option<BookingId>,
    cause: Cause,
    instruction: Option<UnansweredInstruction>,
    failure: Failure,
) -> (StreamId, DeadLetterEvent) {
    let event = DeadLetterEvent::MessageDeadLettered {
        booking,
        cause_stream: cause.stream.to_string(),
        cause_sequence: cause.sequence,
        place: cause.place as u32,
        instruction,
        failure,
    };
    (StreamId::new(StreamKind::DeadLetter, cause.message_id), event)
}

pub(in crate::engine) fn instruction_of(message: &Message) -> Option<UnansweredInstruction> {
    let Body::Instruction(asked) = &message.body else { return None };
    Some(UnansweredInstruction { step: asked.order.step(), direction: asked.direction, attempt: asked.attempt })
}
