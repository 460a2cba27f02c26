//! Where the processes of the other roles are.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use traveladvisor_domain::context::Context;

use super::{filled, or_default, secret};
use crate::web::{BadAddress, Near, service};

/// Fewest characters of the token that services show each other.
const TOKEN_BYTES_MIN: usize = 16;
/// Most processes of a role that are named.
pub const SERVICE_URLS_MAX: usize = 32;

/// The table `[services]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Services {
    /// Processes of the role `booking`, with commas between them.
    #[serde(deserialize_with = "filled")]
    pub booking: Option<String>,
    /// Of the role `hotel`.
    #[serde(deserialize_with = "filled")]
    pub hotel: Option<String>,
    /// Of the role `flight`.
    #[serde(deserialize_with = "filled")]
    pub flight: Option<String>,
    /// Of the role `car`.
    #[serde(deserialize_with = "filled")]
    pub car: Option<String>,
    /// Of the role `payment`.
    #[serde(deserialize_with = "filled")]
    pub payment: Option<String>,
    /// Of the role `member`.
    #[serde(deserialize_with = "filled")]
    pub member: Option<String>,
    /// What processes show each other: whoever has it decides in any caller's name.
    #[serde(deserialize_with = "secret")]
    pub token: Option<SecretString>,
    /// Whether the network between the processes is private, so that `http://` may cross it.
    #[serde(deserialize_with = "or_default")]
    pub private_network: bool,
}

/// Why the table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServicesError {
    /// Commands would go anywhere.
    #[error("services.{0} {1}; behind a private network http:// is taken with services.private_network = true")]
    Address(&'static str, BadAddress),
    /// Nobody can ask so many.
    #[error("services.{0} names too many processes: {SERVICE_URLS_MAX} are allowed")]
    TooMany(&'static str),
    /// Somebody could guess it.
    #[error("services.token is too short: use {TOKEN_BYTES_MIN} characters or more, drawn at random, without spaces")]
    WeakToken,
    /// Commands of a context would go nowhere.
    #[error(
        "the role api has nobody to hand the commands of {0} to: set services.{0}, for example to \"http://127.0.0.1:{1}\", or give this \
         process the role {0} as well"
    )]
    Nobody(&'static str, u16),
    /// Anybody could decide in anybody's name.
    #[error(
        "services.token is missing: without it commands are taken from this machine only, and only while there is no auth.issuer; draw one, \
         for example with `openssl rand -hex 32`, and give it to all processes"
    )]
    NoToken,
}

impl Services {
    /// The processes of a context's role.
    pub fn of(&self, context: Context) -> Vec<String> {
        let listed = match context {
            Context::Booking => &self.booking,
            Context::Hotel => &self.hotel,
            Context::Flight => &self.flight,
            Context::Car => &self.car,
            Context::Payment => &self.payment,
            Context::Member => &self.member,
        };
        let urls = listed.as_deref().unwrap_or_default().split(',').map(str::trim);
        urls.filter(|url| !url.is_empty()).map(str::to_owned).collect()
    }

    /// How near a process has to be for its address not to be encrypted.
    pub const fn near(&self) -> Near {
        if self.private_network { Near::PrivateNetwork } else { Near::ThisMachine }
    }

    /// Checks addresses and token.
    ///
    /// # Errors
    ///
    /// See [`ServicesError`].
    pub(super) fn check(&self) -> Result<(), ServicesError> {
        for context in Context::ALL {
            let urls = self.of(context);
            if urls.len() > SERVICE_URLS_MAX {
                return Err(ServicesError::TooMany(context.as_str()));
            }
            for url in urls {
                service(&url, self.near()).map_err(|bad| ServicesError::Address(context.as_str(), bad))?;
            }
        }
        let is_weak = |token: &SecretString| {
            let token = token.expose_secret();
            token.len() < TOKEN_BYTES_MIN || !token.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if self.token.as_ref().is_some_and(is_weak) { Err(ServicesError::WeakToken) } else { Ok(()) }
    }
}
