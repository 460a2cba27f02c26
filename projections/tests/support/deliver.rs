//! Messages as the commands that they are to those who get them.

use traveladvisor_domain::address::address;
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::dead_letter::{DeadLetterCommand, DeadLetterEvent, UnansweredInstruction};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::message::{Body, Instruction, Message};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_domain::payment::{GatewayOutcome, PaymentCommand};

pub(super) fn command(message: &Message, occasion: Occasion) -> Command {
    address(message, occasion).expect("a call goes to the gateway").command
}

/// What the gateway said to a call.
pub(super) fn settlement(message: Message, outcome: Option<GatewayOutcome>) -> Command {
    let (Body::GatewayCall(call) | Body::LookUp(call)) = message.body else { panic!("only calls go to the gateway") };
    let outcome = outcome.unwrap_or_else(|| GatewayOutcome::Done { reference: call.key.clone() });
    Command::Payment(PaymentCommand::Settle { booking: message.booking, key: call.key, kind: call.kind, outcome })
}

/// The gateway says nothing, whatever it did.
pub(super) fn silence(message: Message) -> Command {
    let (Body::GatewayCall(call) | Body::LookUp(call)) = message.body else { panic!("only calls go to the gateway") };
    let failure = Failure::new(Code::Unavailable, "The gateway does not answer.");
    Command::Payment(PaymentCommand::LeaveUnknown { key: call.key, failure })
}

/// An instruction that nobody could handle, this time.
pub(super) fn letter(message: &Message, asked: &Instruction) -> Command {
    let (step, direction, attempt) = (asked.order.step(), asked.direction, asked.attempt);
    let letter = DeadLetterEvent::MessageDeadLettered {
        booking: Some(message.booking),
        cause_stream: message.booking.saga().to_string(),
        cause_sequence: 1,
        place: 0,
        instruction: Some(UnansweredInstruction { step, direction, attempt }),
        failure: Failure::new(Code::Internal, "The decision failed."),
    };
    Command::DeadLetter(DeadLetterCommand::SetAside { letter })
}
