//! The payment gateway of a world in memory.

use std::collections::{BTreeMap, VecDeque};

use crate::failure::{Code, Failure};
use crate::id::BookingId;
use crate::message::{GatewayCall, GatewayCallKind};
use crate::money::Money;
use crate::payment::{GatewayOutcome, PaymentCommand};

/// A payment gateway that remembers calls by their keys.
#[derive(Default)]
pub(crate) struct Gateway {
    /// What it says to the next new calls; then it says yes.
    pub(crate) script: VecDeque<GatewayOutcome>,
    answered: BTreeMap<String, GatewayOutcome>,
    /// Minor units taken and not given back.
    pub(crate) kept: i64,
    /// How many of the next questions nobody can answer; what is asked for is done all the same.
    pub(crate) silent: u32,
}

impl Gateway {
    pub(super) fn answer(&mut self, booking: BookingId, call: &GatewayCall) -> PaymentCommand {
        let (key, kind, outcome) = (call.key.clone(), call.kind.clone(), self.ask(call));
        if self.silent == 0 {
            return PaymentCommand::Settle { booking, key, kind, outcome };
        }
        self.silent -= 1;
        PaymentCommand::LeaveUnknown { key, failure: Failure::new(Code::Unavailable, "The gateway does not answer.") }
    }

    pub(super) fn ask(&mut self, call: &GatewayCall) -> GatewayOutcome {
        if let Some(outcome) = self.answered.get(&call.key) {
            return outcome.clone();
        }
        let reference = format!("ch_{}", self.answered.len() + 1);
        let outcome = self.script.pop_front().unwrap_or(GatewayOutcome::Done { reference });
        if matches!(outcome, GatewayOutcome::Done { .. }) {
            let Money { minor, .. } = call.amount;
            self.kept += if call.kind == GatewayCallKind::Charge { minor } else { -minor };
        }
        self.answered.insert(call.key.clone(), outcome.clone());
        outcome
    }
}
