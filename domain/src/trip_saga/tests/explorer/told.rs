//! What the aggregates of the model are told, and how the moments of what they decide are told.

use chrono::{DateTime, TimeDelta, Utc};

use super::interned::Id;
use super::model::{Model, Word};
use crate::address::address;
use crate::aggregate::{Command, Event};
use crate::booking::BookingCommand;
use crate::failure::{Code, Failure};
use crate::message::GatewayCall;
use crate::occasion::Occasion;
use crate::payment::PaymentCommand;
use crate::testing::samples::{NOW, instant};
use crate::testing::world::trip;
use crate::trip_saga::attention::{OperatorDecision, Resolution};
use crate::trip_saga::{TripSagaCommand, TripSagaEvent};

/// Later than all that is waited for.
pub(super) const FAR: TimeDelta = TimeDelta::days(3_650);

/// A command by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Given {
    Message(Id),
    MessageWhenSoldOut(Id),
    Settled(Id, Id),
    LeftUnknown(Id),
    Wake,
    Cancel,
    Resolve(Word),
}

impl Model {
    pub(super) fn command(&self, given: Given) -> Command {
        let occasion = Occasion { at: now(), entropy: 0 };
        let saga = |command| Command::TripSaga(command);
        match given {
            Given::Message(message) | Given::MessageWhenSoldOut(message) => {
                let Some(addressed) = address(self.messages.get(message), occasion) else { panic!("for the gateway") };
                addressed.command
            }
            Given::Settled(message, ledger) => {
                let told = self.call_of(message).map(|call| (call, self.ledgers.get(ledger).told(call)));
                let Some((GatewayCall { key, kind, .. }, Some(outcome))) = told else { panic!("not in the ledger") };
                let (key, kind) = (key.clone(), kind.clone());
                Command::Payment(PaymentCommand::Settle { booking: trip(), key, kind, outcome })
            }
            Given::LeftUnknown(message) => {
                let Some(call) = self.call_of(message) else { panic!("not a call") };
                let failure = Failure::new(Code::Unavailable, "The gateway does not answer.");
                Command::Payment(PaymentCommand::LeaveUnknown { key: call.key.clone(), failure })
            }
            Given::Wake => saga(TripSagaCommand::Wake { occasion: Occasion { at: now() + FAR, entropy: 0 } }),
            Given::Cancel => Command::Booking(BookingCommand::Cancel { reason: None, at: now() }),
            Given::Resolve(word) => {
                let resolution = match word {
                    Word::Retry => Resolution::Retry,
                    Word::MarkDone => Resolution::MarkDone { reference: "by hand".to_owned() },
                    Word::MarkUndone => Resolution::MarkUndone,
                    Word::GiveUp => Resolution::GiveUp,
                };
                let (actor, reason) = ("operator".to_owned(), "seen".to_owned());
                saga(TripSagaCommand::Resolve {
                    decision: OperatorDecision { resolution, fingerprint: None, actor, reason },
                    occasion,
                })
            }
        }
    }

    /// The event as it had been, had it been decided `since` earlier, by the definition that is explored.
    pub(super) fn tell_as_of_now(&self, event: &mut Event, since: TimeDelta) {
        let Event::TripSaga(event) = event else { return };
        match event {
            TripSagaEvent::SagaStarted { version, sends, .. } => {
                *version = self.bounds.definition;
                if *version == 1 {
                    sends.answer_by = None;
                }
            }
            TripSagaEvent::StepFaulted { retry_at, .. }
            | TripSagaEvent::UndoFaulted { retry_at, .. }
            | TripSagaEvent::AttentionNeeded { retry_at, .. } => *retry_at -= since,
            TripSagaEvent::StepSucceeded { sends, .. }
            | TripSagaEvent::StepRefused { sends, .. }
            | TripSagaEvent::StepRetried { sends, .. }
            | TripSagaEvent::StepTimedOut { sends, .. }
            | TripSagaEvent::Resolved { sends, .. }
            | TripSagaEvent::CancellationNoted { sends: Some(sends) }
            | TripSagaEvent::UndoSucceeded { sends, .. }
            | TripSagaEvent::UndoRetried { sends, .. } => {
                sends.answer_by = sends.answer_by.map(|by| by - since);
            }
            TripSagaEvent::CancellationNoted { sends: None }
            | TripSagaEvent::LateAnswerNoted { .. }
            | TripSagaEvent::SagaSucceeded
            | TripSagaEvent::SagaCompensated { .. }
            | TripSagaEvent::SagaFailed { .. } => {}
        }
    }
}

fn now() -> DateTime<Utc> {
    instant(NOW)
}
