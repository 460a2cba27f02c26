//! Whose word about callers is taken.

use serde::Deserialize;

use super::filled;
use crate::web::{BadAddress, address, page};

/// Longest issuer, in bytes: it is part of the name under which a caller's bookings are kept.
const ISSUER_BYTES_MAX: usize = 255;

/// The table `[auth]`. Nothing in it means that nobody vouches for callers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The `OpenID` Connect issuer, exactly as it names itself in its tokens.
    #[serde(deserialize_with = "filled")]
    pub issuer: Option<String>,
    /// The name that this API has with the issuer: tokens for others are refused.
    #[serde(deserialize_with = "filled")]
    pub audience: Option<String>,
    /// Where the issuer's keys are; without it the issuer is asked.
    #[serde(deserialize_with = "filled")]
    pub jwks_url: Option<String>,
    /// A claim that names rights beside `scope` and `scp`, such as `realm_access.roles`; a dot goes into an object.
    #[serde(deserialize_with = "filled")]
    pub roles_claim: Option<String>,
}

/// An issuer whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// See [`Auth::issuer`].
    pub issuer: String,
    /// See [`Auth::audience`].
    pub audience: String,
    /// See [`Auth::jwks_url`].
    pub jwks_url: Option<String>,
    /// See [`Auth::roles_claim`].
    pub roles_claim: Option<String>,
}

/// Why the table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Whoever sets the rest wants callers to be checked.
    #[error("auth.issuer is missing while other settings of [auth] are there: set it, or remove them all")]
    NoIssuer,
    /// Tokens for others would be taken.
    #[error("auth.audience is missing: set it to the name that this API has with the issuer")]
    NoAudience,
    /// Keys would come from anywhere.
    #[error("auth.{0} {1}")]
    Address(&'static str, BadAddress),
    /// It would not fit where owners are kept.
    #[error("auth.issuer is too long: {ISSUER_BYTES_MAX} bytes are allowed")]
    IssuerTooLong,
}

impl Auth {
    /// The issuer whose tokens are taken, if there is one.
    ///
    /// # Errors
    ///
    /// See [`AuthError`].
    pub fn trusted(&self) -> Result<Option<Trusted>, AuthError> {
        let Some(issuer) = self.issuer.clone() else {
            return if *self == Self::default() { Ok(None) } else { Err(AuthError::NoIssuer) };
        };
        address(&issuer).map_err(|bad| AuthError::Address("issuer", bad))?;
        if issuer.len() > ISSUER_BYTES_MAX {
            return Err(AuthError::IssuerTooLong);
        }
        if let Some(url) = &self.jwks_url {
            page(url).map_err(|bad| AuthError::Address("jwks_url", bad))?;
        }
        let audience = self.audience.clone().ok_or(AuthError::NoAudience)?;
        let (jwks_url, roles_claim) = (self.jwks_url.clone(), self.roles_claim.clone());
        Ok(Some(Trusted { issuer, audience, jwks_url, roles_claim }))
    }
}
