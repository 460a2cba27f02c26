//! The processes of another role, asked over HTTP.

mod exchange;
mod guard;
mod settings;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tower::ServiceExt;

pub use self::exchange::{Answered, NoAnswer, Repeats};
use self::exchange::{Ask, Process};
use self::guard::{Guarded, IsOpen, guarded};
use self::settings::IDLE_CONNECTION_MAX;
pub use self::settings::ServiceSettings;
use crate::config::Services;
use crate::web::{BadAddress, Near, client, innermost, service};
use traveladvisor_domain::context::Context;

/// Where a process takes commands from other processes.
pub const COMMANDS: &str = "/commands";

/// All processes of one role. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    role: &'static str,
    guarded: Guarded,
    /// The address of each process, and whether its breaker is open.
    breakers: Arc<[(Url, IsOpen)]>,
}

/// How the breaker before a process stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// The role of the process.
    pub role: &'static str,
    /// Its address; nothing in it is secret.
    pub process: String,
    /// Nothing goes to it but a command now and then that tries.
    pub is_open: bool,
}

/// Why a role cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// No address.
    #[error("services.{0} {1}")]
    Address(&'static str, BadAddress),
    /// No header can bear it.
    #[error("services.token has characters that cannot be sent: use letters and digits")]
    Token,
    /// The client could not be built.
    #[error("the client for the role {0} could not be made: {1}")]
    Client(&'static str, String),
}

impl Service {
    /// The processes of a context's role, as the settings name them. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// See [`ServiceError`].
    pub fn new(context: Context, services: &Services, settings: ServiceSettings) -> Result<Self, ServiceError> {
        let role = context.as_str();
        let headers = headers(services.token.as_ref())?;
        let near = services.near();
        let urls = services.of(context);
        let processes = urls.iter().map(|url| process(role, url, near, &headers, &settings));
        let processes = processes.collect::<Result<Vec<_>, _>>()?;
        let breakers: Arc<[_]> = processes.iter().map(|process| (process.base(), IsOpen::default())).collect();
        let processes = processes.into_iter().zip(&*breakers).map(|(process, (_, is_open))| (process, is_open.clone()));
        let guarded = guarded(role, processes.collect(), &settings);
        let guarded = guarded.map_err(|error| ServiceError::Client(role, error))?;
        Ok(Self { role, guarded, breakers })
    }

    /// The role that is asked.
    pub const fn role(&self) -> &'static str {
        self.role
    }

    /// How the breaker before each process stands, in the order of the settings.
    pub fn breakers(&self) -> impl Iterator<Item = Breaker> {
        let breaker = |(url, is_open): &(Url, IsOpen)| Breaker {
            role: self.role,
            process: url.as_str().trim_end_matches('/').to_owned(),
            is_open: is_open.load(Ordering::Relaxed),
        };
        self.breakers.iter().map(breaker)
    }

    /// Asks one of the processes.
    ///
    /// # Errors
    ///
    /// See [`NoAnswer`].
    pub async fn ask(&self, body: Vec<u8>, repeats: Repeats) -> Result<Answered, NoAnswer> {
        self.guarded.clone().oneshot(Ask { body: body.into(), repeats }).await
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("role", &self.role).finish_non_exhaustive()
    }
}

fn headers(token: Option<&SecretString>) -> Result<HeaderMap, ServiceError> {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    if let Some(token) = token {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| ServiceError::Token)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn process(
    role: &'static str,
    url: &str,
    near: Near,
    headers: &HeaderMap,
    settings: &ServiceSettings,
) -> Result<Process, ServiceError> {
    let base = service(url, near).map_err(|bad| ServiceError::Address(role, bad))?;
    let client = client(&base)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(IDLE_CONNECTION_MAX)
        .pool_max_idle_per_host(settings.at_once_max)
        .build()
        .map_err(|error| ServiceError::Client(role, innermost(&error).to_string()))?;
    let url = at_commands(base);
    Ok(Process { client, url, headers: headers.clone(), timeout: settings.ask_timeout })
}

fn at_commands(mut base: Url) -> Url {
    // An address that was accepted has a path.
    if let Ok(mut segments) = base.path_segments_mut() {
        segments.pop_if_empty().push(COMMANDS.trim_start_matches('/'));
    }
    base
}
