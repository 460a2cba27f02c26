//! An event of any stream taken into its trip. The table of public states is kept here.

use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::{Direction, FailedStep, Instruction};
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::trip::Step;
use traveladvisor_domain::trip_saga::TripSagaEvent;
use traveladvisor_domain::trip_saga::attention::Verb;

use super::key::booking_of;
use super::rows::{BookingBatch, TimelineRow};
use super::state::{BookingState, Standing};
use super::summary::{signed, summary};
use crate::runtime::{FoldError, Held, Recorded};
use crate::views::{FailureView, PaymentStatus, SagaStatus};

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
    Ok(Some(TimelineRow {
        booking,
        position: recorded.position,
        at: recorded.told.occurred_at,
        kind: recorded.stream.kind,
        event_type: recorded.told.event.event_type(),
        summary: summary(&recorded.told.event),
        signed: signed(&recorded.told.event),
        status: state.status(),
        saga_status: state.saga_status(),
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
        Event::Hotel(event) => take_hotel(state, event),
        Event::Flight(event) => take_flight(state, event),
        Event::Car(event) => take_car(state, event),
        Event::Payment(event) => take_payment(state, event),
        Event::DeadLetter(_) => {}
    }
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
            state.closed();
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
        TripSagaEvent::StepSucceeded { step, .. } => match step {
            Step::Hotel | Step::Flight | Step::Car => state.booked(*step),
            Step::Payment | Step::Approve => {}
        },
        TripSagaEvent::StepRefused { step, failure, .. } | TripSagaEvent::StepTimedOut { step, failure, .. } => {
            state.refused(*step);
            payment_faulted(state, *step);
            blame(state, Some(&FailedStep { step: *step, failure: failure.clone() }));
        }
        // What may have happened was not a fault of the payment: it is not known yet.
        TripSagaEvent::StepFaulted { step, in_doubt: false, .. } => payment_faulted(state, *step),
        TripSagaEvent::Resolved { verb, step, direction, .. } => match (verb, direction) {
            (Verb::GiveUp, _) => state.given_up(*step),
            // The payment tells by itself that it is given back.
            (Verb::MarkUndone, Direction::Undo) if *step != Step::Payment => state.given_back(*step),
            _ => {}
        },
        TripSagaEvent::UndoSucceeded { step, .. } => state.given_back(*step),
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
        state.giving_back(order.step());
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

/// Rooms, seats or a vehicle are reserved: the first answer, if no other came before.
fn part_booked(state: &mut BookingState, step: Step) {
    state.booked(step);
    if state.saga.status == SagaStatus::Started {
        state.saga.status = SagaStatus::Processing;
    }
}

fn take_hotel(state: &mut BookingState, event: &HotelEvent) {
    match event {
        HotelEvent::RoomsReserved { .. } => part_booked(state, Step::Hotel),
        HotelEvent::RoomsRefused { .. } => state.refused(Step::Hotel),
        HotelEvent::RoomsReleased { .. } | HotelEvent::ReservationBarred { .. } => state.given_back(Step::Hotel),
        _ => {}
    }
}

fn take_flight(state: &mut BookingState, event: &FlightEvent) {
    match event {
        FlightEvent::SeatsReserved { .. } => part_booked(state, Step::Flight),
        FlightEvent::SeatsRefused { .. } => state.refused(Step::Flight),
        FlightEvent::SeatsReleased { .. } | FlightEvent::ReservationBarred { .. } => state.given_back(Step::Flight),
        _ => {}
    }
}

fn take_car(state: &mut BookingState, event: &CarEvent) {
    match event {
        CarEvent::VehicleReserved { .. } => part_booked(state, Step::Car),
        CarEvent::VehicleRefused { .. } => state.refused(Step::Car),
        CarEvent::VehicleReleased { .. } | CarEvent::ReservationBarred { .. } => state.given_back(Step::Car),
        _ => {}
    }
}

fn take_payment(state: &mut BookingState, event: &PaymentEvent) {
    let payment = &mut state.payment;
    match event {
        PaymentEvent::PaymentCompleted { .. } => {
            payment.status = PaymentStatus::Completed;
            payment.failure_code = None;
            state.course.payment_faulted = false;
        }
        PaymentEvent::PaymentFailed { failure, .. } => {
            payment.failure_code = Some(failure.code);
            // A request that came after its cancel is refused without changing where the payment stands.
            if payment.status == PaymentStatus::Pending {
                payment.status = PaymentStatus::Failed;
            }
        }
        PaymentEvent::PaymentFaulted { failure, .. } => {
            payment.failure_code = Some(failure.code);
            state.course.payment_faulted = true;
        }
        PaymentEvent::PaymentCancelled { refunded, .. } => {
            payment.status = PaymentStatus::Cancelled;
            payment.refunded = *refunded;
        }
        PaymentEvent::PaymentRequested { .. }
        | PaymentEvent::UndoAwaited { .. }
        | PaymentEvent::OutcomeUnknown { .. }
        | PaymentEvent::OutcomeAsked { .. }
        | PaymentEvent::RefundRequested { .. }
        | PaymentEvent::RefundFaulted { .. }
        | PaymentEvent::PaymentBarred { .. }
        | PaymentEvent::AnswerRepeated { .. } => {}
    }
}

/// A fault that the payment itself could not tell, such as a dead letter.
fn payment_faulted(state: &mut BookingState, step: Step) {
    if step == Step::Payment && state.payment.status == PaymentStatus::Pending {
        state.course.payment_faulted = true;
        state.payment.failure_code.get_or_insert(Code::Unavailable);
    }
}

fn blame(state: &mut BookingState, failed: Option<&FailedStep>) {
    if let Some(FailedStep { step, failure: Failure { code, message } }) = failed {
        state.failure = Some(FailureView { step: *step, code: *code, message: message.clone() });
    }
}
