//! Letters of what is for other logs: the record goes to the broker once more, under the id that it had, and the letter is settled once the
//! broker has it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::timeout;
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::bus::Parcel;
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{EventLog, LogError, StoredEvent};
use traveladvisor_infra::kafka::KafkaError;

use super::sender::Client;
use super::{Opened, Way};
use crate::engine::bus::{Again, Bus, Post};
use crate::engine::job::{Cause, Origin, SoThat, Task};
use crate::engine::limits::LETTER_SENT_WITHIN;
use crate::engine::state::State;

/// Why a record is not with the broker.
enum NotTaken {
    /// It would be refused every time, as far as the broker tells.
    Refused(String),
    /// This may pass.
    Now(String),
    /// This may pass, by another client.
    Lost(String),
}

/// Sends the record of this event and place; none where it tells others nothing there. What is refused again is set aside again, for today's
/// reason; what cannot be sent now is put off.
///
/// Errors: the event or the letter cannot be read.
pub(super) async fn task_of(
    (way, bus): (&Way<'_>, &Bus),
    opened: &Opened,
    (stored, cause): (&StoredEvent, Cause),
) -> Result<Option<(Task, Arc<Origin>)>, LogError> {
    let letter = opened.letter.stream;
    let settled = || (Task::MoveWakeup { letter, to: None }, Arc::new(Origin::of_message(&opened.metadata, &cause)));
    if is_discarded(way.log, letter).await? {
        return Ok(Some(settled()));
    }
    let client = match way.sender.client(bus, way.log) {
        Ok(client) => client,
        Err(error) => return Ok(Some(put_off(way, opened, &error.to_string()))),
    };
    let Some(Again { parcel, unsendable }) = client.again(stored, cause)? else { return Ok(None) };
    Ok(Some(match send(&client, &parcel).await {
        Ok(()) => settled(),
        Err(NotTaken::Refused(why)) => unsendable.letter(&why, way.now).unwrap_or_else(settled),
        Err(NotTaken::Now(why)) => put_off(way, opened, &why),
        Err(NotTaken::Lost(why)) => {
            way.sender.give_up(&client);
            put_off(way, opened, &why)
        }
    }))
}

async fn is_discarded(log: &EventLog, letter: StreamId) -> Result<bool, LogError> {
    let state = State::empty(StreamKind::DeadLetter).read_on(log, letter).await?;
    Ok(matches!(state.aggregate, Aggregate::DeadLetter(known) if known.is_discarded()))
}

fn put_off(way: &Way<'_>, opened: &Opened, why: &str) -> (Task, Arc<Origin>) {
    tracing::warn!(letter = %opened.letter.stream, why, "a record that was set aside cannot be sent now; it is tried again later");
    let failure =
        Failure::new(Code::Internal, format!("It could not be sent to other logs, and is tried again later: {why}."));
    opened.stays(Some(failure), SoThat::MessageComes { at: way.later() })
}

/// Ends once the broker has it. One that is given up here may still arrive: whoever receives it knows it by its id.
async fn send(client: &Client, parcel: &Parcel) -> Result<(), NotTaken> {
    Post::check(parcel).map_err(NotTaken::Refused)?;
    let (tell, mut told) = mpsc::unbounded_channel();
    let sent = async {
        client.send(parcel, move |outcome| drop(tell.send(outcome))).await?;
        match told.recv().await {
            Some(outcome) => outcome.map_err(|not_sent| client.why(&not_sent, parcel.topic.name)),
            None => Err(KafkaError::Fatal("the producer was closed".to_owned())),
        }
    };
    match timeout(LETTER_SENT_WITHIN, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.is_refusal() => Err(NotTaken::Refused(error.to_string())),
        Ok(Err(error)) if error.is_fatal() => Err(NotTaken::Lost(error.to_string())),
        Ok(Err(error)) => Err(NotTaken::Now(error.to_string())),
        // The client would send it at last, beside the next try, however often that was.
        Err(_) => Err(NotTaken::Lost("the broker does not answer".to_owned())),
    }
}
