//! A payment gateway over HTTP. The protocol is in `../wire.rs`.

mod answer;
mod exchange;
mod guard;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use secrecy::{ExposeSecret, SecretString};
use tower::ServiceExt;
use traveladvisor_domain::message::{GatewayCall, GatewayCallKind};
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;

use self::exchange::{Answered, Ask, NoAnswer};
use self::guard::{Again, Guarded, Repeats, budget, guarded};
use self::settings::{IDLE_CONNECTION_MAX, NAME_BYTES_MAX};
use super::issuer::{own_token, under_name};
use super::wire::{ChargeBody, EXPIRES_AT, IDEMPOTENCY_KEY, RefundBody};
use super::{CallError, PaymentGateway, REQUEST_LIFETIME_MAX, TokeniseError, UnknownOutcome, call_point, card};
use crate::clock::Clock;
use crate::fail_points::Point;
use crate::web::{self, BadAddress, innermost};

pub use settings::HttpSettings;

/// The key under which nothing ever stands; asking for it tells whether the gateway answers.
const NOBODYS_KEY: &str = "is-anybody-there";

/// A gateway behind an address.
pub struct HttpGateway {
    base: Url,
    /// Under which the log knows its tokens.
    name: String,
    headers: HeaderMap,
    clock: Arc<dyn Clock>,
    settings: HttpSettings,
    tokens: Guarded,
    calls: Guarded,
    look_ups: Guarded,
}

/// Why a gateway cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpGatewayError {
    /// The address is none.
    #[error("gateway_url is no address: write https://host/path, without a name or password in it")]
    BadUrl,
    /// Card numbers would cross a network in the clear.
    #[error(
        "gateway_url is not safe: card numbers go there, so write https://, or http:// for a loopback address only"
    )]
    PlainText,
    /// The name would not be told from a token.
    #[error("gateway_name may have letters, digits, `.`, `-`, `_` and `:`, and {NAME_BYTES_MAX} of them at most")]
    BadName,
    /// The key has characters that no header may have.
    #[error("gateway_api_key has characters that cannot be sent: use what the gateway gave you")]
    BadKey,
    /// The client could not be built.
    #[error("the client for the payment gateway could not be made: {0}")]
    Client(String),
}

impl HttpGateway {
    /// A client of the gateway at `url`. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// See [`HttpGatewayError`].
    pub fn new(
        url: &str,
        api_key: Option<&SecretString>,
        clock: Arc<dyn Clock>,
        settings: HttpSettings,
    ) -> Result<Self, HttpGatewayError> {
        let base = address(url)?;
        let name = base.authority().to_owned();
        let headers = headers(api_key)?;
        let client = client(&base, &settings)?;
        let budget = budget(&settings);
        let guard = |kind, repeats| {
            Again::new(repeats, &settings, &budget)
                .and_then(|again| guarded(kind, client.clone(), &settings, again))
                .map_err(HttpGatewayError::Client)
        };
        Ok(Self {
            tokens: guard("tokens", Repeats::NotSent)?,
            calls: guard("calls", Repeats::NotSent)?,
            look_ups: guard("look-ups", Repeats::Unanswered)?,
            base,
            name,
            headers,
            clock,
            settings,
        })
    }

