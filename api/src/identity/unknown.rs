//! Why it is not known who asks: in full for our log, in a helpful sentence for the caller.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};

use super::challenge;
use crate::graphql::types::ErrorCode;
use crate::http::Refusal;
use crate::limits::{KEYS_PAUSE, TOKEN_BYTES_MAX};

/// Why it is not known who asks. Nothing of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unknown {
    #[error("no token was shown")]
    NoToken,
    #[error("the header Authorization is not one bearer token")]
    NotBearer,
    #[error("a development token cannot be read")]
    NoDevelopmentToken,
    #[error("a token has more than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    #[error("a token has no three parts, or no header that can be read")]
    NoHeader,
    #[error("a token's header has `{0}`")]
    Header(&'static str),
    #[error("a token is signed in a way that is not taken")]
    Algorithm,
    #[error("a token's key is not among the issuer's")]
    Key,
    #[error("a token's key is not for signatures of its kind")]
    UnfitKey,
    #[error("a token's signature is wrong")]
    Signature,
    #[error("a token's claims cannot be read, or `iss`, `sub`, `aud` or `exp` is missing")]
    Claims,
    #[error("a token is of another issuer")]
    Issuer,
    #[error("a token is for others")]
    Audience,
    #[error("a token has no subject that can be kept")]
    Subject,
    #[error("a token has expired")]
    Expired,
    #[error("a token is not yet valid")]
    Early,
    #[error("an ID token, or a token of another kind, was shown as access token")]
    NoAccessToken,
    #[error("a token is bound to a key of its owner, which cannot be proven here")]
    Bound,
    #[error("no keys of the issuer are known")]
    KeysAway,
}

impl Unknown {
    /// The answer. The reason goes to our log.
    pub(super) fn refused(self) -> Refusal {
        if self == Self::NoToken {
            tracing::debug!(reason = %self, "a caller is not known");
        } else {
            tracing::info!(reason = %self, "a caller is not known");
        }
        if self == Self::KeysAway {
            let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, self.told());
            refusal.headers.insert(RETRY_AFTER, HeaderValue::from(KEYS_PAUSE.as_secs()));
            return refusal;
        }
        let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, self.told());
        let challenge = match self {
            Self::NoToken => challenge::sign_in(),
            _ => challenge::invalid_token(self.told()),
        };
        refusal.headers.extend(challenge.map(|challenge| (WWW_AUTHENTICATE, challenge)));
        refusal
    }

    /// What the caller hears: what to do, and no more of the reason than helps with that.
    const fn told(self) -> &'static str {
        match self {
            Self::NoToken => "Sign in: send the header Authorization with Bearer and an access token.",
            Self::NotBearer => "Send one header Authorization with Bearer, one space and one access token.",
            Self::NoDevelopmentToken => {
                "There is no identity provider here: send no token, or one of `traveladvisor token --as EMAIL`."
            }
            Self::TooLong => "The token is too long: ask for one with fewer claims in it.",
            Self::Expired => "The access token has expired: get a new one.",
            Self::Early => "The access token is not valid yet: check the clock of its issuer.",
            Self::Audience => "The access token is for others: ask for one with the audience of this API.",
            Self::NoAccessToken => "This is no access token: send the access token instead of the ID token.",
            Self::KeysAway => "Tokens cannot be checked at the moment: try again in a few seconds.",
            _ => "The access token is not accepted: get a new one.",
        }
    }
}
