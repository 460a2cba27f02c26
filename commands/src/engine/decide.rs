//! One job on the overlay: its own decision, then the messages that its events cause, as far as they can be handled here.

mod callers;

use std::collections::VecDeque;

use chrono::DateTime;
use traveladvisor_domain::address::{Addressed, address};
use traveladvisor_domain::aggregate::{Command, Event};
use traveladvisor_domain::dead_letter::{DeadLetterCommand, DeadLetterEvent};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::id::{BookingId, StreamId};
use traveladvisor_domain::message::{GatewayCall, Message, message_id, messages};
use traveladvisor_domain::payment::PaymentCommand;
use traveladvisor_domain::points::PointsTerms;
use traveladvisor_domain::trip_saga::TripSagaCommand;

use super::batch::{Batch, DecidedBy, OccurredAt, Undecided};
use super::gateway_calls::Learnt;
use super::job::{Job, SoThat, Task};
use super::limits::FOLLOW_UPS_MAX;
use super::states::{Poisoned, States};
use crate::request::Rejection;

pub(crate) use callers::key_reused;

/// Why a job is guilty whose decision broke off.
const PANICKED: &str = "the decision panicked";
/// Why a message is guilty that no stream of this log decides on: it cannot leave, or came to the wrong place.
const NOT_HERE: &str = "nobody in this log decides on it";

/// What happens, stream by stream.
type Decided = Vec<(StreamId, Vec<Event>)>;

/// What a job came to, as long as the append confirms it.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Done, or so already. `seen_at` is where its effect can be read.
    Accepted { subject: StreamId, seen_at: SeenAt, changed: bool },
    /// A business no.
    Rejected(Rejection),
    /// Another version than the expected one, which can be read there.
    Moved(Rejection, SeenAt),
    /// The same key as that job of this batch.
    SameAs(usize),
    /// A message, timer or outcome was handled.
    Handled,
    /// Its own decision panicked, or cannot be made: see L10.
    Guilty(&'static str),
    /// A stream that it needs is not in memory.
    Cold,
}

/// Where an effect can be read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SeenAt {
    /// At an event of this batch.
    Place(usize),
    /// At the last event that this stream has once the batch is committed.
    Last(StreamId),
}

/// Decides jobs one after the other on what is staged.
pub(crate) struct Decider<'b, 'n> {
    pub(crate) states: &'b mut States,
    pub(crate) batch: &'b mut Batch,
    /// What points are worth.
    terms: &'n PointsTerms,
    /// The log's name, part of the ids of messages.
    log: &'n str,
    /// The present job's time.
    occurred_at: OccurredAt,
}

impl<'b, 'n> Decider<'b, 'n> {
    pub(crate) fn new(states: &'b mut States, batch: &'b mut Batch, terms: &'n PointsTerms, log: &'n str) -> Self {
        Self { states, batch, terms, log, occurred_at: OccurredAt::new(DateTime::UNIX_EPOCH) }
    }

    /// Decides a job and adds it to the batch. After [`Poisoned`] the job is in the batch, which must be decided again.
    pub(crate) fn add(&mut self, job: Job) -> Result<&Verdict, Poisoned> {
        let index = self.batch.jobs.len();
        self.occurred_at = OccurredAt::new(job.occasion.at);
        let verdict = self.run(index, &job);
        self.batch.jobs.push(job);
        self.batch.verdicts.push(verdict?);
        Ok(&self.batch.verdicts[index])
    }

    fn run(&mut self, index: usize, job: &Job) -> Result<Verdict, Poisoned> {
        match &job.task {
            Task::Caller { request, fresh } => self.caller(index, job, request, *fresh),
            Task::Message { message, cause, letter } => {
                if let Some(letter) = letter {
                    self.batch.rewake(letter.stream);
                    match self.is_discarded(letter.stream) {
                        Some(false) => {}
                        Some(true) => return Ok(Verdict::Handled),
                        None => return Ok(Verdict::Cold),
                    }
                }
                let Some(addressed) = self.addressed(job, message) else { return Ok(Verdict::Guilty(NOT_HERE)) };
                let by = self.decided_by(job, addressed.name, Some(cause.message_id));
                self.system(job, addressed.stream, addressed.command, &by)
            }
            Task::Record { message, message_id, .. } => {
                let Some(addressed) = self.addressed(job, message) else { return Ok(Verdict::Guilty(NOT_HERE)) };
                let by = self.decided_by(job, addressed.name, Some(*message_id));
                self.system(job, addressed.stream, addressed.command, &by)
            }
            Task::Wake { stream } => {
                let occasion = job.occasion;
                self.batch.rewake(*stream);
                let command = Command::TripSaga(TripSagaCommand::Wake { occasion });
                self.system(job, *stream, command, &self.decided_by(job, "wake", None))
            }
            Task::Settle { booking, call, learnt, cause } => {
                let command = Command::Payment(settled(*booking, call, learnt));
                let by = self.decided_by(job, "settle_gateway_call", Some(cause.message_id));
                self.system(job, booking.payment(), command, &by)
            }
            Task::MoveWakeup { letter, to } => {
                match to {
                    Some(at) => self.batch.postpone(*letter, *at),
                    None => self.batch.rewake(*letter),
                }
                Ok(Verdict::Handled)
            }
            Task::SetAside { stream, letter, so_that } => self.set_aside(job, *stream, letter, so_that),
        }
    }

