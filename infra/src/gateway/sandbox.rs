//! The built-in gateway: test cards, answers as payment people know them, a ledger in the database.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgPool, Row};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::message::{GatewayCall, GatewayCallKind};
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;
use uuid::Uuid;

use super::{CallError, PaymentGateway, TokeniseError, UnknownOutcome};

/// Name space of the references that the sandbox gives.
const REFERENCES: Uuid = Uuid::from_u128(0x8b1d_44a6_0f0c_5d0e_a6d5_52b7_3c8e_19f0);
/// How long a request to the sandbox lives at most.
const REQUEST_LIFETIME: Duration = Duration::from_secs(15);
/// Digits of a card number (ISO/IEC 7812).
const DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// How a test card behaves. Tokens name the behaviour, so they are deterministic and survive a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestCard {
    Approves,
    Declines,
    InsufficientFunds,
    ProcessingError,
}

impl TestCard {
    const ALL: [Self; 4] = [Self::Approves, Self::Declines, Self::InsufficientFunds, Self::ProcessingError];

    const fn number(self) -> &'static str {
        match self {
            Self::Approves => "4242424242424242",
            Self::Declines => "4000000000000002",
            Self::InsufficientFunds => "4000000000009995",
            Self::ProcessingError => "4000000000000119",
        }
    }

    const fn token(self) -> &'static str {
        match self {
            Self::Approves => "tok_sandbox_approves",
            Self::Declines => "tok_sandbox_declines",
            Self::InsufficientFunds => "tok_sandbox_insufficient_funds",
            Self::ProcessingError => "tok_sandbox_processing_error",
        }
    }

    const fn charge_outcome(self) -> (&'static str, Option<Code>) {
        match self {
            Self::Approves => ("done", None),
            Self::Declines => ("refused", Some(Code::PaymentDeclined)),
            Self::InsufficientFunds => ("refused", Some(Code::InsufficientFunds)),
            Self::ProcessingError => ("faulted", Some(Code::Unavailable)),
        }
    }
}

/// The sandbox gateway over its ledger.
#[derive(Debug, Clone)]
pub struct SandboxGateway {
    pool: PgPool,
}

impl SandboxGateway {
    /// A gateway whose ledger is in this database.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    async fn make(&self, call: &GatewayCall, expires_at: DateTime<Utc>) -> Result<GatewayOutcome, UnknownOutcome> {
        let (outcome, reference) = decide(call);
        let (kind, charge) = match &call.kind {
            GatewayCallKind::Charge => ("charge", None),
            GatewayCallKind::Refund { charge } => ("refund", Some(charge.as_str())),
        };
        // The first call of a key decides; a repeated one, or a second refund of one charge, changes nothing. One that comes too late is
        // kept as a fault.
        sqlx::query(
            "INSERT INTO sandbox_gateway_calls (key, kind, token, minor, currency, charge, outcome, reference) \
             SELECT $1, $2, $3, $4, $5, $6, CASE WHEN in_time THEN $7 ELSE 'faulted' END, CASE WHEN in_time THEN $8 ELSE 'UNAVAILABLE' END \
             FROM (SELECT clock_timestamp() < $9 AS in_time) AS arrival ON CONFLICT DO NOTHING",
        )
        .bind(&call.key)
        .bind(kind)
        .bind(&call.token)
        .bind(call.amount.minor)
        .bind(call.amount.currency.as_str())
        .bind(charge)
        .bind(outcome)
        .bind(&reference)
        .bind(expires_at)
        .execute(&self.pool)
        .await
        .map_err(unknown)?;
        match self.find(&call.key).await? {
            Some(outcome) => Ok(outcome),
            None => Ok(GatewayOutcome::Done { reference: self.earlier_refund(charge).await?.unwrap_or(reference) }),
        }
    }

    async fn find(&self, key: &str) -> Result<Option<GatewayOutcome>, UnknownOutcome> {
        let row = sqlx::query("SELECT outcome, reference FROM sandbox_gateway_calls WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.pool)
            .await
            .map_err(unknown)?;
        Ok(row.map(|row| outcome_of(&row.get::<String, _>("outcome"), row.get("reference"))))
    }

    async fn earlier_refund(&self, charge: Option<&str>) -> Result<Option<String>, UnknownOutcome> {
        sqlx::query_scalar(
            "SELECT reference FROM sandbox_gateway_calls WHERE charge = $1 AND kind = 'refund' AND outcome = 'done'",
        )
        .bind(charge)
        .fetch_optional(&self.pool)
        .await
        .map_err(unknown)
    }
}

