//! Messages as the commands that they are to those who get them.

use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::booking::BookingCommand;
use traveladvisor_domain::car::CarCommand;
use traveladvisor_domain::flight::FlightCommand;
use traveladvisor_domain::hotel::HotelCommand;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::{Body, Direction, Instruction, Message, Order};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_domain::payment::{GatewayOutcome, PaymentCommand};
use traveladvisor_domain::trip_saga::TripSagaCommand;

pub(super) fn command(message: Message, occasion: Occasion) -> Command {
    match message.body {
        Body::StartTrip(plan) => Command::TripSaga(TripSagaCommand::Start { plan }),
        Body::CancelTrip => Command::TripSaga(TripSagaCommand::Cancel),
        Body::Answer(answer) => Command::TripSaga(TripSagaCommand::Answer { answer, occasion }),
        Body::Instruction(instruction) => instructed(message.booking, instruction, occasion),
        Body::GatewayCall(_) => panic!("a call goes to the gateway"),
    }
}

fn instructed(booking: BookingId, instruction: Instruction, occasion: Occasion) -> Command {
    let Instruction { direction, attempt, order } = instruction;
    match (direction, order) {
        (Direction::Request, Order::Rooms(part)) => {
            Command::Hotel(HotelCommand::Reserve { booking, attempt, part, occasion })
        }
        (Direction::Undo, Order::Rooms(part)) => {
            Command::Hotel(HotelCommand::Release { booking, attempt, part, occasion })
        }
        (Direction::Request, Order::Seats(part)) => {
            Command::Flight(FlightCommand::Reserve { booking, attempt, part, occasion })
        }
        (Direction::Undo, Order::Seats(part)) => {
            Command::Flight(FlightCommand::Release { booking, attempt, part, occasion })
        }
        (Direction::Request, Order::Vehicle(part)) => {
            Command::Car(CarCommand::Reserve { booking, attempt, part, occasion })
        }
        (Direction::Undo, Order::Vehicle(part)) => {
            Command::Car(CarCommand::Release { booking, attempt, part, occasion })
        }
        (Direction::Request, Order::Payment { plan, amount }) => {
            Command::Payment(PaymentCommand::Request { booking, attempt, plan, amount })
        }
        (Direction::Undo, Order::Payment { amount, .. }) => {
            Command::Payment(PaymentCommand::Cancel { booking, attempt, amount })
        }
        (Direction::Request, Order::Booking { .. }) => Command::Booking(BookingCommand::Approve { attempt }),
        (Direction::Undo, Order::Booking { failure }) => Command::Booking(BookingCommand::Close { attempt, failure }),
    }
}

/// What the gateway said to a call.
pub(super) fn settlement(message: Message, outcome: Option<GatewayOutcome>) -> Command {
    let Body::GatewayCall(call) = message.body else { panic!("only calls go to the gateway") };
    let outcome = outcome.unwrap_or_else(|| GatewayOutcome::Done { reference: call.key.clone() });
    Command::Payment(PaymentCommand::Settle { booking: message.booking, key: call.key, kind: call.kind, outcome })
}
