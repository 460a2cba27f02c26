//! The built-in gateway: test cards, answers as payment people know them, a ledger in the database.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::SecretString;
use sqlx::{Connection, PgConnection, PgPool, Row};
use traveladvisor_domain::message::{GatewayCall, GatewayCallKind};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;

use super::statement::{CHARGE_UNKNOWN, REFUND_EXCEEDS_CHARGE, REQUEST_EXPIRED, Statement};
use super::{
    CLOCK_SKEW_MAX, CallError, PaymentGateway, REQUEST_LIFETIME_MAX, TokeniseError, UnknownOutcome, call_point, card,
    reference,
};
use crate::fail_points::{Point, outgoing};
use crate::postgres::IDLE_TRANSACTION_TIMEOUT_MS;

const _: () = assert!(
    (IDLE_TRANSACTION_TIMEOUT_MS as u128) < CLOCK_SKEW_MAX.as_millis(),
    "a refund that stands still in its transaction must have ended before \"not found\" is taken to be final"
);

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
        self.record(call, expires_at).await.map_err(unknown)?;
        self.find(&call.key).await?.ok_or_else(|| UnknownOutcome("the sandbox's ledger has lost a call".to_owned()))
    }

    /// A charge is one statement. A refund is a transaction: whoever stands still in the middle of it is ended by the server, sooner than
    /// [`CLOCK_SKEW_MAX`] after its request's expiry, so that what was not found is not there later.
    async fn record(&self, call: &GatewayCall, expires_at: DateTime<Utc>) -> sqlx::Result<()> {
        let mut connection = self.pool.acquire().await?;
        let GatewayCallKind::Refund { charge } = &call.kind else {
            let statement = card::charged(&call.token, reference("ch", &call.key));
            return enter(&mut connection, call, &statement, expires_at).await;
        };
        let mut transaction = connection.begin().await?;
        let statement = refunded(&mut transaction, charge, call).await?;
        enter(&mut transaction, call, &statement, expires_at).await?;
        transaction.commit().await
    }

    async fn find(&self, key: &str) -> Result<Option<GatewayOutcome>, UnknownOutcome> {
        let row = sqlx::query("SELECT outcome, reference FROM sandbox_gateway_calls WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.pool)
            .await
            .map_err(unknown)?;
        Ok(row.map(|row| stated(row.get("outcome"), row.get("reference")).outcome()))
    }
}

impl PaymentGateway for SandboxGateway {
    fn tokenise<'a>(&'a self, card_number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        outgoing(Point::Tokenise, async move { card::tokenise(card_number) }).boxed()
    }

    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        let made = outgoing(call_point(call), self.make(call, expires_at));
        async move { made.await.map_err(|UnknownOutcome(reason)| CallError::Unknown(reason)) }.boxed()
    }

    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        outgoing(Point::LookUp, self.find(key)).boxed()
    }

    fn request_lifetime(&self) -> Duration {
        REQUEST_LIFETIME_MAX
    }
}

/// The first call of a key decides; a repeated one changes nothing. One that comes too late is kept as a fault.
async fn enter(
    connection: &mut PgConnection,
    call: &GatewayCall,
    statement: &Statement,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (kind, charge) = match &call.kind {
        GatewayCallKind::Charge => ("charge", None),
        GatewayCallKind::Refund { charge } => ("refund", Some(charge)),
    };
    let (outcome, reference) = columns(statement);
    sqlx::query(
        "INSERT INTO sandbox_gateway_calls (key, kind, token, minor, currency, charge, outcome, reference) \
         SELECT $1, $2, $3, $4, $5, $6, CASE WHEN in_time THEN $7 ELSE 'faulted' END, CASE WHEN in_time THEN $8 ELSE $9 END \
         FROM (SELECT clock_timestamp() < $10 AS in_time) AS arrival ON CONFLICT (key) DO NOTHING",
    )
    .bind(&call.key)
    .bind(kind)
    .bind(&call.token)
    .bind(call.amount.minor)
    .bind(call.amount.currency.as_str())
    .bind(charge)
    .bind(outcome)
    .bind(reference)
    .bind(REQUEST_EXPIRED)
    .bind(expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// A refund may come in parts, but never to more than the charge. The charge's row is locked, so that two parts at once are counted both.
async fn refunded(connection: &mut PgConnection, charge: &str, call: &GatewayCall) -> sqlx::Result<Statement> {
    let taken = sqlx::query(
        "SELECT minor, currency FROM sandbox_gateway_calls \
         WHERE kind = 'charge' AND outcome = 'done' AND reference = $1 FOR UPDATE",
    )
    .bind(charge)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(taken) = taken else { return Ok(Statement::refused(CHARGE_UNKNOWN)) };
    let given_back: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(minor), 0)::bigint FROM sandbox_gateway_calls \
         WHERE kind = 'refund' AND outcome = 'done' AND charge = $1",
    )
    .bind(charge)
    .fetch_one(connection)
    .await?;
    let Money { minor, currency } = call.amount;
    let left = taken.get::<i64, _>("minor") - given_back;
    if minor > left || taken.get::<String, _>("currency") != currency.as_str() {
        return Ok(Statement::refused(REFUND_EXCEEDS_CHARGE));
    }
    Ok(Statement::Done { reference: reference("re", &call.key) })
}

fn columns(statement: &Statement) -> (&'static str, &str) {
    match statement {
        Statement::Done { reference } => ("done", reference),
        Statement::Refused { code } => ("refused", code),
        Statement::Faulted { code } => ("faulted", code),
    }
}

fn stated(outcome: &str, reference: &str) -> Statement {
    match outcome {
        "done" => Statement::Done { reference: reference.to_owned() },
        "refused" => Statement::refused(reference),
        _ => Statement::faulted(reference),
    }
}

fn unknown(error: sqlx::Error) -> UnknownOutcome {
    UnknownOutcome(crate::event_log::LogError::from(error).to_string())
}