impl PaymentGateway for SandboxGateway {
    fn tokenise<'a>(&'a self, card_number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        async move { tokenise(card_number.expose_secret()) }.boxed()
    }

    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        async move { self.make(call, expires_at).await.map_err(|UnknownOutcome(reason)| CallError::Unknown(reason)) }
            .boxed()
    }

    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        self.find(key).boxed()
    }

    fn request_lifetime(&self) -> Duration {
        REQUEST_LIFETIME
    }
}

/// Spaces and hyphens between digits are as people write card numbers.
fn tokenise(number: &str) -> Result<CardToken, TokeniseError> {
    let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if !DIGITS.contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) || !luhn(&digits) {
        return Err(TokeniseError::Malformed);
    }
    let card = TestCard::ALL.into_iter().find(|card| card.number() == digits).ok_or(TokeniseError::NotATestCard)?;
    let last_four = digits[digits.len() - 4..].to_owned();
    Ok(CardToken { token: card.token().to_owned(), brand: "visa".to_owned(), last_four })
}

/// The check digit of ISO/IEC 7812-1.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 { digit } else { digit * 2 - if digit > 4 { 9 } else { 0 } }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn decide(call: &GatewayCall) -> (&'static str, String) {
    let reference = |prefix: &str| format!("{prefix}_{}", Uuid::new_v5(&REFERENCES, call.key.as_bytes()).simple());
    if let GatewayCallKind::Refund { .. } = call.kind {
        return ("done", reference("re"));
    }
    match TestCard::ALL.into_iter().find(|card| card.token() == call.token).map(TestCard::charge_outcome) {
        Some((outcome, Some(code))) => (outcome, code.as_str().to_owned()),
        Some((outcome, None)) => (outcome, reference("ch")),
        None => ("refused", Code::PaymentDeclined.as_str().to_owned()),
    }
}

fn outcome_of(outcome: &str, reference: String) -> GatewayOutcome {
    match (outcome, reference.as_str()) {
        ("done", _) => GatewayOutcome::Done { reference },
        ("refused", "INSUFFICIENT_FUNDS") => GatewayOutcome::Refused(Failure::new(
            Code::InsufficientFunds,
            "The account does not hold the amount: use another card.",
        )),
        ("refused", _) => {
            GatewayOutcome::Refused(Failure::new(Code::PaymentDeclined, "The card was declined: use another card."))
        }
        _ => GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The card could not be processed.")),
    }
}

fn unknown(error: sqlx::Error) -> UnknownOutcome {
    UnknownOutcome(crate::event_log::LogError::from(error).to_string())
}

#[cfg(test)]
mod tests {
    use super::{TokeniseError, tokenise};

    #[test]
    fn test_cards_get_the_same_token_every_time_and_other_numbers_none() {
        let card = tokenise("4242 4242 4242 4242").expect("a test card");
        assert_eq!((card.brand.as_str(), card.last_four.as_str()), ("visa", "4242"));
        assert_eq!(tokenise("4242424242424242"), Ok(card));
        assert_eq!(tokenise("4242424242424241"), Err(TokeniseError::Malformed));
        assert_eq!(tokenise("5555555555554444"), Err(TokeniseError::NotATestCard));
        for text in ["", "4242", "424242424242424a", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "42424242424242424242"] {
            assert_eq!(tokenise(text), Err(TokeniseError::Malformed), "{text:?}");
        }
    }
}
