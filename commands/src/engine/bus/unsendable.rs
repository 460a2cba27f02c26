//! What can never be sent to other logs: it becomes a letter, so that somebody hears of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use traveladvisor_domain::bus::{Announcement, Content, Parcel};
use traveladvisor_domain::dead_letter::UnansweredInstruction;
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::StoredEvent;
use traveladvisor_infra::kafka::RECORD_BYTES_MAX;

use super::super::core::aside::{instruction_of, letter};
use super::super::job::{Cause, Origin, SoThat, Task};
use super::super::limits::{DEAD_LETTER_PAUSE, EVENT_BYTES_SURELY_FIT, RECORD_FRAME_BYTES};
use super::Post;

/// What was to be sent, as far as its letter tells.
#[derive(Clone)]
pub(crate) struct Unsendable {
    /// Tells of a letter: one about it would have to be told as well, and so on for ever.
    is_of_letter: bool,
    cause: Cause,
    origin: Arc<Origin>,
    booking: Option<BookingId>,
    instruction: Option<UnansweredInstruction>,
    /// A message that nobody would ask for once more comes again; an announcement does not.
    comes_again: bool,
}

impl Unsendable {
    pub(crate) fn of(content: Content<'_>, cause: Cause, origin: Arc<Origin>) -> Self {
        let is_of_letter = matches!(content, Content::Announcement(_, Announcement::Letter(_)));
        let (booking, instruction, comes_again) = match content {
            Content::Message(message) => {
                let instruction = instruction_of(message);
                (Some(message.booking), instruction, instruction.is_none())
            }
            Content::Announcement(_, announced) => (announced.booking(), None, false),
        };
        Self { is_of_letter, cause, origin, booking, instruction, comes_again }
    }

    /// The job that sets it aside; none of what tells of a letter, which stands in the log all the same.
    pub(crate) fn letter(self, why: &str, now: DateTime<Utc>) -> Option<(Task, Arc<Origin>)> {
        tracing::error!(stream = %self.cause.stream, sequence = self.cause.sequence, why, "what is for others can never be sent: it is set aside");
        if self.is_of_letter {
            return None;
        }
        let failure = Failure::new(Code::Internal, format!("It could not be sent to other logs: {why}."));
        let (stream, letter) = letter(self.booking, self.cause, self.instruction, failure);
        let so_that =
            if self.comes_again { SoThat::MessageComes { at: now + DEAD_LETTER_PAUSE } } else { SoThat::SagaHears };
        Some((Task::SetAside { stream, letter: Box::new(letter), so_that }, self.origin))
    }
}

impl Post {
    /// Checks whether a record can be sent at all, by the relay as by a connector.
    ///
    /// Errors: it is too large.
    pub(crate) fn check(parcel: &Parcel) -> Result<(), String> {
        let headers: usize = parcel.headers().iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = parcel.key.len() + parcel.payload.len() + headers + RECORD_FRAME_BYTES;
        if bytes > RECORD_BYTES_MAX {
            return Err(format!("its record has {bytes} bytes, and {RECORD_BYTES_MAX} are allowed"));
        }
        Ok(())
    }
}

/// Whether nothing that an event has to say can be too large, told without packing it: a message says no more than its event and an envelope.
pub(crate) fn surely_fits(stored: &StoredEvent) -> bool {
    stored.payload.len() + stored.metadata.len() < EVENT_BYTES_SURELY_FIT
}
