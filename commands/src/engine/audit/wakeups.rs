//! The wake-ups that stand are those that the streams ask for, and the other way round.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::dead_letter::{DeadLetterEvent, timer_letter};
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_domain::shape::Events;
use traveladvisor_domain::trip_saga::TripSagaEvent;
use traveladvisor_infra::event_log::{EventLog, LogError, StoredEvent};

use super::{Audit, Damage};
use crate::engine::state::State;

/// Wake-ups read with one statement.
const PAGE: usize = 1_000;
/// How often a stream and its row are read before it is believed that they differ: an append may come between the two reads.
const LOOKS_MAX: u32 = 5;
/// Digits of a second that Postgres keeps.
const SUBSECOND_DIGITS: u16 = 6;
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Sagas that have not ended.
#[derive(Default)]
pub(super) struct Sagas {
    open: HashSet<StreamId>,
}

impl Sagas {
    pub(super) fn note(&mut self, stored: &StoredEvent, events: Option<&Events>) {
        if stored.stream.kind != StreamKind::TripSaga {
            return;
        }
        let ends = |event: &Event| {
            use TripSagaEvent::{SagaCompensated, SagaFailed, SagaSucceeded};
            matches!(event, Event::TripSaga(SagaSucceeded | SagaCompensated { .. } | SagaFailed { .. }))
        };
        if events.is_some_and(|events| events.iter().last().is_some_and(ends)) {
            self.open.remove(&stored.stream);
        } else {
            self.open.insert(stored.stream);
        }
    }

    /// Compares both ways: what open sagas ask for with the rows, then all rows with what their streams ask for.
    pub(super) async fn judge(mut self, log: &EventLog, audit: &mut Audit) -> Result<(), LogError> {
        let mut open: Vec<StreamId> = self.open.iter().copied().collect();
        open.sort_unstable();
        for saga in open {
            check(log, saga, audit).await?;
        }
        let mut after = None;
        loop {
            let page = log.wakeups_page(after, PAGE).await?;
            for wakeup in &page {
                if self.open.insert(wakeup.stream) {
                    check(log, wakeup.stream, audit).await?;
                }
            }
            after = match page.last() {
                Some(last) if page.len() == PAGE => Some(last.stream),
                _ => return Ok(()),
            };
        }
    }
}

/// What stands in the row of a stream, and what is wrong with it.
async fn check(log: &EventLog, stream: StreamId, audit: &mut Audit) -> Result<(), LogError> {
    let mut looks = 0;
    let wrong = loop {
        let wrong = match look(log, stream).await {
            Ok(wrong) => wrong,
            Err(LogError::Unavailable(reason)) => return Err(LogError::Unavailable(reason)),
            // That it cannot be read was found already, if it stood in the log by then.
            Err(_unreadable) => None,
        };
        looks += 1;
        if wrong.is_none() || looks == LOOKS_MAX {
            break wrong;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    audit.wakeups += 1;
    if let Some(what) = wrong {
        audit.find(Damage::Wakeup, stream, what);
    }
    Ok(())
}

async fn look(log: &EventLog, stream: StreamId) -> Result<Option<String>, LogError> {
    if stream.kind == StreamKind::DeadLetter {
        return letter(log, stream).await;
    }
    let state = State::empty(stream.kind).read_on(log, stream).await?;
    let asked = match &state.aggregate {
        Aggregate::TripSaga(saga) => saga.wake_up_at().map(|at| at.trunc_subsecs(SUBSECOND_DIGITS)),
        _ => None,
    };
    let stands = log.wakeup(stream).await?;
    Ok(match (asked, stands) {
        (asked, stands) if asked == stands => None,
        (Some(asked), None) => Some(format!("it asks to be woken at {} and no wake-up stands", told(asked))),
        (None, Some(stands)) => Some(format!("nobody asks for the wake-up at {}", told(stands))),
        // A timer that could not be handled fires again later; its letter tells so.
        (Some(asked), Some(stands)) if stands > asked && is_set_aside(log, stream, state.sequence).await? => None,
        (Some(asked), Some(stands)) => {
            Some(format!("it asks to be woken at {} and the wake-up stands at {}", told(asked), told(stands)))
        }
        (None, None) => None,
    })
}

async fn is_set_aside(log: &EventLog, saga: StreamId, sequence: u64) -> Result<bool, LogError> {
    let letter = StreamId::new(StreamKind::DeadLetter, timer_letter(saga, sequence));
    Ok(!log.read_stream_page(letter, 0, 1).await?.is_empty())
}

/// A letter is woken when its message has to come again: nobody would ask for it once more, or an operator has asked for it.
async fn letter(log: &EventLog, stream: StreamId) -> Result<Option<String>, LogError> {
    if log.wakeup(stream).await?.is_none() {
        return Ok(None);
    }
    let Some(stored) = log.read_stream(stream, 0).await?.pop() else {
        return Ok(Some("a wake-up stands and the letter does not".to_owned()));
    };
    Ok(match stored.decode()?.first() {
        Event::DeadLetter(
            DeadLetterEvent::MessageDeadLettered { instruction: None, .. }
            | DeadLetterEvent::RecordDeadLettered { instruction: None, .. }
            | DeadLetterEvent::LetterRetried { .. },
        ) => None,
        Event::DeadLetter(DeadLetterEvent::LetterDiscarded { .. }) => {
            Some("nobody asks for its wake-up: an operator has given the letter up".to_owned())
        }
        _ => Some("nobody asks for its wake-up: the letter has answered".to_owned()),
    })
}

fn told(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339()
}
