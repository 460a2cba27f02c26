//! Tokens for trying rights where nobody checks them. They prove nothing: whoever can write JSON can make one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::unknown::Unknown;
use crate::caller::{Caller, Scope, Scopes};
use crate::limits::TOKEN_BYTES_MAX;

/// What they begin with. No JWT does.
const PREFIX: &str = "dev.";
/// What the names of their owners begin with. No issuer has such a name.
const OWNER_PREFIX: &str = "dev#";
/// From which e-mail addresses become numbers.
const NAMESPACE: Uuid = uuid!("6f2d3f6e-5a0c-4b0e-9a51-3c1d7d1f8e24");

/// A token for trying rights.
#[derive(Debug, Clone)]
pub struct DevelopmentToken {
    /// The token.
    pub token: String,
    /// The name under which its owner's bookings are kept.
    pub owner: String,
}

/// What stands in it: the number of a person, no address.
#[derive(Serialize, Deserialize)]
struct Content {
    sub: Uuid,
    scope: String,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

/// A token for somebody with this e-mail address. The same address, in whatever case, is always the same person; the address itself is not
/// in the token (L8).
pub fn development_token(email: &str, scopes: &[Scope], expires_at: Option<DateTime<Utc>>) -> DevelopmentToken {
    let sub = Uuid::new_v5(&NAMESPACE, email.trim().to_lowercase().as_bytes());
    let scope = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    let content = Content { sub, scope, exp: expires_at.map(|at| at.timestamp()) };
    let json = serde_json::to_vec(&content).unwrap_or_default();
    DevelopmentToken { token: format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json)), owner: owner(sub) }
}

/// Whom such a token names.
pub(super) fn caller(token: &str, now: DateTime<Utc>) -> Result<Caller, Unknown> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Unknown::TooLong);
    }
    let content = token.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let content = content.and_then(|json| serde_json::from_slice::<Content>(&json).ok());
    let Content { sub, scope, exp } = content.ok_or(Unknown::NoDevelopmentToken)?;
    let expires_at = match exp.map(|seconds| DateTime::from_timestamp(seconds, 0)) {
        Some(None) => return Err(Unknown::NoDevelopmentToken),
        Some(Some(at)) if at <= now => return Err(Unknown::Expired),
        at => at.flatten(),
    };
    let scopes: Scopes = scope.split_ascii_whitespace().filter_map(Scope::named).collect();
    Ok(Caller::new(owner(sub), scopes, expires_at))
}

fn owner(subject: Uuid) -> String {
    format!("{OWNER_PREFIX}{subject}")
}
