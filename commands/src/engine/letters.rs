//! Messages that were set aside and come again: their letter tells where they came from, and the log still tells what they say (L9).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::id::StreamId;
use traveladvisor_domain::message::messages_of;
use traveladvisor_infra::event_log::{EventLog, LogError};
use uuid::Uuid;

use super::job::{Cause, Origin, SoThat, Task};

/// The job of a letter whose time has come: its message once more. When its cause cannot be read, the letter is put off to `later`.
///
/// Errors: the database is away, or the letter itself cannot be read.
pub(crate) async fn again(
    log: &EventLog,
    letter: StreamId,
    later: DateTime<Utc>,
) -> Result<Option<(Task, Arc<Origin>)>, LogError> {
    let Some(stored) = log.read_stream_page(letter, 0, 1).await?.pop() else { return Ok(None) };
    let Event::DeadLetter(written) = stored.decode()?.into_parts().0 else { return Ok(None) };
    let of_letter = Cause { stream: letter, sequence: stored.sequence, place: 0, message_id: letter.uuid };
    let metadata = stored.decode_metadata()?;
    match message_of(log, letter, &written).await {
        Ok(Some(found)) => Ok(Some(found)),
        Err(LogError::Unavailable(reason)) => Err(LogError::Unavailable(reason)),
        Ok(None) | Err(_) => {
            let task = Task::SetAside {
                stream: letter,
                letter: Box::new(written),
                so_that: SoThat::MessageComes { at: later },
            };
            Ok(Some((task, Arc::new(Origin::of_message(&metadata, &of_letter)))))
        }
    }
}

async fn message_of(
    log: &EventLog,
    letter: StreamId,
    written: &DeadLetterEvent,
) -> Result<Option<(Task, Arc<Origin>)>, LogError> {
    let DeadLetterEvent::MessageDeadLettered { cause_stream, cause_sequence, place, .. } = written;
    let (Ok(stream), place) = (cause_stream.parse::<StreamId>(), *place as usize) else { return Ok(None) };
    let Some(stored) = log.read_stream_page(stream, cause_sequence.saturating_sub(1), 1).await?.pop() else {
        return Ok(None);
    };
    let cause = Cause { stream, sequence: stored.sequence, place, message_id: letter.uuid };
    let metadata = stored.decode_metadata()?;
    let message = messages_of(stream, &stored.decode()?).into_iter().nth(place);
    let task = |message| Task::Message { message: Box::new(message), cause, letter: Some(letter) };
    Ok(message.map(|message| (task(message), Arc::new(Origin::of_message(&metadata, &cause)))))
}

/// What stands for the message of a timer that could not be handled after this event of its saga.
pub(crate) fn of_timer(saga: StreamId, sequence: u64) -> Uuid {
    Uuid::new_v5(&saga.uuid, format!("timer {sequence}").as_bytes())
}
