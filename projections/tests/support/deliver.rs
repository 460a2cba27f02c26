//! Messages as the commands that they are to those who get them.

use traveladvisor_domain::address::address;
use traveladvisor_domain::aggregate::Command;
use traveladvisor_domain::message::{Body, Message};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_domain::payment::{GatewayOutcome, PaymentCommand};

pub(super) fn command(message: &Message, occasion: Occasion) -> Command {
    address(message, occasion).expect("a call goes to the gateway").command
}

/// What the gateway said to a call.
pub(super) fn settlement(message: Message, outcome: Option<GatewayOutcome>) -> Command {
    let Body::GatewayCall(call) = message.body else { panic!("only calls go to the gateway") };
    let outcome = outcome.unwrap_or_else(|| GatewayOutcome::Done { reference: call.key.clone() });
    Command::Payment(PaymentCommand::Settle { booking: message.booking, key: call.key, kind: call.kind, outcome })
}
