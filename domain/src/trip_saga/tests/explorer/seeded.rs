//! Seven bugs, each put into one step of the core: the explorer must find them all.

use crate::aggregate::{Aggregate, Command, Event};
use crate::booking::BookingEvent;
use crate::message::{Answer, Body, Direction, Instruction, Message, Order, Outcome};
use crate::points::PointsOrder;
use crate::points_account::{PointsAccountCommand, PointsAccountEvent};
use crate::trip::{Step, TripPlan};
use crate::trip_saga::steps::PIVOT;
use crate::trip_saga::{Awaiting, Forward, TripSaga, TripSagaCommand, TripSagaEvent};

/// A bug that a process manager can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// After a deadline the step counts as never done, and its late success is not taken back.
    LateSuccessIgnored,
    /// Flight and hotel are taken back in the order in which they were booked.
    UndoOrderSwapped,
    /// A payment that does not answer in time is taken back like a part.
    PivotIgnored,
    /// A fault of an earlier attempt counts as one of the present attempt.
    DuplicateCounted,
    /// The pause before the next try is noted, but nobody wakes the saga.
    TimerForgotten,
    /// A new attempt takes the points once more, instead of saying that they were taken.
    PointsTakenAgain,
    /// A trip that was approved and cancelled leaves the member what it had brought.
    EarningKept,
}

impl Bug {
    /// The command as the buggy saga takes it.
    pub(super) fn taken(self, state: &Aggregate, command: Command) -> Command {
        match (self, state, command) {
            (
                Self::DuplicateCounted,
                Aggregate::TripSaga(saga),
                Command::TripSaga(TripSagaCommand::Answer { mut answer, occasion }),
            ) => {
                if let TripSaga::Forward(Forward { at, attempt, .. }) = &**saga
                    && answer.step == *at
                {
                    answer.attempt = *attempt;
                }
                Command::TripSaga(TripSagaCommand::Answer { answer, occasion })
            }
            (_, _, command) => command,
        }
    }

    /// The events as the buggy saga decides them.
    pub(super) fn decided(self, state: &Aggregate, command: &Command, events: Vec<Event>) -> Vec<Event> {
        match (self, command) {
            (Self::PointsTakenAgain, Command::PointsAccount(command)) => return taken_again(command, events),
            (Self::EarningKept, _) => return events.into_iter().map(earning_kept).collect(),
            _ => {}
        }
        let (Aggregate::TripSaga(saga), Command::TripSaga(command)) = (state, command) else { return events };
        let TripSaga::Forward(forward) = &**saga else { return events };
        match (self, command) {
            (Self::LateSuccessIgnored, TripSagaCommand::Wake { occasion }) => {
                let sends = forward.course.first_undo(&forward.done, None, *occasion);
                events.into_iter().map(|event| not_done_after_all(event, sends.clone())).collect()
            }
            (Self::PivotIgnored, TripSagaCommand::Wake { occasion })
                if forward.at == PIVOT && matches!(forward.awaiting, Awaiting::Answer { .. }) =>
            {
                let taken_back = |event| match (event, forward.course.first_undo(&forward.done, None, *occasion)) {
                    (
                        Event::TripSaga(
                            TripSagaEvent::StepFaulted { step, attempt, failure, .. }
                            | TripSagaEvent::AttentionNeeded { step, attempt, failure, .. },
                        ),
                        Some(sends),
                    ) => Event::TripSaga(TripSagaEvent::StepRefused { step, attempt, failure, sends }),
                    (event, _) => event,
                };
                events.into_iter().map(taken_back).collect()
            }
            _ => events,
        }
    }

    /// The message as the buggy saga sends it.
    pub(super) fn sent(self, plan: &TripPlan, message: Message) -> Message {
        let swaps = self == Self::UndoOrderSwapped;
        let (true, Some(hotel), Some(flight)) = (swaps, &plan.hotel, &plan.flight) else { return message };
        let swapped = |step| match step {
            Step::Hotel => Step::Flight,
            Step::Flight => Step::Hotel,
            other => other,
        };
        match message.body {
            Body::Instruction(sends @ Instruction { direction: Direction::Undo, .. }) => {
                let (to, order) = match sends.order {
                    Order::Rooms(_) => (flight.flight.stream(), Order::Seats(flight.clone())),
                    Order::Seats(_) => (hotel.hotel.stream(), Order::Rooms(hotel.clone())),
                    order => return Message { body: Body::Instruction(Instruction { order, ..sends }), ..message },
                };
                let to = crate::message::Destination::Stream(to);
                Message { to, body: Body::Instruction(Instruction { order, ..sends }), ..message }
            }
            Body::Answer(answer @ Answer { direction: Direction::Undo, .. }) => {
                Message { body: Body::Answer(Answer { step: swapped(answer.step), ..answer }), ..message }
            }
            body => Message { body, ..message },
        }
    }

    /// Whether the buggy saga has a wake-up.
    pub(super) const fn forgets_timer(self, saga: &TripSaga) -> bool {
        matches!(self, Self::TimerForgotten)
            && matches!(saga, TripSaga::Forward(Forward { awaiting: Awaiting::Retry { .. }, .. }))
    }
}

fn not_done_after_all(event: Event, sends: Option<Instruction>) -> Event {
    match (event, sends) {
        (Event::TripSaga(TripSagaEvent::StepTimedOut { step, attempt, failure, .. }), Some(sends)) => {
            Event::TripSaga(TripSagaEvent::StepRefused { step, attempt, failure, sends })
        }
        (event, _) => event,
    }
}

fn taken_again(command: &PointsAccountCommand, events: Vec<Event>) -> Vec<Event> {
    let again = |event| match (event, command) {
        (
            Event::PointsAccount(PointsAccountEvent::AnswerRepeated {
                answer: Answer { direction: Direction::Request, outcome: Outcome::Done, attempt, .. },
                booking,
                business_date,
            }),
            PointsAccountCommand::Order { order, .. },
        ) => {
            let PointsOrder { points, value, .. } = *order;
            Event::PointsAccount(PointsAccountEvent::PointsRedeemed { booking, attempt, points, value, business_date })
        }
        (event, _) => event,
    };
    events.into_iter().map(again).collect()
}

fn earning_kept(event: Event) -> Event {
    match event {
        Event::Booking(BookingEvent::BookingCancelled { attempt, failure, .. }) => {
            Event::Booking(BookingEvent::BookingCancelled { attempt, failure, reverses: None })
        }
        event => event,
    }
}
