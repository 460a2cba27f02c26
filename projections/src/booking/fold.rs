//! An event of any stream taken into its trip. The table of public states is kept here.

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_domain::message::{Direction, FailedStep, Instruction};
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::trip::Step;
use traveladvisor_domain::trip_saga::TripSagaEvent;
use traveladvisor_domain::trip_saga::attention::Verb;

use super::facts::{Answered, Facts};
use super::key::booking_of;
use super::rows::{BookingBatch, TimelineRow};
use super::state::{BookingState, Course, Standing};
use super::summary::{signed, summary};
use crate::runtime::{FoldError, Held, Recorded};
use crate::views::{FailureView, SagaStatus};

/// Takes an event into its trip and into the timeline.
pub(super) fn fold(batch: &mut BookingBatch, recorded: &Recorded) -> Result<(), FoldError> {
    if let Some(line) = told(&mut batch.states, recorded)? {
        batch.tell(line);
    }
    Ok(())
}

/// Takes an event into its trip; the line that its timeline gets. What concerns a trip that nobody asked for is left out: there is nothing
/// to show.
pub(super) fn told(
    states: &mut Held<BookingId, BookingState>,
    recorded: &Recorded,
) -> Result<Option<TimelineRow>, FoldError> {
    let Some(booking) = booking_of(recorded) else { return Ok(None) };
    if let Event::Booking(BookingEvent::BookingRequested { owner, traveller, plan }) = &recorded.told.event {
        if states.holds(&booking) {
            return Err(FoldError::new("the trip was asked for twice"));
        }
        let state = BookingState::requested(owner.clone(), traveller.value.clone(), plan.clone(), recorded);
        states.keep_new(booking, state);
    }
    let Some(state) = states.change(&booking) else { return Ok(None) };
    take(state, recorded);
    let is_its_own = matches!(recorded.stream.kind, StreamKind::Booking | StreamKind::TripSaga);
    Ok(Some(TimelineRow {
        booking,
        position: recorded.position,
        at: recorded.told.occurred_at,
        kind: recorded.stream.kind,
        event_type: recorded.told.event.event_type(),
        summary: summary(&recorded.told.event, state.payment.method),
        signed: signed(&recorded.told.event),
        shows: is_its_own.then(|| state.as_its_own_streams_tell()),
    }))
}

fn take(state: &mut BookingState, recorded: &Recorded) {
    match &recorded.told.event {
        Event::Booking(event) => {
            state.version = recorded.sequence;
            take_booking(state, event);
        }
        Event::TripSaga(event) => {
            state.saga.take(event, recorded.told.occurred_at);
            take_saga(state, event);
        }
        Event::Hotel(event) => take_hotel(&mut state.course.hotel, event),
        Event::Flight(event) => take_flight(&mut state.course.flight, event),
        Event::Car(event) => take_car(&mut state.course.car, event),
        Event::Payment(event) => {
            state.course.paid.take(event);
            if let PaymentEvent::PaymentCancelled { refunded, .. } = event {
                state.payment.refunded = *refunded;
            }
        }
        Event::DeadLetter(_)
        | Event::Reward(_)
        | Event::PointsAccount(_)
        | Event::Member(_)
        | Event::EmailClaim(_)
        | Event::Campaign(_)
        | Event::Programme(_) => {}
    }
    state.show();
    state.updated_at = state.updated_at.max(recorded.told.occurred_at);
    state.position = recorded.position;
}

fn take_booking(state: &mut BookingState, event: &BookingEvent) {
    match event {
        BookingEvent::CancellationRequested { .. } => {
            state.course.standing = Standing::CancelRequested;
            state.saga.status = after_cancellation(state.saga.status);
        }
        BookingEvent::BookingApproved { .. } if state.course.standing == Standing::Requested => {
            state.course.standing = Standing::Approved;
        }
        BookingEvent::BookingCancelled { failure, .. } => {
            blame(state, failure.as_ref());
            state.course.standing = Standing::Cancelled;
        }
        BookingEvent::BookingRequested { .. }
        | BookingEvent::BookingApproved { .. }
        | BookingEvent::AnswerRepeated { .. } => {}
    }
}

/// A trip under way awaits an answer; one that stood is on its way back, also before its saga has said so.
pub(crate) const fn after_cancellation(saga: SagaStatus) -> SagaStatus {
    match saga {
        SagaStatus::Started => SagaStatus::Processing,
        SagaStatus::Succeeded => SagaStatus::Compensating,
        other => other,
    }
}

