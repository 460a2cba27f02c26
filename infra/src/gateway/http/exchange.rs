//! One request and its answer. Nothing is repeated here.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};

use super::settings::{ANSWER_BYTES_MAX, CODE_BYTES_MAX};
use crate::fail_points::{Point, outgoing};
use crate::gateway::statement::Statement;
use crate::gateway::wire::ProblemBody;
use crate::web::innermost;

/// A request to the gateway.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) point: Point,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// JSON, which may hold a card number.
    pub(super) body: Option<SecretString>,
    pub(super) timeout: Duration,
}

/// What the gateway answered.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum NoAnswer {
    /// The bulkhead is full or the breaker is open: it was not tried.
    #[error("{0}")]
    Refused(&'static str),
    /// No connection could be made: nothing has left.
    #[error("no connection: {0}")]
    NotSent(String),
    /// It may have arrived.
    #[error("{0}")]
    Lost(String),
}

impl Answered {
    /// The statement in it, if there is one and the status says the same.
    pub(super) fn statement(&self) -> Option<Statement> {
        let statement: Statement = serde_json::from_slice(&self.body).ok()?;
        let agrees = match &statement {
            Statement::Done { .. } => self.status == StatusCode::OK,
            Statement::Refused { .. } => self.status == StatusCode::PAYMENT_REQUIRED,
            Statement::Faulted { .. } => self.status.is_server_error(),
        };
        agrees.then_some(statement)
    }

    /// The code of an answer that says why there is no other. Only what looks like a code: nobody knows what a gateway may write.
    pub(super) fn code(&self) -> Option<String> {
        let ProblemBody { code, .. } = serde_json::from_slice(&self.body).ok()?;
        let is_code =
            (1..=CODE_BYTES_MAX).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        is_code.then_some(code)
    }

    /// Whether the gateway is unwell: it states nothing and has failed, or has too much to do.
    pub(super) fn is_fault(&self) -> bool {
        let unwell = self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS;
        unwell && self.statement().is_none()
    }

    /// What is told of an answer that does not help.
    pub(super) fn told(&self) -> String {
        format!("the gateway answered {} {}", self.status.as_u16(), self.code().unwrap_or_default())
    }
}

/// Sends a request and reads its answer.
pub(super) async fn exchange(client: Client, ask: Ask) -> Result<Answered, NoAnswer> {
    let Ask { point, method, url, headers, body, timeout } = ask;
    let mut request = client.request(method, url).headers(headers).timeout(timeout);
    if let Some(body) = body {
        request = request.body(body.expose_secret().to_owned());
    }
    outgoing(point, async move { read(request.send().await.map_err(no_answer)?).await }).await
}

async fn read(mut response: reqwest::Response) -> Result<Answered, NoAnswer> {
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(NoAnswer::Lost(format!("an answer of more than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answered { status, body })
}

/// The address would only repeat the key.
fn no_answer(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    let told = innermost(&error).to_string();
    if error.is_connect() { NoAnswer::NotSent(told) } else { NoAnswer::Lost(told) }
}
