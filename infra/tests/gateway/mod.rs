//! The payment gateways: the sandbox on its table, and the client over HTTP against the simulator's own code.

mod guards;
mod outcomes;
mod sandbox;
mod unknown;
mod world;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::message::{GatewayCall, GatewayCallKind};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_infra::clock::{Clock, SystemClock};
use traveladvisor_infra::gateway::PaymentGateway;

/// A call that takes money, in minor units of USD.
fn charge(key: &str, token: &str, minor: i64) -> GatewayCall {
    call(key, token, minor, GatewayCallKind::Charge)
}

/// A call that gives back from a charge.
fn refund(key: &str, charge: &str, minor: i64) -> GatewayCall {
    call(key, "tok_sandbox_approves", minor, GatewayCallKind::Refund { charge: charge.to_owned() })
}

fn call(key: &str, token: &str, minor: i64, kind: GatewayCallKind) -> GatewayCall {
    let amount = Money { minor, currency: "USD".parse().expect("a currency") };
    GatewayCall { key: key.to_owned(), attempt: 1, token: token.to_owned(), amount, kind }
}

/// As late as a request may expire.
fn soon(gateway: &dyn PaymentGateway) -> DateTime<Utc> {
    SystemClock.now() + TimeDelta::from_std(gateway.request_lifetime()).expect("a short time")
}

/// An instant that has passed.
fn past() -> DateTime<Utc> {
    SystemClock.now() - TimeDelta::from_std(Duration::from_secs(1)).expect("a short time")
}

fn code(outcome: &GatewayOutcome) -> Code {
    match outcome {
        GatewayOutcome::Refused(failure) | GatewayOutcome::Faulted(failure) => failure.code,
        GatewayOutcome::Done { .. } => panic!("it was done"),
    }
}

/// The gateway's reference of what was done.
fn done(outcome: GatewayOutcome) -> String {
    match outcome {
        GatewayOutcome::Done { reference } => reference,
        other => panic!("not done: {other:?}"),
    }
}
