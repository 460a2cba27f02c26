//! What a gateway states about a call, as it stands in ledgers and on the wire, and what that means to us.

use serde::{Deserialize, Serialize};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::payment::GatewayOutcome;

/// Code: the request came after its expiry, and was not carried out.
pub(super) const REQUEST_EXPIRED: &str = "REQUEST_EXPIRED";
/// Code: there is no such charge to give back.
pub(super) const CHARGE_UNKNOWN: &str = "CHARGE_UNKNOWN";
/// Code: with this refund more would be given back than was taken, or in another currency.
pub(super) const REFUND_EXCEEDS_CHARGE: &str = "REFUND_EXCEEDS_CHARGE";

/// What became of a call. It stands in the gateway's ledger under the call's key and never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Statement {
    /// Done, under the gateway's reference.
    Done { reference: String },
    /// A business no.
    Refused { code: String },
    /// A technical no: nothing happened, and nothing will.
    Faulted { code: String },
}

impl Statement {
    pub(super) fn refused(code: &str) -> Self {
        Self::Refused { code: code.to_owned() }
    }

    pub(super) fn faulted(code: &str) -> Self {
        Self::Faulted { code: code.to_owned() }
    }

    /// The outcome in our words. A gateway's own sentences go no further: nobody knows what is in them.
    pub(super) fn outcome(self) -> GatewayOutcome {
        match self {
            Self::Done { reference } => GatewayOutcome::Done { reference },
            Self::Refused { code } => GatewayOutcome::Refused(refusal(&code)),
            Self::Faulted { code } if code == REQUEST_EXPIRED => GatewayOutcome::Faulted(Failure::new(
                Code::Unavailable,
                "The request reached the payment gateway too late; it did nothing.",
            )),
            Self::Faulted { .. } => {
                GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The card could not be processed."))
            }
        }
    }
}

fn refusal(code: &str) -> Failure {
    match code {
        "INSUFFICIENT_FUNDS" => {
            Failure::new(Code::InsufficientFunds, "The account does not hold the amount: use another card.")
        }
        CHARGE_UNKNOWN => Failure::new(Code::NotFound, "The payment gateway does not know the charge to give back."),
        REFUND_EXCEEDS_CHARGE => Failure::new(
            Code::Conflict,
            "The refund comes to more than is left of the charge, or is in another currency.",
        ),
        _ => Failure::new(Code::PaymentDeclined, "The card was declined: use another card."),
    }
}
