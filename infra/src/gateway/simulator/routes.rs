//! The simulator's end-points.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use traveladvisor_domain::money::Currency;

use super::Simulator;
use super::call::{Answered, Arrived};
use super::faults::{Dice, Fate, Faults, Injected};
use super::ledger::{Asked, Entry};
use super::limits::{BODY_BYTES_MAX, LEDGER_PAGE};
use crate::gateway::statement::Statement;
use crate::gateway::wire::{
    CALL_IN_PROGRESS, CALL_NOT_FOUND, CARD_MALFORMED, ChargeBody, EXPIRES_AT, IDEMPOTENCY_KEY, KEY_BYTES_MAX,
    KEY_REUSED, NOT_A_TEST_CARD, ProblemBody, RefundBody, TokenBody,
};
use crate::gateway::{CLOCK_SKEW_MAX, REQUEST_LIFETIME_MAX, TokeniseError, card};

/// Marks an answer that is not to be sent: the connection is closed instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct CutOff;

/// All end-points.
pub(super) fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/v1/tokens", post(token))
        .route("/v1/charges", post(charge))
        .route("/v1/refunds", post(refund))
        .route("/v1/calls/{key}", get(look_up))
        .route("/v1/ledger", get(entries))
        .route("/v1/faults", get(told).post(inject))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(simulator.clone(), authorised))
        .with_state(simulator)
}

async fn authorised(State(simulator): State<Simulator>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
    let is_right = |key: &SecretString| shown == Some(format!("Bearer {}", key.expose_secret()).as_bytes());
    if simulator.api_key.as_ref().is_none_or(is_right) {
        return next.run(request).await;
    }
    problem(StatusCode::UNAUTHORIZED, "UNAUTHORISED", "show the API key as a bearer token")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    #[serde(deserialize_with = "secret")]
    number: SecretString,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

async fn token(State(simulator): State<Simulator>, body: Bytes) -> Response {
    let fate = match simulator.fate(Dice::question) {
        Ok(fate) => fate,
        Err(lost) => return *lost,
    };
    tokio::time::sleep(fate.latency).await;
    // What is wrong with the body is not said: the sentence could repeat a part of the number.
    let Ok(Number { number }) = serde_json::from_slice(&body) else {
        return problem(StatusCode::BAD_REQUEST, "BODY_INVALID", "send {\"number\": \"…\"}");
    };
    let answer = match card::tokenise(&number) {
        Ok(card) => Json(TokenBody { token: card.token, brand: card.brand, last_four: card.last_four }).into_response(),
        Err(TokeniseError::Malformed) => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, CARD_MALFORMED, "the card number is not valid")
        }
        Err(_) => problem(StatusCode::UNPROCESSABLE_ENTITY, NOT_A_TEST_CARD, "only test cards are known here"),
    };
    sent(answer, fate)
}

async fn charge(State(simulator): State<Simulator>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = parsed(&body).and_then(|ChargeBody { token, minor, currency }| {
        amount(minor, &currency).map(|()| Asked::Charge { token, minor, currency })
    });
    call(&simulator, &headers, asked).await
}

async fn refund(State(simulator): State<Simulator>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = parsed(&body).and_then(|RefundBody { charge, minor, currency }| {
        amount(minor, &currency).map(|()| Asked::Refund { charge, minor, currency })
    });
    call(&simulator, &headers, asked).await
}

async fn call(simulator: &Simulator, headers: &HeaderMap, asked: Result<Asked, String>) -> Response {
    let fate = match simulator.fate(Dice::call) {
        Ok(fate) => fate,
        Err(lost) => return *lost,
    };
    let arrived = asked.and_then(|asked| simulator.arrived(headers, asked));
    let arrived = match arrived {
        Ok(arrived) => arrived,
        Err(reason) => return problem(StatusCode::BAD_REQUEST, "REQUEST_INVALID", &reason),
    };
    let answer = match simulator.carry_out(arrived, fate).await {
        Answered::Stated(statement) => stated(&statement),
        Answered::KeyReused => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, KEY_REUSED, "the key was used before for something else")
        }
        Answered::InProgress => problem(StatusCode::CONFLICT, CALL_IN_PROGRESS, "the first request is still under way"),
        Answered::NotTaken(reason) => problem(StatusCode::SERVICE_UNAVAILABLE, "NOT_TAKEN", &reason),
    };
    sent(answer, fate)
}

