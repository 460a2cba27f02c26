//! Which streams a job needs in memory: those that its decision reads, and those that its follow-ups will.

use std::collections::BTreeSet;

use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::id::{BookingId, CarId, FlightId, HotelId, MemberId, RewardId, StreamId};
use traveladvisor_domain::message::Destination;

use super::job::{Job, SoThat, Task};
use super::states::{State, States};
use crate::request::{CallerCommand, Request};

impl Job {
    /// The streams of this log that deciding it reads first; more may follow from what they hold.
    pub(crate) fn streams(&self, states: &States) -> Vec<StreamId> {
        held(states, self.named())
    }

    fn named(&self) -> Vec<StreamId> {
        match &self.task {
            Task::Caller { request, .. } => caller_streams(request),
            Task::Message { message, letter, .. } => match message.to {
                Destination::Stream(stream) => {
                    let letter = letter.as_ref().map(|letter| letter.stream);
                    with_trip(message.booking, [Some(stream), letter].into_iter().flatten())
                }
                Destination::Gateway => Vec::new(),
            },
            Task::Record { message, .. } => match message.to {
                Destination::Stream(stream) => with_trip(message.booking, [stream]),
                Destination::Gateway => Vec::new(),
            },
            Task::Wake { stream } => with_trip(BookingId(stream.uuid), Some(*stream)),
            Task::Settle { booking, .. } => with_trip(*booking, None),
            Task::SetAside { stream, so_that: SoThat::PaymentAsks { payment, .. }, .. } => vec![*stream, *payment],
            Task::SetAside { stream, .. } => vec![*stream],
            // It may be one that cannot be read.
            Task::MoveWakeup { .. } => Vec::new(),
        }
    }

    /// The streams that deciding it reads as well, known only from what [`Self::streams`] hold.
    pub(crate) fn further_streams(&self, states: &States) -> Vec<StreamId> {
        match &self.task {
            Task::Caller { request, .. } => match &request.command {
                CallerCommand::Together(asked) => held(states, states.further_streams(asked)),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// All streams that deciding it reads, as far as is known now.
    pub(crate) fn reads(&self, states: &States) -> BTreeSet<StreamId> {
        self.streams(states).into_iter().chain(self.further_streams(states)).collect()
    }

    /// The streams that its follow-ups will need, known only from what it reads. Without them it is decided all the same, and the relay
    /// delivers to them.
    pub(crate) fn followed(&self, states: &States) -> Vec<StreamId> {
        if let Task::Caller { request, .. } = &self.task
            && matches!(request.command, CallerCommand::BookTrip { .. })
        {
            return held(states, account_of(states, MemberId::of(&request.caller)).into_iter().collect());
        }
        let saga = self.trip().and_then(|trip| states.view(trip.saga()));
        held(states, parts_of(saga))
    }

    /// The trip it belongs to, whose parts its follow-ups will need.
    fn trip(&self) -> Option<BookingId> {
        match &self.task {
            Task::Caller { request, .. } => match &request.command {
                CallerCommand::CancelBooking { booking, .. } | CallerCommand::ResolveSaga { booking, .. } => {
                    Some(*booking)
                }
                _ => None,
            },
            Task::Message { message, .. } | Task::Record { message, .. } => Some(message.booking),
            Task::Wake { stream } => Some(BookingId(stream.uuid)),
            Task::Settle { booking, .. } => Some(*booking),
            Task::SetAside { .. } | Task::MoveWakeup { .. } => None,
        }
    }
}

/// What stands in this log; what other logs hold is never read here.
fn held(states: &States, mut streams: Vec<StreamId>) -> Vec<StreamId> {
    streams.retain(|stream| states.contexts.holds(stream.kind));
    streams
}

/// The account whose points a member's trip takes or brings.
fn account_of(states: &States, member: MemberId) -> Option<StreamId> {
    let state = states.view(member.stream())?;
    matches!(&state.aggregate, Aggregate::Member(known) if known.is_active()).then(|| member.account())
}

fn parts_of(saga: Option<&State>) -> Vec<StreamId> {
    let Some(State { aggregate: Aggregate::TripSaga(saga), .. }) = saga else { return Vec::new() };
    let Some(plan) = saga.plan() else { return Vec::new() };
    [
        plan.discount.as_ref().map(|discount| discount.voucher.stream()),
        plan.hotel.as_ref().map(|part| part.hotel.stream()),
        plan.flight.as_ref().map(|part| part.flight.stream()),
        plan.car.as_ref().map(|part| part.car.stream()),
        plan.member.map(MemberId::account),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn caller_streams(request: &Request) -> Vec<StreamId> {
    match &request.command {
        CallerCommand::BookTrip { wanted, .. } => trip_streams(wanted, &request.caller),
        CallerCommand::CancelBooking { booking, .. } | CallerCommand::ResolveSaga { booking, .. } => {
            with_trip(*booking, None)
        }
        CallerCommand::ChangeAllotment { hotel, .. } => vec![hotel.stream()],
        CallerCommand::UpsertHotel(_) | CallerCommand::UpsertFlight(_) | CallerCommand::UpsertCar(_) => {
            catalogue_stream(&request.command).into_iter().collect()
        }
        CallerCommand::ResolveLetter { letter, .. } => vec![letter.stream()],
        CallerCommand::Together(asked) => asked.streams(),
    }
}

/// What is wanted, the voucher, and whether the caller is a member.
fn trip_streams(wanted: &TripRequest, caller: &str) -> Vec<StreamId> {
    let mut streams = wanted_streams(wanted);
    streams.push(MemberId::of(caller).stream());
    streams
}

/// The parts that are wanted, and the voucher.
pub(crate) fn wanted_streams(wanted: &TripRequest) -> Vec<StreamId> {
    [
        wanted.hotel.as_ref().map(|part| part.hotel.stream()),
        wanted.flight.as_ref().map(|part| part.flight.stream()),
        wanted.car.as_ref().map(|part| part.car.stream()),
        wanted.voucher.map(RewardId::stream),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The stream of a catalogue item, from its supplier and code.
pub(crate) fn catalogue_stream(command: &CallerCommand) -> Option<StreamId> {
    match command {
        CallerCommand::UpsertHotel(details) => Some(HotelId::of(&details.supplier, &details.code).stream()),
        CallerCommand::UpsertFlight(details) => Some(FlightId::of(&details.supplier, &details.code).stream()),
        CallerCommand::UpsertCar(details) => Some(CarId::of(&details.supplier, &details.code).stream()),
        _ => None,
    }
}

fn with_trip(booking: BookingId, also: impl IntoIterator<Item = StreamId>) -> Vec<StreamId> {
    let mut streams = vec![booking.saga(), booking.stream(), booking.payment()];
    streams.extend(also);
    streams
}

/// A command that lists supply: most often new, so that it need not be looked for.
pub(crate) fn is_supply_listing(job: &Job) -> bool {
    matches!(&job.task, Task::Caller { request, .. } if catalogue_stream(&request.command).is_some())
}
