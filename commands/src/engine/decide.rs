//! One job on the overlay: its own decision, then the messages that its events cause, as far as they can be handled here.

use std::collections::VecDeque;

use chrono::DateTime;
use traveladvisor_domain::address::address;
use traveladvisor_domain::aggregate::{Aggregate, Command, Event};
use traveladvisor_domain::booking::BookingCommand;
use traveladvisor_domain::booking::quote::{Offers, TripRequest, quote};
use traveladvisor_domain::car::CarCommand;
use traveladvisor_domain::dead_letter::{DeadLetterCommand, DeadLetterEvent};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::flight::FlightCommand;
use traveladvisor_domain::hotel::HotelCommand;
use traveladvisor_domain::id::{BookingId, StreamId};
use traveladvisor_domain::message::{GatewayCall, Message, message_id, messages};
use traveladvisor_domain::payment::PaymentCommand;
use traveladvisor_domain::personal::{Personal, Traveller};
use traveladvisor_domain::trip::TripPlan;
use traveladvisor_domain::trip_saga::TripSagaCommand;
use traveladvisor_domain::trip_saga::attention::OperatorDecision;
use traveladvisor_infra::event_log::Key;

use super::batch::{Batch, DecidedBy, OccurredAt, PendingKey, Undecided};
use super::gateway_calls::Learnt;
use super::job::{Job, SoThat, Task, catalogue_stream};
use super::limits::FOLLOW_UPS_MAX;
use super::states::{Poisoned, States};
use crate::request::{CallerCommand, Rejection, Request};

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
    /// The log's name, part of the ids of messages.
    log: &'n str,
    /// The present job's time.
    occurred_at: OccurredAt,
}

