//! A dead letter as it is printed; its JSON is part of the program's contract.

use chrono::{DateTime, Utc};
use serde::Serialize;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::failure::Code;

use super::letter::{Entry, Letter, Outlook};

/// What is told of every letter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) letter_id: String,
    pub(super) booking_id: Option<String>,
    pub(super) state: &'static str,
    pub(super) outlook: &'static str,
    pub(super) what: String,
    pub(super) code: Option<Code>,
    pub(super) reason: Option<String>,
    pub(super) times: usize,
    pub(super) set_aside_at: DateTime<Utc>,
    pub(super) next_wake_up: Option<DateTime<Utc>>,
    pub(super) cause: Option<Cause>,
}

/// Where it came from.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Cause {
    Event { stream: String, sequence: u64, place: u32 },
    Record { topic: String, partition: i32, offset: u64 },
}

/// What is told of one letter.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    pub(super) letter: Record,
    pub(super) history: Vec<Line>,
    pub(super) verbs: Vec<&'static str>,
}

/// One thing that happened to it.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) at: DateTime<Utc>,
    /// As a text, as in the API.
    pub(super) position: String,
    #[serde(rename = "type")]
    pub(super) event_type: &'static str,
    /// The operator; absent where nobody decided.
    pub(super) actor: Option<String>,
    pub(super) text: String,
}

impl From<&Letter> for Record {
    fn from(letter: &Letter) -> Self {
        Self {
            letter_id: letter.id.to_string(),
            booking_id: letter.booking().map(|booking| booking.to_string()),
            state: letter.state(),
            outlook: letter.outlook().as_str(),
            what: letter.what(),
            code: letter.reason().map(|reason| reason.code),
            reason: letter.reason().map(|reason| reason.message.clone()),
            times: letter.times(),
            set_aside_at: letter.entries[0].at,
            next_wake_up: letter.wakes_at,
            cause: cause(&letter.entries[0].event),
        }
    }
}

impl From<&Letter> for Whole {
    fn from(letter: &Letter) -> Self {
        let history = letter.entries.iter().map(Line::from).collect();
        Self { letter: letter.into(), history, verbs: verbs(letter.outlook()).to_vec() }
    }
}

impl From<&Entry> for Line {
    fn from(entry: &Entry) -> Self {
        let (event_type, actor, text) = match &entry.event {
            DeadLetterEvent::MessageDeadLettered { failure, .. } => {
                ("MessageDeadLettered", None, failure.message.clone())
            }
            DeadLetterEvent::RecordDeadLettered { failure, .. } => {
                ("RecordDeadLettered", None, failure.message.clone())
            }
            DeadLetterEvent::LetterRetried { actor, reason, .. } => {
                ("LetterRetried", Some(actor.clone()), reason.clone())
            }
            DeadLetterEvent::LetterDiscarded { actor, reason, .. } => {
                ("LetterDiscarded", Some(actor.clone()), reason.clone())
            }
        };
        Self { at: entry.at, position: entry.position.to_string(), event_type, actor, text }
    }
}

/// The verbs that would be taken now.
pub(super) const fn verbs(outlook: Outlook) -> &'static [&'static str] {
    if matches!(outlook, Outlook::Discarded) { &[] } else { &["retry", "discard"] }
}

fn cause(event: &DeadLetterEvent) -> Option<Cause> {
    match event {
        DeadLetterEvent::MessageDeadLettered { cause_stream, cause_sequence, place, .. } => {
            Some(Cause::Event { stream: cause_stream.clone(), sequence: *cause_sequence, place: *place })
        }
        DeadLetterEvent::RecordDeadLettered { topic, partition, offset, .. } => {
            Some(Cause::Record { topic: topic.clone(), partition: *partition, offset: *offset })
        }
        DeadLetterEvent::LetterRetried { .. } | DeadLetterEvent::LetterDiscarded { .. } => None,
    }
}

/// An instant to the second, for people.
pub(super) fn instant(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
}
