//! Tells who sent a request, by the token that it shows (RFC 6750, RFC 9068).
//!
//! `bearer` reads the token, `token` checks it with a key of `keys`, `claims` judges what it says. Without an issuer only `development`
//! tokens are taken, which prove nothing. All times in tokens are the real world's: whoever writes them knows nothing of a sandbox's clock.

mod bearer;
mod challenge;
mod claims;
mod development;
mod keys;
mod signature;
mod token;
mod unknown;

use std::sync::Arc;

use axum::http::HeaderMap;
use traveladvisor_infra::clock::{Clock, SystemClock};
use traveladvisor_infra::config::{AuthError, Trusted};
use traveladvisor_infra::identity_provider::NoKeys;

pub(crate) use self::challenge::insufficient_scope;
pub use self::development::{DevelopmentToken, development_token};
use self::token::Verifier;
use self::unknown::Unknown;
use crate::caller::Caller;
use crate::http::Refusal;

/// Who is asked who a caller is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub enum Identity {
    /// Nobody: the program listens on loopback only, and everybody may do everything, or try with a development token what others may.
    #[default]
    Development,
    /// An issuer, whose tokens are checked.
    Issuer(Issuer),
}

/// An issuer whose tokens are taken.
#[derive(Debug, Clone)]
pub struct Issuer(Arc<Verifier>);

impl Identity {
    /// Whether everybody may do everything.
    pub(crate) const fn is_development(&self) -> bool {
        matches!(self, Self::Development)
    }

    /// Takes the tokens of an issuer. Its keys are fetched when the first token comes. `clock` tells the real time.
    ///
    /// # Errors
    ///
    /// Settings that cannot be used.
    pub fn trusting(trusted: &Trusted, clock: Arc<dyn Clock>) -> Result<Self, AuthError> {
        Ok(Self::Issuer(Issuer(Arc::new(Verifier::new(trusted, clock)?))))
    }

    /// Who sent a request with these headers.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        match bearer::token(headers) {
            Ok(token) => self.caller_of(token).await,
            Err(unknown) => Err(unknown.refused()),
        }
    }

    /// Who shows this token, which came on another way than in the header `Authorization`.
    pub(crate) async fn caller_of(&self, token: Option<&str>) -> Result<Caller, Refusal> {
        let known = match (self, token) {
            (Self::Development, None) => Ok(Caller::development()),
            (Self::Development, Some(token)) => development::caller(token, SystemClock.now()),
            (Self::Issuer(_), None) => Err(Unknown::NoToken),
            (Self::Issuer(issuer), Some(token)) => issuer.0.caller(token).await,
        };
        known.map_err(Unknown::refused)
    }

    /// Asks the issuer for its keys, and tells how many of them can sign. Absent without an issuer.
    ///
    /// # Errors
    ///
    /// Why there are no keys.
    pub async fn look(&self) -> Result<Option<usize>, NoKeys> {
        match self {
            Self::Development => Ok(None),
            Self::Issuer(issuer) => issuer.0.look().await.map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