    /// The command that a message is, if it is one of a stream of this log.
    fn addressed(&self, job: &Job, message: &Message) -> Option<Addressed> {
        address(message, job.occasion).filter(|addressed| self.states.contexts.holds(addressed.stream.kind))
    }

    fn system(&mut self, job: &Job, stream: StreamId, command: Command, by: &DecidedBy) -> Result<Verdict, Poisoned> {
        match self.batch.decide(self.states, stream, command) {
            Ok(events) => {
                self.stage_and_follow(job, stream, events, by)?;
                Ok(Verdict::Handled)
            }
            Err(Undecided::Cold) => Ok(Verdict::Cold),
            Err(Undecided::Panicked) => Ok(Verdict::Guilty(PANICKED)),
            Err(Undecided::Refused(_)) => Ok(Verdict::Guilty("the decision was refused")),
        }
    }

    fn set_aside(
        &mut self,
        job: &Job,
        stream: StreamId,
        letter: &DeadLetterEvent,
        so_that: &SoThat,
    ) -> Result<Verdict, Poisoned> {
        let by = self.decided_by(job, "set_aside", None);
        self.states.create(stream);
        // Whatever brought it, it comes again only if it is said so below.
        self.batch.rewake(stream);
        match so_that {
            SoThat::MessageComes { at } if self.is_discarded(stream) != Some(true) => self.batch.postpone(stream, *at),
            SoThat::SagaHears | SoThat::MessageComes { .. } => {}
            SoThat::TimerFires { saga, at } => self.batch.postpone(*saga, *at),
            SoThat::PaymentAsks { payment, key } => {
                let failure = letter.failure().cloned().unwrap_or_else(|| Failure::new(Code::Internal, PANICKED));
                let command = PaymentCommand::LeaveUnknown { key: key.clone(), failure };
                let verdict = self.system(job, *payment, Command::Payment(command), &by)?;
                if !matches!(verdict, Verdict::Handled) {
                    return Ok(verdict);
                }
            }
        }
        let command = Command::DeadLetter(DeadLetterCommand::SetAside { letter: letter.clone() });
        self.system(job, stream, command, &by)
    }

    fn decided_by(&self, job: &Job, command: &'static str, causation: Option<uuid::Uuid>) -> DecidedBy {
        DecidedBy {
            origin: job.origin.clone(),
            command,
            causation: causation.or(job.origin.causation),
            occurred_at: self.occurred_at.clone(),
        }
    }

    fn stage_and_follow(
        &mut self,
        job: &Job,
        stream: StreamId,
        events: Vec<Event>,
        by: &DecidedBy,
    ) -> Result<(), Poisoned> {
        let mut waiting: VecDeque<usize> = self.batch.stage(self.states, stream, events, by)?.collect();
        let follow_ups_max = FOLLOW_UPS_MAX;
        #[cfg(feature = "testing")]
        let follow_ups_max = self.states.faults.follow_ups_or(follow_ups_max);
        let mut follow_ups_left = if job.alone { 0 } else { follow_ups_max };
        while let Some(place) = waiting.pop_front() {
            let (stream, sequence, event) = self.batch.event(place);
            let messages = messages(stream, event);
            self.batch.note_messages(place, messages.len());
            for (message_place, message) in messages.into_iter().enumerate() {
                if follow_ups_left == 0 {
                    return Ok(());
                }
                let id = message_id(self.log, stream, sequence, message_place);
                if let Some(places) = self.follow(job, &message, id)? {
                    follow_ups_left -= 1;
                    self.batch.fuse(place, message_place);
                    waiting.extend(places);
                }
            }
        }
        Ok(())
    }

    fn is_in_memory(&self, stream: StreamId) -> bool {
        #[cfg(feature = "testing")]
        if self.states.faults.is_cold(stream) {
            return false;
        }
        self.states.is_hot(stream)
    }

    /// Handles a message here if its stream is in memory; otherwise, or if the decision panics, the relay delivers it.
    fn follow(
        &mut self,
        job: &Job,
        message: &Message,
        id: uuid::Uuid,
    ) -> Result<Option<std::ops::Range<usize>>, Poisoned> {
        let Some(addressed) = address(message, job.occasion) else { return Ok(None) };
        if !self.states.contexts.holds(addressed.stream.kind) || !self.is_in_memory(addressed.stream) {
            return Ok(None);
        }
        match self.batch.decide(self.states, addressed.stream, addressed.command) {
            Ok(events) => {
                let by = self.decided_by(job, addressed.name, Some(id));
                self.batch.stage(self.states, addressed.stream, events, &by).map(Some)
            }
            Err(undecided) => {
                tracing::warn!(stream = %addressed.stream, ?undecided, "a follow-up is left to the relay");
                Ok(None)
            }
        }
    }
}

fn settled(booking: BookingId, call: &GatewayCall, learnt: &Learnt) -> PaymentCommand {
    let key = call.key.clone();
    match learnt {
        Learnt::Outcome(outcome) => {
            PaymentCommand::Settle { booking, key, kind: call.kind.clone(), outcome: outcome.clone() }
        }
        Learnt::Unknown(failure) => PaymentCommand::LeaveUnknown { key, failure: failure.clone() },
    }
}