impl<'b, 'n> Decider<'b, 'n> {
    pub(crate) fn new(states: &'b mut States, batch: &'b mut Batch, log: &'n str) -> Self {
        Self { states, batch, log, occurred_at: OccurredAt::new(DateTime::UNIX_EPOCH) }
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
                    self.batch.rewake(*letter);
                }
                let Some(addressed) = address(message, job.occasion) else {
                    return Ok(Verdict::Guilty("the message is for the gateway"));
                };
                let by = self.decided_by(job, addressed.name, Some(cause.message_id));
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
            Task::SetAside { stream, letter, so_that } => self.set_aside(job, *stream, letter, so_that),
        }
    }

    fn system(&mut self, job: &Job, stream: StreamId, command: Command, by: &DecidedBy) -> Result<Verdict, Poisoned> {
        match self.batch.decide(self.states, stream, command) {
            Ok(events) => {
                self.stage_and_follow(job, stream, events, by)?;
                Ok(Verdict::Handled)
            }
            Err(Undecided::Cold) => Ok(Verdict::Cold),
            Err(Undecided::Panicked) => Ok(Verdict::Guilty("the decision panicked")),
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
        match so_that {
            SoThat::SagaHears => {}
            SoThat::MessageComes { at } => self.batch.postpone(stream, *at),
            SoThat::TimerFires { saga, at } => self.batch.postpone(*saga, *at),
            SoThat::PaymentAsks { payment, key } => {
                let DeadLetterEvent::MessageDeadLettered { failure, .. } = letter;
                let command = PaymentCommand::LeaveUnknown { key: key.clone(), failure: failure.clone() };
                let verdict = self.system(job, *payment, Command::Payment(command), &by)?;
                if !matches!(verdict, Verdict::Handled) {
                    return Ok(verdict);
                }
            }
        }
        self.states.create(stream);
        let command = Command::DeadLetter(DeadLetterCommand::SetAside { letter: letter.clone() });
        self.system(job, stream, command, &by)
    }

    fn caller(&mut self, index: usize, job: &Job, request: &Request, fresh: BookingId) -> Result<Verdict, Poisoned> {
        let key = request.idempotency.as_ref().map(|given| {
            let operation = request.command.operation().to_owned();
            (Key { caller: request.caller.clone(), operation, key: given.key.clone() }, given.input_hash.clone())
        });
        if let Some((key, hash)) = &key
            && let Some((earlier, earlier_hash)) = self.batch.accepted_keys.get(key)
        {
            return Ok(if hash == earlier_hash { Verdict::SameAs(*earlier) } else { Verdict::Rejected(key_reused()) });
        }
        let verdict = self.caller_verdict(job, request, fresh)?;
        if let Some((key, input_hash)) = key {
            if let Verdict::Accepted { subject, seen_at, .. } = &verdict {
                self.batch.accepted_keys.insert(key.clone(), (index, input_hash.clone()));
                self.batch.add_key(PendingKey { key, input_hash, accepted: Some((*subject, *seen_at)) });
            } else {
                self.batch.add_key(PendingKey { key, input_hash, accepted: None });
            }
        }
        Ok(verdict)
    }

    fn caller_verdict(&mut self, job: &Job, request: &Request, fresh: BookingId) -> Result<Verdict, Poisoned> {
        let by = self.decided_by(job, request.command.operation(), None);
        let (stream, command) = match self.command_of(job, request, fresh) {
            Ok(command) => command,
            Err(verdict) => return Ok(verdict),
        };
        let events = match self.batch.decide(self.states, stream, command) {
            Ok(events) => events,
            Err(Undecided::Refused(error)) => {
                let rejection = Rejection::new(error.code(), sentence(&error.to_string())).at(&[error.field()]);
                return Ok(Verdict::Rejected(rejection));
            }
            Err(Undecided::Cold) => return Ok(Verdict::Cold),
            Err(Undecided::Panicked) => return Ok(Verdict::Guilty("the decision panicked")),
        };
        let version = self.batch.read(self.states, stream).map_or(0, |state| state.sequence);
        if events.is_empty() {
            return Ok(Verdict::Accepted { subject: stream, seen_at: self.seen_at(stream), changed: false });
        }
        if request.expected_version.is_some_and(|expected| expected != version) {
            let message = format!("The version is {version} by now: read it again, then decide.");
            let rejection = Rejection::new(Code::VersionConflict, message).at(&["expectedVersion"]);
            return Ok(Verdict::Moved(rejection, self.seen_at(stream)));
        }
        self.stage_and_follow(job, stream, events, &by)?;
        let last = self.batch.event_count() - 1;
        Ok(Verdict::Accepted { subject: stream, seen_at: SeenAt::Place(last), changed: true })
    }

    fn decided_by(&self, job: &Job, command: &'static str, causation: Option<uuid::Uuid>) -> DecidedBy {
        DecidedBy {
            origin: job.origin.clone(),
            command,
            causation: causation.or(job.origin.causation),
            occurred_at: self.occurred_at.clone(),
        }
    }

    /// "So already" may rest on an event of this very batch.
    fn seen_at(&self, stream: StreamId) -> SeenAt {
        self.batch.last_place(stream).map_or(SeenAt::Last(stream), SeenAt::Place)
    }

    fn command_of(&mut self, job: &Job, request: &Request, fresh: BookingId) -> Result<(StreamId, Command), Verdict> {
        let occasion = job.occasion;
        Ok(match &request.command {
            CallerCommand::BookTrip { traveller, wanted } => {
                let plan = self.plan(wanted, job)?;
                for stream in [fresh.stream(), fresh.saga(), fresh.payment()] {
                    self.states.create(stream);
                }
                (fresh.stream(), Command::Booking(requested(request, traveller, plan, fresh)))
            }
            CallerCommand::CancelBooking { booking, reason } => {
                let cancel = BookingCommand::Cancel { reason: reason.clone(), at: occasion.at };
                (booking.stream(), Command::Booking(cancel))
            }
            CallerCommand::ResolveSaga { booking, resolution, fingerprint, reason } => {
                let decision = OperatorDecision {
                    resolution: resolution.clone(),
                    fingerprint: fingerprint.clone(),
                    actor: request.caller.clone(),
                    reason: reason.clone(),
                };
                (booking.saga(), Command::TripSaga(TripSagaCommand::Resolve { decision, occasion }))
            }
            CallerCommand::ChangeAllotment { hotel, room_type, from, to, rooms, stop_sell } => {
                let command = HotelCommand::ChangeAllotment {
                    room_type: room_type.clone(),
                    from: *from,
                    to: *to,
                    rooms: *rooms,
                    stop_sell: *stop_sell,
                    occasion,
                };
                (hotel.stream(), Command::Hotel(command))
            }
            upsert => {
                let stream = catalogue_stream(upsert).ok_or(Verdict::Guilty("the command names no stream"))?;
                self.states.create(stream);
                (stream, upserted(upsert, job).ok_or(Verdict::Guilty("the command names no stream"))?)
            }
        })
    }

    /// Prices the trip from the offers as the overlay has them.
    fn plan(&mut self, wanted: &TripRequest, job: &Job) -> Result<TripPlan, Verdict> {
        let streams = job.streams();
        for stream in &streams {
            if self.batch.read(self.states, *stream).is_none() {
                return Err(Verdict::Cold);
            }
        }
        let states: Vec<&Aggregate> =
            streams.iter().filter_map(|stream| self.states.view(*stream)).map(|state| &state.aggregate).collect();
        let offers = Offers {
            hotel: states.iter().find_map(|state| if let Aggregate::Hotel(hotel) = state { Some(hotel) } else { None }),
            flight: states.iter().find_map(|state| if let Aggregate::Flight(it) = state { Some(it) } else { None }),
            car: states.iter().find_map(|state| if let Aggregate::Car(car) = state { Some(car) } else { None }),
        };
        quote(wanted, offers, job.occasion)
            .map_err(|no| Verdict::Rejected(Rejection::new(no.failure.code, no.failure.message).at(&no.path)))
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
        if !self.is_in_memory(addressed.stream) {
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

/// Told when a key comes with another input.
pub(crate) fn key_reused() -> Rejection {
    let message = "This idempotency key was used with another input: use a new key.";
    Rejection::new(Code::IdempotencyKeyReused, message).at(&["idempotencyKey"])
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

fn requested(request: &Request, traveller: &Traveller, plan: TripPlan, booking: BookingId) -> BookingCommand {
    let traveller = Personal { subject: booking.to_string(), value: traveller.clone() };
    BookingCommand::Request { owner: request.caller.clone(), traveller, plan }
}

fn upserted(command: &CallerCommand, job: &Job) -> Option<Command> {
    let occasion = job.occasion;
    Some(match command {
        CallerCommand::UpsertHotel(details) => {
            Command::Hotel(HotelCommand::Upsert { details: details.clone(), occasion })
        }
        CallerCommand::UpsertFlight(details) => {
            Command::Flight(FlightCommand::Upsert { details: details.clone(), occasion })
        }
        CallerCommand::UpsertCar(details) => Command::Car(CarCommand::Upsert { details: details.clone(), occasion }),
        _ => return None,
    })
}

/// Error texts are written as clauses; callers read a sentence.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
