//! One thing to decide: a caller's command, a message, a timer, or what the gateway said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::id::{BookingId, StreamId};
use traveladvisor_domain::message::{GatewayCall, Message};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_infra::event_log::Metadata;
use uuid::Uuid;

use super::bus::Record;
use super::gateway_calls::Learnt;
use crate::request::{Receipt, Rejection, Request};

/// A job with the occasion that it drew once and whom to tell.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) task: Task,
    pub(crate) occasion: Occasion,
    pub(crate) origin: Arc<Origin>,
    pub(crate) report: Report,
    /// Set once a batch was refused for this job's data: it is then decided without its follow-ups (L10).
    pub(crate) alone: bool,
}

/// What is to be decided.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    /// A caller's command; `fresh` is the id that a new booking would get.
    Caller { request: Box<Request>, fresh: BookingId },
    /// A message that the relay delivers, or one that was set aside under this letter and comes again.
    Message { message: Box<Message>, cause: Cause, letter: Option<Box<Letter>> },
    /// A message that came over a broker.
    Record { message: Box<Message>, message_id: Uuid, place: Record },
    /// A due timer.
    Wake { stream: StreamId },
    /// What was learnt of a gateway call.
    Settle { booking: BookingId, call: Box<GatewayCall>, learnt: Learnt, cause: Cause },
    /// A letter's wake-up goes, as its message is with the broker, or moves to this moment.
    MoveWakeup { letter: StreamId, to: Option<DateTime<Utc>> },
    /// A message or timer that cannot be handled is set aside under this stream.
    SetAside { stream: StreamId, letter: Box<DeadLetterEvent>, so_that: SoThat },
}

/// What keeps a trip going whose message or timer is set aside.
#[derive(Debug, Clone)]
pub(crate) enum SoThat {
    /// The letter answers the saga.
    SagaHears,
    /// The message comes again at this moment: nobody would ask for it once more.
    MessageComes { at: DateTime<Utc> },
    /// The timer fires again at this moment.
    TimerFires { saga: StreamId, at: DateTime<Utc> },
    /// The payment knows that the call's outcome is unknown, and asks for it again.
    PaymentAsks { payment: StreamId, key: String },
}

/// A letter whose message comes again.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) stream: StreamId,
    /// As it was set aside first.
    pub(crate) written: DeadLetterEvent,
}

/// The event that a message comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause {
    pub(crate) stream: StreamId,
    pub(crate) sequence: u64,
    pub(crate) place: usize,
    pub(crate) message_id: Uuid,
}

/// What goes into the metadata of all events of a job.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) command: &'static str,
    pub(crate) correlation: String,
    pub(crate) causation: Option<Uuid>,
    pub(crate) actor: String,
    pub(crate) traceparent: Option<String>,
    /// Of a caller's command: what was decided on it bears the request as its cause.
    pub(crate) request_id: Option<String>,
}

impl Origin {
    /// Of a message that an event has caused: the event's own origin, and the message as the cause.
    pub(crate) fn of_message(metadata: &Metadata, cause: &Cause) -> Self {
        Self {
            command: "message",
            correlation: metadata.correlation.clone(),
            causation: Some(cause.message_id),
            actor: metadata.actor.clone(),
            traceparent: metadata.traceparent.clone(),
            request_id: None,
        }
    }
}

/// Whom to tell when a job is done.
#[derive(Debug)]
pub(crate) enum Report {
    Caller(oneshot::Sender<Result<Receipt, Rejection>>),
    Source(Ack),
}

/// The way back to the relay or the timers. Dropped without a word (a task panicked), it asks for the job to come again.
#[derive(Debug)]
pub(crate) struct Ack {
    sender: mpsc::UnboundedSender<Done>,
    token: Token,
    claim: Claim,
    told: AtomicBool,
}

impl Ack {
    pub(crate) const fn new(sender: mpsc::UnboundedSender<Done>, token: Token, claim: Claim) -> Self {
        Self { sender, token, claim, told: AtomicBool::new(false) }
    }

    /// There was nothing left to do.
    pub(crate) fn handled(&self) {
        self.tell(Done::Handled);
    }

    /// A source that has gone will deliver again after its restart.
    fn tell(&self, done: fn(Token) -> Done) {
        self.told.store(true, Ordering::Relaxed);
        let _ = self.sender.send(done(self.token));
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if !self.told.load(Ordering::Relaxed) {
            self.tell(Done::Again);
        }
    }
}

/// By what right a source hands a job over: the append that holds the job has it checked.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The turn of ownership of relay and timers.
    Turn(u64),
    /// The stored offset of its partition.
    Record(Record),
}

/// What a source knows a job by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Token {
    /// A message of the event at this position.
    Message { position: u64, place: usize },
    /// A timer of this stream.
    Wake(StreamId),
    /// A record of a partition in one assignment.
    Record { partition: u64, offset: u64 },
}

/// What became of a source's job.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Done {
    /// Handled, or dead-lettered: never again.
    Handled(Token),
    /// Not decided: it must come again.
    Again(Token),
    /// The source has lost its ownership: it must stop.
    Deposed,
    /// Another process has gone on with its partition.
    Lost(Token),
}

impl Job {
    /// The turn of ownership that it stems from; none of a caller's.
    pub(crate) const fn epoch(&self) -> Option<u64> {
        match &self.report {
            Report::Source(Ack { claim: Claim::Turn(epoch), .. }) => Some(*epoch),
            Report::Source(_) | Report::Caller(_) => None,
        }
    }

    /// The record that it stems from, if it came over a broker.
    pub(crate) const fn record(&self) -> Option<&Record> {
        match &self.report {
            Report::Source(Ack { claim: Claim::Record(record), .. }) => Some(record),
            Report::Source(_) | Report::Caller(_) => None,
        }
    }

    /// Its caller has gone, most often because the deadline has passed: nothing was decided yet, so nothing needs to be. Who asks again
    /// with the same key is not behind those who do not wait any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        matches!(&self.report, Report::Caller(reply) if reply.is_closed())
    }

    /// Tells a source; a caller is told by its own reply.
    pub(crate) fn tell_source(&self, done: fn(Token) -> Done) {
        if let Report::Source(ack) = &self.report {
            ack.tell(done);
        }
    }
}