    /// The same gateway under another name than its address: the one that it had before it moved.
    ///
    /// # Errors
    ///
    /// [`HttpGatewayError::BadName`].
    pub fn named(self, name: &str) -> Result<Self, HttpGatewayError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(is_plain) {
            return Err(HttpGatewayError::BadName);
        }
        Ok(Self { name: name.to_owned(), ..self })
    }

    /// Asks the gateway for nothing, to see whether it answers.
    ///
    /// # Errors
    ///
    /// It does not.
    pub async fn answers(&self) -> Result<(), UnknownOutcome> {
        self.look_up(NOBODYS_KEY).await.map(|_| ())
    }

    async fn token(&self, number: &SecretString) -> Result<CardToken, TokeniseError> {
        let digits = card::digits(number)?;
        let body = SecretString::from(format!("{{\"number\":\"{}\"}}", digits.expose_secret()));
        let ask = self.ask(Point::Tokenise, &["v1", "tokens"], Some(body));
        match self.tokens.clone().oneshot(ask).await {
            Ok(answered) => answer::token(&answered, &digits)
                .map(|card| CardToken { token: under_name(&self.name, &card.token), ..card }),
            Err(error) => {
                tracing::warn!(%error, "the payment gateway gave no token");
                Err(TokeniseError::Unavailable)
            }
        }
    }

    async fn made(&self, call: &GatewayCall, expires_at: DateTime<Utc>) -> Result<GatewayOutcome, CallError> {
        let mut ask = self.ask(call_point(call), &["v1", end_point(call)], Some(self.body(call)?));
        let expiry = expires_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        for (name, value) in [(IDEMPOTENCY_KEY, call.key.as_str()), (EXPIRES_AT, &expiry)] {
            let value = HeaderValue::from_str(value).map_err(|error| CallError::NotSent(error.to_string()))?;
            ask.headers.insert(HeaderName::from_static(name), value);
        }
        if self.clock.now() >= expires_at {
            return Err(CallError::NotSent("its time was up before it could be sent".to_owned()));
        }
        match self.calls.clone().oneshot(ask).await {
            Ok(answered) => answer::outcome(&answered),
            Err(error @ NoAnswer::Lost(_)) => Err(CallError::Unknown(error.to_string())),
            Err(error) => Err(CallError::NotSent(error.to_string())),
        }
    }

    async fn looked_up(&self, key: &str) -> Result<Option<GatewayOutcome>, UnknownOutcome> {
        let ask = self.ask(Point::LookUp, &["v1", "calls", key], None);
        let answered: Answered =
            self.look_ups.clone().oneshot(ask).await.map_err(|error| UnknownOutcome(error.to_string()))?;
        answer::found(&answered)
    }

    fn ask(&self, point: Point, path: &[&str], body: Option<SecretString>) -> Ask {
        let mut url = self.base.clone();
        // An address that was accepted has a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let (method, timeout) = match point {
            Point::LookUp => (Method::GET, self.settings.look_up_timeout),
            Point::Tokenise => (Method::POST, self.settings.token_timeout),
            _ => (Method::POST, self.settings.call_timeout),
        };
        Ask { point, method, url, headers: self.headers.clone(), body, timeout }
    }

    /// The token and the amount stand in it, nothing of the traveller.
    fn body(&self, call: &GatewayCall) -> Result<SecretString, CallError> {
        let (minor, currency) = (call.amount.minor, call.amount.currency.as_str().to_owned());
        let text = match &call.kind {
            GatewayCallKind::Charge => {
                let token = own_token(&self.name, &call.token).unwrap_or(&call.token).to_owned();
                serde_json::to_string(&ChargeBody { token, minor, currency })
            }
            GatewayCallKind::Refund { charge } => {
                serde_json::to_string(&RefundBody { charge: charge.clone(), minor, currency })
            }
        };
        text.map(SecretString::from).map_err(|error| CallError::NotSent(error.to_string()))
    }
}

impl PaymentGateway for HttpGateway {
    fn tokenise<'a>(&'a self, card_number: &'a SecretString) -> BoxFuture<'a, Result<CardToken, TokeniseError>> {
        self.token(card_number).boxed()
    }

    fn call<'a>(
        &'a self,
        call: &'a GatewayCall,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<GatewayOutcome, CallError>> {
        self.made(call, expires_at).boxed()
    }

    fn look_up<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<GatewayOutcome>, UnknownOutcome>> {
        self.looked_up(key).boxed()
    }

    fn issued(&self, token: &str) -> bool {
        own_token(&self.name, token).is_some()
    }

    fn request_lifetime(&self) -> Duration {
        REQUEST_LIFETIME_MAX
    }
}

fn address(url: &str) -> Result<Url, HttpGatewayError> {
    web::address(url).map_err(|bad| match bad {
        BadAddress::NotOne => HttpGatewayError::BadUrl,
        BadAddress::PlainText => HttpGatewayError::PlainText,
    })
}

fn headers(api_key: Option<&SecretString>) -> Result<HeaderMap, HttpGatewayError> {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    if let Some(key) = api_key {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| HttpGatewayError::BadKey)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn client(base: &Url, settings: &HttpSettings) -> Result<Client, HttpGatewayError> {
    let client = web::client(base)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(IDLE_CONNECTION_MAX)
        .pool_max_idle_per_host(settings.at_once_max);
    client.build().map_err(|error| HttpGatewayError::Client(innermost(&error).to_string()))
}

const fn end_point(call: &GatewayCall) -> &'static str {
    match call.kind {
        GatewayCallKind::Charge => "charges",
        GatewayCallKind::Refund { .. } => "refunds",
    }
}