fn take_saga(state: &mut BookingState, event: &TripSagaEvent) {
    match event {
        TripSagaEvent::StepSucceeded { step, .. } => booked(&mut state.course, *step),
        TripSagaEvent::StepRefused { step, failure, .. } | TripSagaEvent::StepTimedOut { step, failure, .. } => {
            state.course.part(*step).map(Facts::refused);
            payment_faulted(state, *step);
            blame(state, Some(&FailedStep { step: *step, failure: failure.clone() }));
        }
        // What may have happened was not a fault of the payment: it is not known yet.
        TripSagaEvent::StepFaulted { step, in_doubt: false, .. } => payment_faulted(state, *step),
        TripSagaEvent::Resolved { verb, step, direction, .. } => match (verb, direction) {
            (Verb::GiveUp, _) => state.course.given_up.push(*step),
            // The payment tells by itself that it is given back.
            (Verb::MarkUndone, Direction::Undo) if *step != Step::Payment => given_back(&mut state.course, *step),
            _ => {}
        },
        TripSagaEvent::UndoSucceeded { step, .. } => given_back(&mut state.course, *step),
        TripSagaEvent::SagaCompensated { failure } | TripSagaEvent::SagaFailed { failure, .. } => {
            blame(state, failure.as_ref());
        }
        TripSagaEvent::SagaStarted { .. }
        | TripSagaEvent::StepFaulted { .. }
        | TripSagaEvent::StepRetried { .. }
        | TripSagaEvent::LateAnswerNoted { .. }
        | TripSagaEvent::AttentionNeeded { .. }
        | TripSagaEvent::CancellationNoted { .. }
        | TripSagaEvent::UndoFaulted { .. }
        | TripSagaEvent::UndoRetried { .. }
        | TripSagaEvent::SagaSucceeded => {}
    }
    if let Some(Instruction { direction: Direction::Undo, order, .. }) = event.sends() {
        state.course.undoing = true;
        state.course.part(order.step()).map(Facts::giving_back);
    }
    state.saga.status = saga_status(event, state.saga.status, state.course.undoing, state.course.standing);
}

/// Where a saga stands after an event of its own: `before` it, whether it takes back, and what the booking's stream says.
pub(crate) const fn saga_status(
    event: &TripSagaEvent,
    before: SagaStatus,
    undoing: bool,
    standing: Standing,
) -> SagaStatus {
    match event {
        TripSagaEvent::SagaCompensated { .. } => SagaStatus::Compensated,
        TripSagaEvent::SagaFailed { .. } => SagaStatus::Failed,
        _ if undoing => SagaStatus::Compensating,
        TripSagaEvent::SagaSucceeded if matches!(standing, Standing::CancelRequested) => SagaStatus::Compensating,
        TripSagaEvent::SagaSucceeded => SagaStatus::Succeeded,
        // A cancellation that was asked for before the saga began.
        TripSagaEvent::SagaStarted { .. } => before,
        _ => SagaStatus::Processing,
    }
}

/// The saga has heard that a part is reserved.
fn booked(course: &mut Course, step: Step) {
    let Some(facts) = course.part(step) else { return };
    facts.booked();
    course.last_booked = course.last_booked.max(Some(step));
}

/// The saga has heard that a part is given back, or an operator has said so.
fn given_back(course: &mut Course, step: Step) {
    let Some(facts) = course.part(step) else { return };
    facts.given_back();
    course.last_undone = Some(course.last_undone.map_or(step, |last| last.min(step)));
}

fn take_hotel(facts: &mut Facts, event: &HotelEvent) {
    match event {
        HotelEvent::RoomsReserved { .. } => facts.answered(Answered::Reserved),
        HotelEvent::RoomsRefused { .. } => facts.answered(Answered::Refused),
        HotelEvent::RoomsReleased { .. } | HotelEvent::ReservationBarred { .. } => facts.answered(Answered::Released),
        _ => {}
    }
}

fn take_flight(facts: &mut Facts, event: &FlightEvent) {
    match event {
        FlightEvent::SeatsReserved { .. } => facts.answered(Answered::Reserved),
        FlightEvent::SeatsRefused { .. } => facts.answered(Answered::Refused),
        FlightEvent::SeatsReleased { .. } | FlightEvent::ReservationBarred { .. } => facts.answered(Answered::Released),
        _ => {}
    }
}

fn take_car(facts: &mut Facts, event: &CarEvent) {
    match event {
        CarEvent::VehicleReserved { .. } => facts.answered(Answered::Reserved),
        CarEvent::VehicleRefused { .. } => facts.answered(Answered::Refused),
        CarEvent::VehicleReleased { .. } | CarEvent::ReservationBarred { .. } => facts.answered(Answered::Released),
        _ => {}
    }
}

/// A fault that the payment itself could not tell, such as a dead letter.
fn payment_faulted(state: &mut BookingState, step: Step) {
    state.course.payment_faulted |= step == Step::Payment;
}

fn blame(state: &mut BookingState, failed: Option<&FailedStep>) {
    if let Some(FailedStep { step, failure: Failure { code, message } }) = failed {
        state.failure = Some(FailureView { step: *step, code: *code, message: message.clone() });
    }
}
