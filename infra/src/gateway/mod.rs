//! The payment gateway's port: cards become tokens at the edge, calls are made by token and carry an idempotency key.

mod card;
mod http;
mod issuer;
mod sandbox;
mod simulator;
mod statement;
mod wire;

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use secrecy::SecretString;
use traveladvisor_domain::message::{GatewayCall, GatewayCallKind};
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;
use uuid::Uuid;

use crate::fail_points::Point;
pub use http::{HttpGateway, HttpGatewayError, HttpSettings};
pub use issuer::issuer_of;
pub use sandbox::SandboxGateway;
pub use simulator::{Faults, Injected, LedgerError, Simulator, SimulatorOptions};

/// Name space of the references that the sandbox and the simulator give.
const REFERENCES: Uuid = Uuid::from_u128(0x8b1d_44a6_0f0c_5d0e_a6d5_52b7_3c8e_19f0);

/// Longest lifetime of a request: none of our gateways takes one that expires later.
const REQUEST_LIFETIME_MAX: Duration = Duration::from_secs(15);
/// How far the clocks of this machine and of the gateway may be apart, and a request that the gateway has already taken up may lie there
/// before its outcome can be looked up. Only when it too has passed after a request's expiry is "not found" final (L16).
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5);

/// Somebody who moves money.
///
/// Expiries are instants of the machine's clock, whatever clock the program's business runs on: two machines must agree on them.
pub trait PaymentGateway: Send + Sync {
    /// Exchanges a card number for a token, before any command exists (L8). The same number gives the same token.
    fn tokenise<'a>(&'a self, card_number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>>;

    /// Sends a call under its idempotency key, or gets what the same key came to before. The gateway does not carry it out after
    /// `expires_at`, which is at most [`PaymentGateway::request_lifetime`] ahead.
    ///
    /// Errors: see [`CallError`].
    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>>;

    /// What the call with this key came to; none: it has not arrived (yet).
    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>>;

    /// Whether a token is this gateway's own: about another's it cannot tell anything, not even that nothing has happened.
    fn issued(&self, token: &str) -> bool {
        issuer_of(token).is_none()
    }

    /// The longest lifetime of a request. Once it and [`CLOCK_SKEW_MAX`] have passed since the request could last be sent, "not found" is
    /// final (L16).
    fn request_lifetime(&self) -> Duration;
}

/// The fail point of a call.
const fn call_point(call: &GatewayCall) -> Point {
    match call.kind {
        GatewayCallKind::Charge => Point::Charge,
        GatewayCallKind::Refund { .. } => Point::Refund,
    }
}

/// Why a card got no token. Never shows the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokeniseError {
    /// Not 12 to 19 digits with a right check digit.
    #[error("the card number is not valid: check its digits")]
    Malformed,
    /// A number that the sandbox does not know.
    #[error("the sandbox takes its test cards only, such as 4242424242424242")]
    NotATestCard,
    /// The gateway does not take this card.
    #[error("the payment gateway does not take this card: use another one")]
    NotTaken,
    /// The gateway is away.
    #[error("the payment gateway does not answer: try again later")]
    Unavailable,
}

/// Why a call has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Surely nothing has left this process: it may be sent, with a new expiry, as if for the first time.
    #[error("the call was not sent: {0}")]
    NotSent(String),
    /// It may or may not have arrived, and may or may not have been carried out: look it up by its key.
    #[error("the outcome of the call is unknown: {0}")]
    Unknown(String),
}

/// The gateway did not answer a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the gateway's answer is unknown: {0}")]
pub struct UnknownOutcome(pub String);

/// The reference of what was done under a key: the same at every try.
fn reference(prefix: &str, key: &str) -> String {
    format!("{prefix}_{}", Uuid::new_v5(&REFERENCES, key.as_bytes()).simple())
}
