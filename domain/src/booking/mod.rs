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
use crate::points::Earning;
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
        /// The points that it brings once it is approved.
        earns: Option<Earning>,
    },
    /// Everything stands.
    Approved {
        /// The first moment of the trip.
        starts_at: DateTime<Utc>,
        /// The attempt that was answered.
        attempt: u32,
        /// The points that it has brought.
        earns: Option<Earning>,
    },
    /// The traveller wants it cancelled; it was approved before or meanwhile if an attempt is there.
    Cancelling {
        /// The attempt of the approval that was answered.
        approved: Option<u32>,
        /// The points that it brings with the approval.
        earns: Option<Earning>,
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
                _ => vec![BookingEvent::BookingCancelled { attempt, failure, reverses: self.earned() }],
            }),
        }
    }

    /// Takes an event into the state.
    pub fn apply(&mut self, event: &BookingEvent) {
        *self = match (*self, event) {
            (_, BookingEvent::BookingRequested { plan, .. }) => {
                Self::Pending { starts_at: plan.starts_at, earns: plan.earns }
            }
            (Self::Approved { attempt, earns, .. }, BookingEvent::CancellationRequested { .. }) => {
                Self::Cancelling { approved: Some(attempt), earns }
            }
            (Self::Pending { earns, .. }, BookingEvent::CancellationRequested { .. }) => {
                Self::Cancelling { approved: None, earns }
            }
            (_, BookingEvent::CancellationRequested { .. }) => Self::Cancelling { approved: None, earns: None },
            (Self::Pending { starts_at, .. }, BookingEvent::BookingApproved { attempt, earns }) => {
                Self::Approved { starts_at, attempt: *attempt, earns: *earns }
            }
            (_, BookingEvent::BookingApproved { attempt, earns }) => {
                Self::Cancelling { approved: Some(*attempt), earns: *earns }
            }
            (_, BookingEvent::BookingCancelled { attempt, .. }) => Self::Cancelled { attempt: *attempt },
            (state, BookingEvent::AnswerRepeated { answer }) => state.answered_again(answer.attempt),
        };
    }

    fn cancel(&self, reason: Option<String>, at: DateTime<Utc>) -> Result<Vec<BookingEvent>, BookingError> {
        match self {
            Self::Absent => Err(BookingError::NotFound),
            Self::Pending { starts_at, .. } | Self::Approved { starts_at, .. } if at >= *starts_at => {
                Err(BookingError::TripBegun { starts_at: *starts_at })
            }
            Self::Pending { .. } | Self::Approved { .. } => Ok(vec![BookingEvent::CancellationRequested { reason }]),
            Self::Cancelling { .. } | Self::Cancelled { .. } => Ok(Vec::new()),
        }
    }

    fn approve(&self, attempt: u32) -> Vec<BookingEvent> {
        match self {
            Self::Pending { earns, .. } | Self::Cancelling { approved: None, earns } => {
                vec![BookingEvent::BookingApproved { attempt, earns: *earns }]
            }
            Self::Approved { attempt: answered, .. } | Self::Cancelling { approved: Some(answered), .. } => {
                repeat(*answered, attempt, Direction::Request)
            }
            Self::Absent | Self::Cancelled { .. } => Vec::new(),
        }
    }

    /// The points that an approval has brought.
    const fn earned(&self) -> Option<Earning> {
        match self {
            Self::Approved { earns, .. } | Self::Cancelling { approved: Some(_), earns } => *earns,
            _ => None,
        }
    }

    fn answered_again(self, attempt: u32) -> Self {
        match self {
            Self::Approved { starts_at, earns, .. } => Self::Approved { starts_at, attempt, earns },
            Self::Cancelling { earns, .. } => Self::Cancelling { approved: Some(attempt), earns },
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
