//! Which command a message is, and of which stream.

use crate::aggregate::Command;
use crate::booking::BookingCommand;
use crate::car::CarCommand;
use crate::flight::FlightCommand;
use crate::hotel::HotelCommand;
use crate::id::{BookingId, StreamId, StreamKind};
use crate::message::{Body, Destination, Direction, Instruction, Message, Order};
use crate::occasion::Occasion;
use crate::payment::PaymentCommand;
use crate::points_account::PointsAccountCommand;
use crate::reward::RewardCommand;
use crate::trip_saga::TripSagaCommand;

/// A message as a command of the stream that decides on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Addressed {
    /// Who decides.
    pub stream: StreamId,
    /// On what.
    pub command: Command,
    /// Name of the command, for the metadata.
    pub name: &'static str,
}

/// The command that a message is; none for a call of the gateway, which leaves the process.
pub fn address(message: &Message, occasion: Occasion) -> Option<Addressed> {
    let Destination::Stream(stream) = message.to else { return None };
    let (name, command) = match &message.body {
        Body::StartTrip(plan) => {
            ("start_trip", Command::TripSaga(TripSagaCommand::Start { plan: plan.clone(), occasion }))
        }
        Body::CancelTrip => ("cancel_trip", Command::TripSaga(TripSagaCommand::Cancel { occasion })),
        Body::Answer(answer) if stream.kind == StreamKind::Payment => {
            let (booking, answer) = (message.booking, answer.clone());
            ("points_answered", Command::Payment(PaymentCommand::PointsAnswered { booking, answer }))
        }
        Body::Answer(answer) => {
            ("answer", Command::TripSaga(TripSagaCommand::Answer { answer: answer.clone(), occasion }))
        }
        Body::Instruction(instruction) => instructed(message.booking, instruction, occasion),
        Body::Points(_) | Body::Earn(_) | Body::Reverse(_) => of_points(message.booking, &message.body, occasion)?,
        Body::GatewayCall(_) | Body::LookUp(_) => return None,
    };
    Some(Addressed { stream, command, name })
}

fn of_points(booking: BookingId, body: &Body, occasion: Occasion) -> Option<(&'static str, Command)> {
    let (name, command) = match body {
        Body::Points(order) => {
            let name = match order.direction {
                Direction::Request => "redeem_points",
                Direction::Undo => "restore_points",
            };
            (name, PointsAccountCommand::Order { booking, order: *order, occasion })
        }
        Body::Earn(earning) => {
            ("earn_points", PointsAccountCommand::EarnForBooking { booking, earning: *earning, occasion })
        }
        Body::Reverse(earning) => {
            ("reverse_points", PointsAccountCommand::Reverse { booking, earning: *earning, occasion })
        }
        _ => return None,
    };
    Some((name, Command::PointsAccount(command)))
}

fn instructed(booking: BookingId, asked: &Instruction, occasion: Occasion) -> (&'static str, Command) {
    let attempt = asked.attempt;
    match (&asked.order, asked.direction) {
        (Order::Voucher(part), Direction::Request) => {
            let part = *part;
            ("redeem_voucher", Command::Reward(RewardCommand::Redeem { booking, attempt, part, occasion }))
        }
        (Order::Voucher(_), Direction::Undo) => {
            ("return_voucher", Command::Reward(RewardCommand::Return { booking, attempt }))
        }
        (Order::Rooms(part), Direction::Request) => {
            let part = part.clone();
            ("reserve_rooms", Command::Hotel(HotelCommand::Reserve { booking, attempt, part, occasion }))
        }
        (Order::Rooms(part), Direction::Undo) => {
            let part = part.clone();
            ("release_rooms", Command::Hotel(HotelCommand::Release { booking, attempt, part, occasion }))
        }
        (Order::Seats(part), Direction::Request) => {
            let part = part.clone();
            ("reserve_seats", Command::Flight(FlightCommand::Reserve { booking, attempt, part, occasion }))
        }
        (Order::Seats(part), Direction::Undo) => {
            let part = part.clone();
            ("release_seats", Command::Flight(FlightCommand::Release { booking, attempt, part, occasion }))
        }
        (Order::Vehicle(part), Direction::Request) => {
            let part = part.clone();
            ("reserve_vehicle", Command::Car(CarCommand::Reserve { booking, attempt, part, occasion }))
        }
        (Order::Vehicle(part), Direction::Undo) => {
            let part = part.clone();
            ("release_vehicle", Command::Car(CarCommand::Release { booking, attempt, part, occasion }))
        }
        (Order::Payment { plan, amount, found }, Direction::Request) => {
            let (plan, amount, found) = (plan.clone(), *amount, found.clone());
            ("request_payment", Command::Payment(PaymentCommand::Request { booking, attempt, plan, amount, found }))
        }
        (Order::Payment { amount, found, .. }, Direction::Undo) => {
            let (amount, found) = (*amount, found.clone());
            ("cancel_payment", Command::Payment(PaymentCommand::Cancel { booking, attempt, amount, found }))
        }
        (Order::Booking { .. }, Direction::Request) => {
            ("approve_booking", Command::Booking(BookingCommand::Approve { attempt }))
        }
        (Order::Booking { failure }, Direction::Undo) => {
            let failure = failure.clone();
            ("close_booking", Command::Booking(BookingCommand::Close { attempt, failure }))
        }
    }
}
