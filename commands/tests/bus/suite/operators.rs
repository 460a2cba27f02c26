//! Payments of which the gateway cannot tell what came, and what operators say about them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::SecretString;
use traveladvisor_commands::CallerCommand;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::message::GatewayCall;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_infra::gateway::{CallError, PaymentGateway, SandboxGateway, TokeniseError, UnknownOutcome};

use super::stage::Scene;
use crate::support::{card, request};

/// Charges with such tokens are made, and nothing is heard of them.
const QUIET: &str = "tok_sandbox_quiet";
/// The same until the gateway is back.
const RETURNS: &str = "tok_sandbox_returns";
/// Charges with this one are not made, and nothing is heard of them either.
const LOST: &str = "tok_sandbox_lost";

/// The sandbox's gateway, of which nothing is heard for some cards.
pub(super) struct Quiet {
    sandbox: SandboxGateway,
    /// Tokens by key.
    asked: Mutex<HashMap<String, String>>,
    is_back: AtomicBool,
}

impl Quiet {
    pub(super) fn over(sandbox: SandboxGateway) -> Self {
        Self { sandbox, asked: Mutex::default(), is_back: AtomicBool::new(false) }
    }

    fn is_silent(&self, token: &str) -> bool {
        [QUIET, LOST].contains(&token) || (token == RETURNS && !self.is_back.load(Ordering::SeqCst))
    }
}

impl PaymentGateway for Quiet {
    fn tokenise<'a>(&'a self, number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        self.sandbox.tokenise(number)
    }

    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        if ![QUIET, RETURNS, LOST].contains(&call.token.as_str()) {
            return self.sandbox.call(call, expires_at);
        }
        async move {
            self.asked.lock().expect("not poisoned").insert(call.key.clone(), call.token.clone());
            if call.token != LOST {
                let good = GatewayCall { token: "tok_sandbox_approves".to_owned(), ..call.clone() };
                self.sandbox.call(&good, expires_at).await?;
            }
            Err(CallError::Unknown("silence".into()))
        }
        .boxed()
    }

    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        let token = self.asked.lock().expect("not poisoned").get(key).cloned();
        if token.is_some_and(|token| self.is_silent(&token)) {
            return async { Err(UnknownOutcome("silence".into())) }.boxed();
        }
        self.sandbox.look_up(key)
    }

    fn request_lifetime(&self) -> Duration {
        self.sandbox.request_lifetime()
    }
}

impl Scene<'_> {
    /// A trip whose payment waits for an operator.
    async fn waits_for_an_operator(&self, token: &str) -> BookingId {
        self.supply(5, 5, 5).await;
        let booking = self.book(card(token.trim_start_matches("tok_sandbox_")), "waits").await;
        self.until(booking, "AttentionNeeded").await;
        booking
    }

    async fn resolve(&self, booking: BookingId, resolution: Resolution) {
        let reason = "as the bank says".to_owned();
        let command = CallerCommand::ResolveSaga { booking, resolution, fingerprint: None, reason };
        let receipt = self.ask(Context::Booking, request(command, None)).await.expect("it waits for this");
        assert!(receipt.changed);
    }
}

pub(super) async fn an_operator_says_that_a_payment_is_done(scene: Scene<'_>) {
    let booking = scene.waits_for_an_operator(QUIET).await;
    scene.resolve(booking, Resolution::MarkDone { reference: "ch_by_hand".to_owned() }).await;
    scene.until(booking, "SagaSucceeded").await;
    let story = scene.story(Context::Payment, booking).await;
    assert_eq!(story.last().map(String::as_str), Some("PaymentCompleted"), "{story:?}");
}

pub(super) async fn an_operator_asks_again_once_the_gateway_is_back(scene: Scene<'_>) {
    let booking = scene.waits_for_an_operator(RETURNS).await;
    scene.gateway.is_back.store(true, Ordering::SeqCst);
    scene.resolve(booking, Resolution::Retry).await;
    scene.until(booking, "SagaSucceeded").await;
}

pub(super) async fn an_operator_gives_up(scene: Scene<'_>) {
    let booking = scene.waits_for_an_operator(LOST).await;
    scene.resolve(booking, Resolution::GiveUp).await;
    scene.until(booking, "SagaFailed").await;
    for (context, released) in
        [(Context::Hotel, "RoomsReleased"), (Context::Flight, "SeatsReleased"), (Context::Car, "VehicleReleased")]
    {
        assert_eq!(scene.story(context, booking).await.last().map(String::as_str), Some(released));
    }
}
