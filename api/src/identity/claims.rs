//! What a token says, once its signature holds.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use traveladvisor_infra::config::Trusted;
use uuid::Uuid;

use super::unknown::Unknown;
use crate::caller::{Caller, Scope, Scopes};
use crate::limits::{SUBJECT_BYTES_MAX, SUBJECT_KEPT_BYTES_MAX, TOKEN_LEEWAY};

/// Between issuer and subject in the name of an owner. No issuer has one in it, so that the first one is it.
const SEPARATOR: char = '#';
/// Before what stands for a subject that is not kept as it is. No subject that is kept has one in it.
const REPLACED: char = '@';
/// What Keycloak calls an access token in its claims.
const ACCESS_TOKEN: &str = "bearer";

/// What is read of a token.
#[derive(Debug, Deserialize)]
struct Known {
    iss: String,
    sub: String,
    aud: Words,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    /// Keycloak's word for the kind of token.
    typ: Option<String>,
    /// The client that the token was given to; in access tokens of RFC 9068 it is `client_id`.
    azp: Option<String>,
    client_id: Option<IgnoredAny>,
    scope: Option<Words>,
    scp: Option<Words>,
    /// In ID tokens alone, as these four (`OpenID` Connect Core, 2 and 3.3.2.11).
    nonce: Option<IgnoredAny>,
    at_hash: Option<IgnoredAny>,
    c_hash: Option<IgnoredAny>,
    s_hash: Option<IgnoredAny>,
    /// A key whose owner must prove to have it (RFC 7800).
    cnf: Option<IgnoredAny>,
}

/// A text, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

/// What a token says.
#[derive(Debug)]
pub(super) struct Claims {
    known: Known,
    roles: Option<Words>,
}

impl Claims {
    /// Reads them. What the settings call roles may be missing.
    pub(super) fn read(claims: &Value, roles_claim: Option<&str>) -> Result<Self, Unknown> {
        let known = Known::deserialize(claims).map_err(|_| Unknown::Claims)?;
        let roles = roles_claim.and_then(|path| at(claims, path)).and_then(|found| Words::deserialize(found).ok());
        Ok(Self { known, roles })
    }

    /// The caller that they name, if they are an access token's and hold now.
    pub(super) fn caller(
        &self,
        trusted: &Trusted,
        is_access_token: bool,
        now: DateTime<Utc>,
    ) -> Result<Caller, Unknown> {
        let known = &self.known;
        // The library also takes a list that has it in it.
        if known.iss != trusted.issuer {
            return Err(Unknown::Issuer);
        }
        if !known.aud.any(|audience| audience == trusted.audience) {
            return Err(Unknown::Audience);
        }
        let expires_at = self.expiry(now)?;
        if known.cnf.is_some() {
            return Err(Unknown::Bound);
        }
        if !self.is_access_token(is_access_token) {
            return Err(Unknown::NoAccessToken);
        }
        Ok(Caller::new(owner(&known.iss, &known.sub)?, self.scopes(), Some(expires_at)))
    }

    /// Until when they hold, if they do now: the leeway after what they say, also for a stream that is opened within it.
    fn expiry(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, Unknown> {
        let known = &self.known;
        let leeway = TOKEN_LEEWAY.as_secs_f64();
        let end = known.exp + leeway;
        #[expect(clippy::cast_precision_loss, reason = "no date of ours has more than 52 bits of milliseconds")]
        let now = now.timestamp_millis() as f64 / 1000.0;
        if now >= end {
            return Err(Unknown::Expired);
        }
        if [known.nbf, known.iat].into_iter().flatten().any(|begins| begins > now + leeway) {
            return Err(Unknown::Early);
        }
        DateTime::from_timestamp_millis((end * 1000.0) as i64).ok_or(Unknown::Claims)
    }

    /// Whether this is an access token: something says so, and nothing in it is an ID token's. That it lacks what ID tokens have proves
    /// nothing, for all of that is optional there.
    fn is_access_token(&self, header_says_so: bool) -> bool {
        let known = &self.known;
        if let Some(kind) = &known.typ {
            return kind.eq_ignore_ascii_case(ACCESS_TOKEN);
        }
        let of_id_token = [&known.nonce, &known.at_hash, &known.c_hash, &known.s_hash];
        // An ID token is always for the client that it was given to (OpenID Connect Core, 2).
        let is_for_others = known.azp.as_deref().is_some_and(|client| !known.aud.any(|audience| audience == client));
        let says_so = known.scope.is_some() || known.scp.is_some() || known.client_id.is_some() || is_for_others;
        header_says_so || (says_so && of_id_token.iter().all(|claim| claim.is_none()))
    }

    /// The rights that are named; words that are not ours are the business of others.
    fn scopes(&self) -> Scopes {
        let named = [&self.known.scope, &self.known.scp, &self.roles];
        let words = named.into_iter().flatten().flat_map(Words::all_words);
        words.filter_map(Scope::named).collect()
    }
}

impl Words {
    fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }

    fn any(&self, is: impl Fn(&str) -> bool) -> bool {
        self.texts().iter().any(|text| is(text))
    }

    fn all_words(&self) -> impl Iterator<Item = &str> {
        self.texts().iter().flat_map(|text| text.split_ascii_whitespace())
    }
}

/// A claim by its name; where there is none of it, a dot leads into an object.
fn at<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    claims
        .get(path)
        .or_else(|| path.match_indices('.').find_map(|(dot, _)| at(claims.get(&path[..dot])?, &path[dot + 1..])))
}

/// The opaque name under which a caller's things are kept for ever: issuer and subject. A subject that may say more than who it is, such as an
/// e-mail address, is replaced by a number that is always the same.
fn owner(issuer: &str, subject: &str) -> Result<String, Unknown> {
    if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
        return Err(Unknown::Subject);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'|' | b'~');
    if subject.len() <= SUBJECT_KEPT_BYTES_MAX && subject.bytes().all(is_plain) {
        return Ok(format!("{issuer}{SEPARATOR}{subject}"));
    }
    let number = Uuid::new_v5(&Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.as_bytes()), subject.as_bytes());
    Ok(format!("{issuer}{SEPARATOR}{REPLACED}{number}"))
}
