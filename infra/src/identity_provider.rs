//! The identity provider: where its keys are, and what they are (`OpenID` Connect Discovery 1.0, RFC 7517).

use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

use crate::config::{AuthError, Trusted};
use crate::web::{BadAddress, address, client, innermost, page};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one answer may take. Callers wait meanwhile when no keys are known.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Where an issuer describes itself, behind its own address.
const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKeys {
    /// It could not be asked.
    #[error("{url} does not answer: {reason}")]
    Away {
        /// What was asked for.
        url: String,
        /// The cause.
        reason: String,
    },
    /// It answered something else.
    #[error("{url} answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// It answered too much.
    #[error("{0} answered more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge(String),
    /// It does not describe an issuer.
    #[error("{0} describes no issuer: it must be JSON with `issuer` and `jwks_uri`")]
    NoDescription(String),
    /// Somebody else is described.
    #[error("{url} describes the issuer {found}: write auth.issuer exactly so, or correct it")]
    OtherIssuer {
        /// What was asked for.
        url: String,
        /// Who is described.
        found: String,
    },
    /// Nothing could be checked with what it gave.
    #[error("no key for signatures that are taken here is among its keys")]
    NoSignatureKey,
    /// Its keys would come from an unsafe place.
    #[error("`jwks_uri` of {0} is not safe: it must be encrypted as auth.issuer is")]
    UnsafeKeys(String),
}

/// A client of an issuer.
pub struct IdentityProvider {
    client: Client,
    issuer: String,
    place: Place,
}

/// Where the keys are.
enum Place {
    /// As the settings say.
    Known(Url),
    /// As the issuer says, here.
    Described(Url),
}

#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

impl IdentityProvider {
    /// A client of the issuer. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// An address that cannot be one.
    pub fn new(trusted: &Trusted) -> Result<Self, AuthError> {
        let described = || format!("{}{DISCOVERY_PATH}", trusted.issuer.trim_end_matches('/'));
        let (setting, url) = match &trusted.jwks_url {
            Some(url) => ("jwks_url", page(url)),
            None => ("issuer", address(&described())),
        };
        let url = url.map_err(|bad| AuthError::Address(setting, bad))?;
        let client = client(&url).connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT).build();
        let client = client.map_err(|_| AuthError::Address(setting, BadAddress::NotOne))?;
        let place = if trusted.jwks_url.is_some() { Place::Known(url) } else { Place::Described(url) };
        Ok(Self { client, issuer: trusted.issuer.clone(), place })
    }

    /// The keys of today: a JSON Web Key Set, unread.
    ///
    /// # Errors
    ///
    /// See [`NoKeys`].
    pub async fn keys(&self) -> Result<Vec<u8>, NoKeys> {
        match &self.place {
            Place::Known(url) => self.get(url).await,
            Place::Described(url) => self.get(&self.described(url).await?).await,
        }
    }

    /// Where the issuer says that its keys are. Whoever describes another issuer is not asked for keys.
    async fn described(&self, url: &Url) -> Result<Url, NoKeys> {
        let description = self.get(url).await?;
        let Ok(Description { issuer, jwks_uri }) = serde_json::from_slice(&description) else {
            return Err(NoKeys::NoDescription(url.to_string()));
        };
        if issuer != self.issuer {
            let found = issuer.chars().filter(|char| !char.is_control()).take(self.issuer.len() * 2).collect();
            return Err(NoKeys::OtherIssuer { url: url.to_string(), found });
        }
        // Some issuers tell their keys apart by a query.
        let keys = page(&jwks_uri).ok().filter(|keys| keys.scheme() == url.scheme());
        keys.ok_or_else(|| NoKeys::UnsafeKeys(url.to_string()))
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, NoKeys> {
        let away = |error: reqwest::Error| NoKeys::Away {
            url: url.to_string(),
            reason: innermost(&error.without_url()).to_string(),
        };
        let mut response = self.client.get(url.clone()).send().await.map_err(away)?;
        if response.status() != StatusCode::OK {
            return Err(NoKeys::Status { url: url.to_string(), status: response.status().as_u16() });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(away)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(NoKeys::TooLarge(url.to_string()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
