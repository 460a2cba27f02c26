//! Every message that the relay has passed was handled.
//!
//! A message was handled in the batch of its event (`fused`), or some event names it as its cause, or it was set aside, or its receiver has
//! nothing to do: the same was asked or told before. The last is found out by asking the receiver again, as its stream stands now.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use traveladvisor_domain::address::address;
use traveladvisor_domain::aggregate::{Aggregate, Event};
use traveladvisor_domain::context::Contexts;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_domain::message::{Body, Destination, Message, message_id, messages_of};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_domain::shape::Events;
use traveladvisor_infra::event_log::{EventLog, LogError, Metadata, Position, StoredEvent};
use uuid::Uuid;

use super::{Audit, Damage};
use crate::engine::state::State;

/// Messages whose effect has not been met.
pub(super) struct Messages {
    log: String,
    contexts: Contexts,
    delivered_to: Position,
    open: HashMap<Uuid, Open>,
}

/// Where a message comes from.
#[derive(Clone, Copy)]
struct Open {
    position: Position,
    stream: StreamId,
    sequence: u64,
    place: usize,
    is_set_aside: bool,
}

/// Why a message needs nobody, or that it was lost.
enum Fate {
    NothingToDo,
    Lost(&'static str),
}

impl Messages {
    pub(super) fn new(log: &EventLog, contexts: Contexts, delivered_to: Position) -> Self {
        Self { log: log.name().to_owned(), contexts, delivered_to, open: HashMap::new() }
    }

    pub(super) fn note(&mut self, stored: &StoredEvent, events: &Events, metadata: &Metadata, audit: &mut Audit) {
        if stored.stream.kind == StreamKind::DeadLetter {
            self.set_aside(stored, events, audit);
        } else if let Some(cause) = metadata.causation.as_deref().and_then(|cause| cause.parse().ok()) {
            self.open.remove(&cause);
        }
        if stored.position > self.delivered_to {
            return;
        }
        for (place, message) in messages_of(stored.stream, events).into_iter().enumerate() {
            audit.messages += 1;
            if matches!(message.to, Destination::Stream(to) if !self.contexts.holds(to.kind)) {
                audit.abroad += 1;
                continue;
            }
            if !metadata.is_fused(place) {
                let id = message_id(&self.log, stored.stream, stored.sequence, place);
                let StoredEvent { position, stream, sequence, .. } = *stored;
                self.open.insert(id, Open { position, stream, sequence, place, is_set_aside: false });
            }
        }
    }

    /// A letter answers the saga by a message of its own; without an instruction it has to bring its message again, unless an operator has
    /// given it up.
    fn set_aside(&mut self, letter: &StoredEvent, events: &Events, audit: &mut Audit) {
        if let Event::DeadLetter(DeadLetterEvent::LetterDiscarded { .. }) = events.first() {
            self.open.remove(&letter.stream.uuid);
            return;
        }
        if let Event::DeadLetter(DeadLetterEvent::LetterRetried { .. }) = events.first() {
            return;
        }
        let is_message = self.open.contains_key(&letter.stream.uuid);
        audit.set_aside += u64::from(is_message);
        if let Event::DeadLetter(DeadLetterEvent::MessageDeadLettered { instruction: Some(_), .. }) = events.first() {
            self.open.remove(&letter.stream.uuid);
        } else if let Some(open) = self.open.get_mut(&letter.stream.uuid) {
            open.is_set_aside = true;
        }
    }

    /// Asks the receivers of those that are left.
    pub(super) async fn judge(self, log: &EventLog, now: DateTime<Utc>, audit: &mut Audit) -> Result<(), LogError> {
        let mut left: Vec<(Uuid, Open)> = self.open.into_iter().collect();
        left.sort_unstable_by_key(|(_, open)| (open.position, open.place));
        for (id, open) in left {
            if let Fate::Lost(why) = fate(log, id, open, now).await? {
                audit.find(
                    Damage::Undelivered,
                    open.position,
                    format!("message {} of {} #{}: {why}", open.place, open.stream, open.sequence),
                );
            }
        }
        Ok(())
    }
}

async fn fate(log: &EventLog, id: Uuid, open: Open, now: DateTime<Utc>) -> Result<Fate, LogError> {
    let letter = StreamId::new(StreamKind::DeadLetter, id);
    if open.is_set_aside && log.wakeup(letter).await?.is_some() {
        return Ok(Fate::NothingToDo);
    }
    let Some(stored) = log.read_stream_page(open.stream, open.sequence.saturating_sub(1), 1).await?.pop() else {
        return Ok(Fate::Lost("its event is gone"));
    };
    let Some(message) = messages_of(open.stream, &stored.decode()?).into_iter().nth(open.place) else {
        return Ok(Fate::Lost("its event causes it no more"));
    };
    let is_call = matches!(message.body, Body::GatewayCall(_) | Body::LookUp(_));
    if open.is_set_aside && is_call {
        // The saga asks again at its deadline.
        return Ok(Fate::NothingToDo);
    }
    match asked_again(log, &message, now).await {
        Ok(fate) => Ok(fate),
        Err(LogError::Unavailable(reason)) => Err(LogError::Unavailable(reason)),
        Err(_unreadable) => Ok(Fate::Lost("its receiver cannot be read, and no event names it as its cause")),
    }
}

/// Asked once more, a receiver that has handled it does nothing.
async fn asked_again(log: &EventLog, message: &Message, now: DateTime<Utc>) -> Result<Fate, LogError> {
    if let Body::GatewayCall(call) | Body::LookUp(call) = &message.body {
        let payment = State::empty(StreamKind::Payment).read_on(log, message.booking.payment()).await?;
        let is_awaited = matches!(&payment.aggregate, Aggregate::Payment(payment) if payment.awaits(&call.key));
        return Ok(if is_awaited {
            Fate::Lost("the payment waits for that call of the gateway")
        } else {
            Fate::NothingToDo
        });
    }
    let Some(addressed) = address(message, Occasion { at: now, entropy: 0 }) else {
        return Ok(Fate::Lost("it has no receiver"));
    };
    let receiver = State::empty(addressed.stream.kind).read_on(log, addressed.stream).await?;
    Ok(match receiver.aggregate.decide(addressed.command) {
        Ok(events) if events.is_empty() => Fate::NothingToDo,
        Ok(_) => Fate::Lost("its receiver has not heard of it"),
        Err(_) => Fate::Lost("its receiver refuses it"),
    })
}
