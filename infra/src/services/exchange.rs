//! One question to one process, and its answer. Nothing is repeated here.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode, Url};

use super::settings::ANSWER_BYTES_MAX;
use crate::web::innermost;

/// What may be done with a question that was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// It may have been heard, and must not be heard twice.
    Never,
    /// Hearing it twice is hearing it once.
    Harmless,
}

/// A question.
#[derive(Clone)]
pub(super) struct Ask {
    /// JSON; it may hold personal values, so that nothing shows it.
    pub(super) body: Arc<[u8]>,
    pub(super) repeats: Repeats,
}

/// What a process answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// JSON.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The bulkhead is full: it was not tried.
    #[error("too many commands for the role at once")]
    Full,
    /// The breakers of all processes are open: it was not tried.
    #[error("all processes of the role have failed too often of late")]
    Open,
    /// Nobody took it: it has surely not been heard.
    #[error("no process took it: {0}")]
    NotSent(String),
    /// It may have been heard.
    #[error("no answer came: {0}")]
    Lost(String),
}

impl Answered {
    /// Whether the process does not take questions: it stops, or is another one than the settings say. Nothing was done.
    pub(super) fn is_misdirected(&self) -> bool {
        self.status == StatusCode::MISDIRECTED_REQUEST
    }

    /// Whether the process is unwell.
    pub(super) fn is_fault(&self) -> bool {
        self.status.is_server_error()
    }
}

/// A process of a role.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) client: Client,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
}

impl Process {
    /// Its address, as the settings have it.
    pub(super) fn base(&self) -> Url {
        let mut base = self.url.clone();
        // An address that was accepted has a path.
        if let Ok(mut segments) = base.path_segments_mut() {
            segments.pop();
        }
        base
    }

    /// Asks it once.
    pub(super) async fn exchange(self, ask: Ask) -> Result<Answered, NoAnswer> {
        let Self { client, url, headers, timeout } = self;
        let request = client.post(url).headers(headers).timeout(timeout).body(ask.body.to_vec());
        let answered = read(request.send().await.map_err(no_answer)?).await?;
        if answered.is_misdirected() {
            return Err(NoAnswer::NotSent("the process at this address has another role".to_owned()));
        }
        if answered.is_fault() {
            return Err(NoAnswer::Lost(format!("the process answered {}", answered.status.as_u16())));
        }
        Ok(answered)
    }
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

fn no_answer(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    let told = innermost(&error).to_string();
    if error.is_connect() { NoAnswer::NotSent(told) } else { NoAnswer::Lost(told) }
}
