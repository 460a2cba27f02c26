//! Checks a token of the issuer from its first byte to its caller.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde_json::Value;
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::config::{AuthError, Trusted};
use traveladvisor_infra::identity_provider::{IdentityProvider, NoKeys};

use super::claims::Claims;
use super::keys::IssuerKeys;
use super::signature::{ALGORITHMS, install};
use super::unknown::Unknown;
use crate::caller::Caller;
use crate::limits::TOKEN_BYTES_MAX;

/// What a token may call itself in its header, apart from nothing at all: a JWT, or an access token (RFC 9068, 2.1).
const TYPES: [&str; 2] = ["jwt", "at+jwt"];
/// What such a name may begin with (RFC 7515, 4.1.9).
const MEDIA_PREFIX: &str = "application/";
/// How the header of an access token calls it.
const ACCESS_TOKEN: &str = "at+jwt";
/// Claims without which nobody is known.
const REQUIRED: [&str; 4] = ["iss", "aud", "exp", "sub"];

/// Checks the tokens of an issuer.
pub(super) struct Verifier {
    trusted: Trusted,
    keys: Arc<IssuerKeys>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Verifier").field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Nothing is asked yet.
    pub(super) fn new(trusted: &Trusted, clock: Arc<dyn Clock>) -> Result<Self, AuthError> {
        install();
        let keys = IssuerKeys::new(IdentityProvider::new(trusted)?, clock.clone());
        Ok(Self { trusted: trusted.clone(), keys: Arc::new(keys), clock })
    }

    /// How many keys of the issuer can sign, as it says now.
    pub(super) async fn look(&self) -> Result<usize, NoKeys> {
        self.keys.look().await
    }

    /// Whom a token names.
    pub(super) async fn caller(&self, token: &str) -> Result<Caller, Unknown> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Unknown::TooLong);
        }
        let header = decode_header(token).map_err(|_| Unknown::NoHeader)?;
        let named = kind(&header)?;
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let claims = decode::<Value>(token, &key, &self.validation(header.alg)).map_err(|error| why(error.kind()))?;
        let claims = Claims::read(&claims.claims, self.trusted.roles_claim.as_deref())?;
        claims.caller(&self.trusted, named == Some(ACCESS_TOKEN), self.clock.now())
    }

    /// What the library checks beside the signature. Times are judged by our own clock.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&REQUIRED);
        validation.set_issuer(&[&self.trusted.issuer]);
        validation.set_audience(&[&self.trusted.audience]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }
}

/// Which of the names of a token the header has, if it has one. Keys that a header brings along, or names the place of, are not looked at.
fn kind(header: &Header) -> Result<Option<&'static str>, Unknown> {
    // What must be understood is not understood here (RFC 7515, 4.1.11).
    if header.crit.is_some() {
        return Err(Unknown::Header("crit"));
    }
    if header.enc.is_some() || header.zip.is_some() {
        return Err(Unknown::Header("enc or zip"));
    }
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Unknown::Algorithm);
    }
    let Some(given) = header.typ.as_deref() else { return Ok(None) };
    let name = given.to_ascii_lowercase();
    let name = name.strip_prefix(MEDIA_PREFIX).unwrap_or(&name);
    TYPES.into_iter().find(|known| *known == name).map(Some).ok_or(Unknown::NoAccessToken)
}

/// The library's reasons in our words: its own may repeat what stands in the token.
const fn why(kind: &ErrorKind) -> Unknown {
    match kind {
        ErrorKind::InvalidSignature => Unknown::Signature,
        ErrorKind::InvalidAlgorithm => Unknown::Algorithm,
        ErrorKind::InvalidIssuer => Unknown::Issuer,
        ErrorKind::InvalidAudience => Unknown::Audience,
        ErrorKind::InvalidToken => Unknown::NoHeader,
        _ => Unknown::Claims,
    }
}
