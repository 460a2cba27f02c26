//! What callers ask for: their keys, the versions they expect, and the command that each of it is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use traveladvisor_domain::aggregate::{Aggregate, Command};
use traveladvisor_domain::booking::BookingCommand;
use traveladvisor_domain::booking::quote::{Booker, Offers, TripRequest, quote};
use traveladvisor_domain::bus::Standing;
use traveladvisor_domain::car::CarCommand;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::flight::FlightCommand;
use traveladvisor_domain::hotel::HotelCommand;
use traveladvisor_domain::id::{BookingId, MemberId, StreamId};
use traveladvisor_domain::member::Member;
use traveladvisor_domain::personal::{Personal, Traveller};
use traveladvisor_domain::together::{NotTogether, Together};
use traveladvisor_domain::trip::TripPlan;
use traveladvisor_domain::trip_saga::TripSagaCommand;
use traveladvisor_domain::trip_saga::attention::OperatorDecision;
use traveladvisor_infra::event_log::Key;

use super::super::batch::{PendingKey, Undecided};
use super::super::job::Job;
use super::super::letters::with_its_trip;
use super::super::needs::{catalogue_stream, wanted_streams};
use super::super::states::Poisoned;
use super::{Decided, Decider, PANICKED, SeenAt, Verdict};
use crate::request::{CallerCommand, Rejection, Request};

impl Decider<'_, '_> {
    pub(super) fn caller(
        &mut self,
        index: usize,
        job: &Job,
        request: &Request,
        fresh: BookingId,
    ) -> Result<Verdict, Poisoned> {
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
        let (subject, decided) = match self.decide_for_caller(job, request, fresh) {
            Ok(decided) => decided,
            Err(verdict) => return Ok(self.told_of_version_first(request, verdict)),
        };
        if decided.iter().all(|(_, events)| events.is_empty()) {
            return Ok(Verdict::Accepted { subject, seen_at: self.seen_at(subject), changed: false });
        }
        if let Some(moved) = self.moved(request, subject) {
            return Ok(moved);
        }
        if let CallerCommand::ResolveLetter { letter, verb, .. } = &request.command {
            self.wake_letter(letter.stream(), *verb, job.occasion.at);
        }
        // All of it was decided before any of it is staged.
        for (stream, events) in decided {
            let by = with_its_trip(by.clone(), &events);
            self.stage_and_follow(job, stream, events, &by)?;
        }
        let last = self.batch.event_count() - 1;
        Ok(Verdict::Accepted { subject, seen_at: SeenAt::Place(last), changed: true })
    }

    /// That the stream is at another version than the caller expects, if it is.
    fn moved(&mut self, request: &Request, subject: StreamId) -> Option<Verdict> {
        let expected = request.expected_version?;
        let version = self.batch.read(self.states, subject).map_or(0, |state| state.sequence);
        if expected == version {
            return None;
        }
        let message = format!("The version is {version} by now: read it again, then decide.");
        let rejection = Rejection::new(Code::VersionConflict, message).at(&["expectedVersion"]);
        Some(Verdict::Moved(rejection, self.seen_at(subject)))
    }

    /// Who names another version of what several streams decide on is told that and nothing else: not whether an address is taken.
    fn told_of_version_first(&mut self, request: &Request, verdict: Verdict) -> Verdict {
        let CallerCommand::Together(asked) = &request.command else { return verdict };
        if !matches!(verdict, Verdict::Rejected(_)) {
            return verdict;
        }
        self.moved(request, asked.subject()).unwrap_or(verdict)
    }

    /// The stream that it is about, and what happens on it and on others. The error is what the job comes to instead.
    fn decide_for_caller(
        &mut self,
        job: &Job,
        request: &Request,
        fresh: BookingId,
    ) -> Result<(StreamId, Decided), Verdict> {
        if let CallerCommand::Together(asked) = &request.command {
            return Ok((asked.subject(), self.together(job, asked)?));
        }
        let (stream, command) = self.command_of(job, request, fresh)?;
        let events = self.batch.decide(self.states, stream, command).map_err(|undecided| match undecided {
            Undecided::Refused(error) => {
                Verdict::Rejected(Rejection::new(error.code(), sentence(&error.to_string())).at(&[error.field()]))
            }
            Undecided::Cold => Verdict::Cold,
            Undecided::Panicked => Verdict::Guilty(PANICKED),
        })?;
        Ok((stream, vec![(stream, events)]))
    }

