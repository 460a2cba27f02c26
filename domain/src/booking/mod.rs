//! A trip as its owner sees it: requested, then approved or cancelled as a whole.

mod command;
mod error;
mod event;
pub mod quote;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use command::{BookingCommand, REASON_CHARS_MAX};
pub use error::BookingError;
pub use event::BookingEvent;

use crate::aggregate::cqrs_aggregate;
use crate::id::StreamKind;
use crate::message::{Answer, Direction, Outcome};
use crate::trip::Step;

/// The states of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Booking {
    /// No such booking.
    #[default]
    Absent,
    /// Asked for; the saga is at work.
    Pending {
        /// The first moment of the trip.
        starts_at: DateTime<Utc>,
    },
    /// Everything stands.
    Approved {
        /// The first moment of the trip.
        starts_at: DateTime<Utc>,
        /// The attempt that was answered.
        attempt: u32,
    },
    /// The traveller wants it cancelled; it was approved before or meanwhile if an attempt is there.
    Cancelling {
        /// The attempt of the approval that was answered.
        approved: Option<u32>,
    },
    /// Nothing stands.
    Cancelled {
        /// The attempt that was answered.
        attempt: u32,
    },
}

impl Booking {
    /// What the command makes happen. No events: it is so already.
    pub fn decide(&self, command: BookingCommand) -> Result<Vec<BookingEvent>, BookingError> {
        match command {
            BookingCommand::Request { owner, traveller, plan } => Ok(match self {
                Self::Absent => vec![BookingEvent::BookingRequested { owner, traveller, plan }],
                _ => Vec::new(),
            }),
            BookingCommand::Cancel { reason, at } => self.cancel(reason, at),
            BookingCommand::Approve { attempt } => Ok(self.approve(attempt)),
            BookingCommand::Close { attempt, failure } => Ok(match self {
                Self::Cancelled { attempt: answered } => repeat(*answered, attempt, Direction::Undo),
                _ => vec![BookingEvent::BookingCancelled { attempt, failure }],
            }),
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &BookingEvent) {
        *self = match (*self, event) {
            (_, BookingEvent::BookingRequested { plan, .. }) => Self::Pending { starts_at: plan.starts_at },
            (Self::Approved { attempt, .. }, BookingEvent::CancellationRequested { .. }) => {
                Self::Cancelling { approved: Some(attempt) }
            }
            (_, BookingEvent::CancellationRequested { .. }) => Self::Cancelling { approved: None },
            (Self::Pending { starts_at }, BookingEvent::BookingApproved { attempt }) => {
                Self::Approved { starts_at, attempt: *attempt }
            }
            (_, BookingEvent::BookingApproved { attempt }) => Self::Cancelling { approved: Some(*attempt) },
            (_, BookingEvent::BookingCancelled { attempt, .. }) => Self::Cancelled { attempt: *attempt },
            (state, BookingEvent::AnswerRepeated { answer }) => state.answered_again(answer.attempt),
        };
    }

    fn cancel(&self, reason: Option<String>, at: DateTime<Utc>) -> Result<Vec<BookingEvent>, BookingError> {
        match self {
            Self::Absent => Err(BookingError::NotFound),
            Self::Pending { starts_at } | Self::Approved { starts_at, .. } if at >= *starts_at => {
                Err(BookingError::TripBegun { starts_at: *starts_at })
            }
            Self::Pending { .. } | Self::Approved { .. } => Ok(vec![BookingEvent::CancellationRequested { reason }]),
            Self::Cancelling { .. } | Self::Cancelled { .. } => Ok(Vec::new()),
        }
    }

    fn approve(&self, attempt: u32) -> Vec<BookingEvent> {
        match self {
            Self::Pending { .. } | Self::Cancelling { approved: None } => {
                vec![BookingEvent::BookingApproved { attempt }]
            }
            Self::Approved { attempt: answered, .. } | Self::Cancelling { approved: Some(answered) } => {
                repeat(*answered, attempt, Direction::Request)
            }
            Self::Absent | Self::Cancelled { .. } => Vec::new(),
        }
    }

    fn answered_again(self, attempt: u32) -> Self {
        match self {
            Self::Approved { starts_at, .. } => Self::Approved { starts_at, attempt },
            Self::Cancelling { .. } => Self::Cancelling { approved: Some(attempt) },
            Self::Cancelled { .. } => Self::Cancelled { attempt },
            other => other,
        }
    }
}

/// The same message again writes nothing; a new attempt of what is settled gets its answer once.
fn repeat(answered: u32, attempt: u32, direction: Direction) -> Vec<BookingEvent> {
    if attempt <= answered {
        return Vec::new();
    }
    let answer = Answer { step: Step::Approve, direction, attempt, outcome: Outcome::Done };
    vec![BookingEvent::AnswerRepeated { answer }]
}

cqrs_aggregate!(Booking, StreamKind::Booking, BookingCommand, BookingEvent, BookingError, |state, command| state
    .decide(command));
