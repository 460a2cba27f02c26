//! The payment gateway's port: cards become tokens at the edge, calls are made by token and carry an idempotency key.

mod sandbox;

use futures::future::BoxFuture;
use secrecy::SecretString;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;

pub use sandbox::SandboxGateway;

/// Somebody who moves money. Implementations: the sandbox here; a client over HTTP follows.
pub trait PaymentGateway: Send + Sync {
    /// Exchanges a card number for a token, before any command exists (L8). The same number gives the same token.
    fn tokenise<'a>(&'a self, card_number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>>;

    /// Makes a call, or answers what the same key came to before.
    ///
    /// Errors: the outcome is unknown; ask again with the same key.
    fn call<'a>(&'a self, call: &'a GatewayCall) -> BoxFuture<'a, Result<GatewayOutcome, UnknownOutcome>>;

    /// What the call with this key came to; none: it never arrived.
    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>>;
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
    /// The gateway is away.
    #[error("the payment gateway does not answer: try again later")]
    Unavailable,
}

/// The gateway did not answer: the call may or may not have been made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the gateway's answer is unknown: {0}")]
pub struct UnknownOutcome(pub String);