    /// On several streams, or on none. Also what is only looked at is checked by the append.
    fn together(&mut self, job: &Job, asked: &Together) -> Result<Decided, Verdict> {
        for stream in job.reads(self.states) {
            if self.batch.read(self.states, stream).is_none() {
                return Err(Verdict::Cold);
            }
        }
        let states = &*self.states;
        let view = |stream| states.view(stream).map(|state| &state.aggregate);
        let decided = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(feature = "testing")]
            states.faults.strike_together(asked);
            asked.decide(&view, job.occasion)
        }));
        match decided {
            Ok(Ok(decided)) => Ok(decided),
            Ok(Err(NotTogether::Missing(_))) => Err(Verdict::Cold),
            Ok(Err(NotTogether::Refused { code, message, field })) => {
                Err(Verdict::Rejected(Rejection::new(code, sentence(&message)).at(&[field])))
            }
            Err(_) => Err(Verdict::Guilty(PANICKED)),
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
                let plan = self.plan(wanted, &request.caller, job)?;
                for stream in [fresh.stream(), fresh.saga(), fresh.payment()] {
                    if self.states.contexts.holds(stream.kind) {
                        self.states.create(stream);
                    }
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
            CallerCommand::ResolveLetter { letter, verb, reason } => {
                (letter.stream(), Command::DeadLetter(verb.command(&request.caller, reason)))
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
    fn plan(&mut self, wanted: &TripRequest, caller: &str, job: &Job) -> Result<TripPlan, Verdict> {
        for stream in job.streams(self.states) {
            if self.batch.read(self.states, stream).is_none() {
                return Err(Verdict::Cold);
            }
        }
        let copies = self.copies_of(wanted)?;
        let streams = job.streams(self.states);
        let own = streams.iter().filter_map(|stream| self.states.view(*stream)).map(|state| &state.aggregate);
        let states: Vec<&Aggregate> = own.chain(copies.iter().map(Arc::as_ref)).collect();
        let offers = Offers {
            hotel: states.iter().find_map(|state| if let Aggregate::Hotel(hotel) = state { Some(hotel) } else { None }),
            flight: states.iter().find_map(|state| if let Aggregate::Flight(it) = state { Some(it) } else { None }),
            car: states.iter().find_map(|state| if let Aggregate::Car(car) = state { Some(car) } else { None }),
            voucher: states.iter().find_map(|state| if let Aggregate::Reward(it) = state { Some(it) } else { None }),
        };
        let member = states.iter().find_map(|state| if let Aggregate::Member(it) = state { Some(it) } else { None });
        let told = self.states.copies.as_ref().and_then(|copies| copies.standing(MemberId::of(caller)));
        let is_active = told == Some(Standing::Active) || member.is_some_and(Member::is_active);
        let booker = Booker {
            member: is_active.then(|| MemberId::of(caller)),
            has_left: told == Some(Standing::Left) || member.is_some_and(|member| *member == Member::Closed),
            terms: self.terms,
        };
        quote(wanted, offers, booker, job.occasion)
            .map_err(|no| Verdict::Rejected(Rejection::new(no.failure.code, no.failure.message).at(&no.path)))
    }

    /// What other logs have told of what is wanted.
    fn copies_of(&self, wanted: &TripRequest) -> Result<Vec<Arc<Aggregate>>, Verdict> {
        let Some(copies) = &self.states.copies else { return Ok(Vec::new()) };
        if !copies.is_complete() {
            let message = "What is on sale is not known here yet: try again in a moment, with the same key.";
            return Err(Verdict::Rejected(Rejection::new(Code::Unavailable, message)));
        }
        let is_copied = |stream: &StreamId| stream.kind.context().is_some_and(|context| copies.holds(context));
        Ok(wanted_streams(wanted).into_iter().filter(is_copied).map(|stream| copies.state(stream)).collect())
    }
}

/// Told when a key comes with another input.
pub(crate) fn key_reused() -> Rejection {
    let message = "This idempotency key was used with another input: use a new key.";
    Rejection::new(Code::IdempotencyKeyReused, message).at(&["idempotencyKey"])
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
