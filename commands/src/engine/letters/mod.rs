//! Messages that were set aside and come again: their letter tells where they came from, and the log, or the broker, still tells what they
//! say (L9).

mod outgoing;
mod records;
mod sender;
mod verbs;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::bus::announcement;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::StreamId;
use traveladvisor_domain::message::{Destination, messages_of};
use traveladvisor_infra::event_log::{EventLog, LogError, Metadata};

use self::records::Records;
pub(super) use self::sender::Sender;
pub(super) use self::verbs::with_its_trip;
use super::bus::Bus;
use super::job::{Cause, Letter, Origin, SoThat, Task};
use super::limits::DEAD_LETTER_PAUSE;

/// Why a letter stays set aside whose message was about a call of the payment gateway.
const GATEWAYS_WORD: &str =
    "What the gateway said is not kept: the payment asks it again by itself, at the next try of its saga";

/// Why a letter stays set aside that was an announcement: an old word must not come to stand behind a newer one.
const TOLD_ANEW: &str = "An announcement is not sent again by its letter, as a newer one may stand there: `traveladvisor kafka announce` sends \
     the last word of each; what no record has room for has to be changed, and that is announced";

/// By what a letter is brought again.
pub(super) struct Way<'w> {
    /// The log that tells it.
    pub(super) log: &'w EventLog,
    /// Where other logs are.
    pub(super) bus: Option<&'w Bus>,
    /// How what is for them leaves.
    pub(super) sender: &'w Sender,
    /// When it is brought.
    pub(super) now: DateTime<Utc>,
}

impl Way<'_> {
    /// When a letter comes again that cannot be brought now.
    pub(super) fn later(&self) -> DateTime<Utc> {
        self.now + DEAD_LETTER_PAUSE
    }
}

/// A letter, as it was set aside first.
struct Opened {
    letter: Letter,
    sequence: u64,
    metadata: Metadata,
}

/// The job of a letter whose time has come: its message once more; of what is for others, once it is sent, that this is done. When its cause
/// cannot be read, the letter is put off.
///
/// Errors: the database is away, or the letter itself cannot be read.
pub(super) async fn again(way: &Way<'_>, stream: StreamId) -> Result<Option<(Task, Arc<Origin>)>, LogError> {
    let Some(stored) = way.log.read_stream_page(stream, 0, 1).await?.pop() else { return Ok(None) };
    let Event::DeadLetter(written) = stored.decode()?.into_parts().0 else { return Ok(None) };
    let metadata = stored.decode_metadata()?;
    let opened = Opened { letter: Letter { stream, written }, sequence: stored.sequence, metadata };
    let found = match &opened.letter.written {
        DeadLetterEvent::RecordDeadLettered { .. } => {
            let records = way.bus.map(|bus| &bus.kafka as &dyn Records);
            Ok(records::task_of(records, &opened, way.later()).await)
        }
        _ => task_of(way, &opened).await,
    };
    match found {
        Ok(Some(found)) => Ok(Some(found)),
        Err(LogError::Unavailable(reason)) => Err(LogError::Unavailable(reason)),
        Ok(None) | Err(_) => Ok(Some(opened.stays(None, SoThat::MessageComes { at: way.later() }))),
    }
}

/// The message of this very log.
async fn task_of(way: &Way<'_>, opened: &Opened) -> Result<Option<(Task, Arc<Origin>)>, LogError> {
    let Letter { stream: letter, written } = &opened.letter;
    let DeadLetterEvent::MessageDeadLettered { cause_stream, cause_sequence, place, .. } = written else {
        return Ok(None);
    };
    let (Ok(stream), place) = (cause_stream.parse::<StreamId>(), *place as usize) else { return Ok(None) };
    let Some(stored) = way.log.read_stream_page(stream, cause_sequence.saturating_sub(1), 1).await?.pop() else {
        return Ok(None);
    };
    let cause = Cause { stream, sequence: stored.sequence, place, message_id: letter.uuid };
    let metadata = stored.decode_metadata()?;
    let events = stored.decode()?;
    let Some(message) = messages_of(stream, &events).into_iter().nth(place) else {
        let is_announced = events.iter().any(|event| announcement(event).is_some());
        let failure = || Failure::new(Code::Internal, format!("{TOLD_ANEW}."));
        return Ok(is_announced.then(|| opened.stays(Some(failure()), SoThat::SagaHears)));
    };
    if message.to == Destination::Gateway {
        let failure = Failure::new(Code::Internal, format!("{GATEWAYS_WORD}."));
        return Ok(Some(opened.stays(Some(failure), SoThat::SagaHears)));
    }
    if let Some(bus) = way.bus.filter(|bus| bus.is_for_others(&message)) {
        return outgoing::task_of((way, bus), opened, (&stored, cause)).await;
    }
    let letter = Some(Box::new(opened.letter.clone()));
    let task = Task::Message { message: Box::new(message), cause, letter };
    Ok(Some((task, Arc::new(Origin::of_message(&metadata, &cause)))))
}

impl Opened {
    /// The letter itself, as the cause of what it brings.
    const fn cause(&self) -> Cause {
        let Letter { stream, .. } = self.letter;
        Cause { stream, sequence: self.sequence, place: 0, message_id: stream.uuid }
    }

    /// It is set aside once more, for this reason or the former one.
    fn stays(&self, failure: Option<Failure>, so_that: SoThat) -> (Task, Arc<Origin>) {
        let Letter { stream, written } = self.letter.clone();
        let letter = Box::new(match failure {
            Some(failure) => written.because(failure),
            None => written,
        });
        (Task::SetAside { stream, letter, so_that }, Arc::new(Origin::of_message(&self.metadata, &self.cause())))
    }
}
