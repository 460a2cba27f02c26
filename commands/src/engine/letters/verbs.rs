//! Operators' verbs about letters: events of the letter's own stream, and its wake-up, in one append.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::dead_letter::{DeadLetter, DeadLetterCommand};
use traveladvisor_domain::id::StreamId;

use crate::engine::batch::DecidedBy;
use crate::engine::decide::Decider;
use crate::engine::job::Origin;
use crate::request::LetterVerb;

impl LetterVerb {
    pub(in crate::engine) fn command(self, actor: &str, reason: &str) -> DeadLetterCommand {
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        match self {
            Self::Retry => DeadLetterCommand::Retry { actor, reason },
            Self::Discard => DeadLetterCommand::Discard { actor, reason },
        }
    }
}

impl Decider<'_, '_> {
    /// Whether an operator has given this letter up; absent when it is not in memory. The append checks that it is so still.
    pub(in crate::engine) fn is_discarded(&mut self, letter: StreamId) -> Option<bool> {
        Some(self.letter(letter)?.is_discarded())
    }

    /// Whoever owns the timers brings the message again at once, or never.
    pub(in crate::engine) fn wake_letter(&mut self, letter: StreamId, verb: LetterVerb, now: DateTime<Utc>) {
        // Behind a timer's letter stands no message: its saga's own timer fires.
        let timer = self.letter(letter).and_then(|known| known.timer(letter.uuid));
        match verb {
            LetterVerb::Retry => self.batch.postpone(timer.unwrap_or(letter), now),
            LetterVerb::Discard => self.batch.rewake(letter),
        }
    }

    fn letter(&mut self, letter: StreamId) -> Option<DeadLetter> {
        match self.batch.read(self.states, letter)?.aggregate {
            Aggregate::DeadLetter(known) => Some(known),
            _ => None,
        }
    }
}

/// What is said of a letter belongs together with its trip, like the letter itself.
pub(in crate::engine) fn with_its_trip(by: DecidedBy, decided: &[Event]) -> DecidedBy {
    let Some(Event::DeadLetter(event)) = decided.first() else { return by };
    let Some(booking) = event.booking() else { return by };
    let origin = Arc::new(Origin { correlation: booking.to_string(), ..(*by.origin).clone() });
    DecidedBy { origin, ..by }
}