async fn look_up(State(simulator): State<Simulator>, Path(key): Path<String>) -> Response {
    if simulator.dice.told().0.look_up_outage {
        return cut_off();
    }
    let fate = match simulator.fate(Dice::question) {
        Ok(fate) => fate,
        Err(lost) => return *lost,
    };
    tokio::time::sleep(fate.latency).await;
    // Before the ledger is read: a call that ends in between is found there.
    let is_under_way = simulator.is_under_way(&key);
    let found = simulator.with_ledger(|ledger| ledger.find(&key).map(|entry| entry.statement.clone()));
    let answer = match found {
        Some(statement) => Json(statement).into_response(),
        None if is_under_way => problem(StatusCode::CONFLICT, CALL_IN_PROGRESS, "it is still under way"),
        None => problem(StatusCode::NOT_FOUND, CALL_NOT_FOUND, "no call with this key has come"),
    };
    sent(answer, fate)
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    from: usize,
}

#[derive(Serialize)]
struct Entries {
    entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    next: Option<usize>,
}

async fn entries(State(simulator): State<Simulator>, Query(Page { from }): Query<Page>) -> Json<Entries> {
    simulator.with_ledger(|ledger| {
        let all = ledger.entries();
        let entries: Vec<Entry> = all.iter().skip(from).take(LEDGER_PAGE).cloned().collect();
        let end = from.saturating_add(entries.len());
        Json(Entries { next: (end < all.len()).then_some(end), entries })
    })
}

#[derive(Serialize)]
struct Told {
    faults: Faults,
    injected: Injected,
}

async fn told(State(simulator): State<Simulator>) -> Json<Told> {
    let (faults, injected) = simulator.dice.told();
    Json(Told { faults, injected })
}

async fn inject(State(simulator): State<Simulator>, body: String) -> Response {
    match body.parse::<Faults>() {
        Ok(faults) => {
            simulator.dice.set(faults);
            told(State(simulator)).await.into_response()
        }
        Err(reason) => problem(StatusCode::BAD_REQUEST, "FAULTS_INVALID", &reason),
    }
}

impl Simulator {
    /// Draws what happens to a request; the error is what a caller sees of one that is lost or fails before any effect.
    fn fate(&self, draw: impl Fn(&Dice) -> Fate) -> Result<Fate, Box<Response>> {
        if self.dice.told().0.outage {
            return Err(Box::new(cut_off()));
        }
        let fate = draw(&self.dice);
        if fate.is_lost {
            return Err(Box::new(cut_off()));
        }
        if fate.is_faulted {
            let says = "a fault that was asked for, before any effect";
            return Err(Box::new(problem(StatusCode::SERVICE_UNAVAILABLE, "INJECTED", says)));
        }
        Ok(fate)
    }

    fn arrived(&self, headers: &HeaderMap, asked: Asked) -> Result<Arrived, String> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let key = text(IDEMPOTENCY_KEY).filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()));
        let key = key.ok_or_else(|| format!("send {IDEMPOTENCY_KEY} with 1 to {KEY_BYTES_MAX} characters"))?;
        let expires_at: DateTime<Utc> = text(EXPIRES_AT)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("send {EXPIRES_AT} with an instant as RFC 3339 has it"))?;
        let longest = self.clock.now() + span(REQUEST_LIFETIME_MAX) + span(CLOCK_SKEW_MAX);
        if expires_at > longest {
            return Err(format!("{EXPIRES_AT} is {} s ahead at most", REQUEST_LIFETIME_MAX.as_secs()));
        }
        Ok(Arrived { key, asked, expires_at })
    }
}

fn span(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a Bytes) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn amount(minor: i64, currency: &str) -> Result<(), String> {
    if minor < 0 {
        return Err("minor is a number of minor units, not negative".to_owned());
    }
    currency.parse::<Currency>().map(|_| ()).map_err(|error| error.to_string())
}

fn stated(statement: &Statement) -> Response {
    let status = match statement {
        Statement::Done { .. } => StatusCode::OK,
        Statement::Refused { .. } => StatusCode::PAYMENT_REQUIRED,
        Statement::Faulted { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(statement)).into_response()
}

fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(ProblemBody { code: code.to_owned(), message: message.to_owned() })).into_response()
}

fn sent(answer: Response, fate: Fate) -> Response {
    if fate.answer_is_lost { cut_off() } else { answer }
}

fn cut_off() -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    response.extensions_mut().insert(CutOff);
    response
}
