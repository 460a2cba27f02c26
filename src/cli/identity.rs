//! Whose word about callers the settings ask for.

use std::sync::Arc;

use traveladvisor_api::Identity;
use traveladvisor_infra::clock::SystemClock;
use traveladvisor_infra::config::{Config, Mode, Trusted};

use super::failure::Failure;

/// What whoever starts it without an issuer must know.
const DEVELOPMENT: &str = "development mode: loopback only, no identity provider, whoever comes may do everything; \
                           `traveladvisor token --as EMAIL` makes tokens for trying rights";

/// Tells who callers are. Tokens are dated by the real world, whatever the sandbox's clock shows.
pub(crate) fn identity(config: &Config) -> Result<Identity, Failure> {
    let Some(trusted) = trusted(config)? else { return Ok(Identity::Development) };
    Identity::trusting(&trusted, Arc::new(SystemClock)).map_err(|error| Failure::usage(error.to_string()))
}

/// Better not to start than to let everybody do everything for real.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    if config.mode == Mode::Production && trusted(config)?.is_none() {
        return Err(Failure::usage(
            "production asks callers who they are: set auth.issuer and auth.audience (TRAVELADVISOR_AUTH_ISSUER, \
             TRAVELADVISOR_AUTH_AUDIENCE) to your identity provider, or mode = \"sandbox\"",
        ));
    }
    identity(config).map(|_| ())
}

/// Better not to start than to be refused by oneself: the demo has no token of an issuer.
pub(crate) fn check_demo(config: &Config) -> Result<(), Failure> {
    match trusted(config)? {
        None => Ok(()),
        Some(_) => Err(Failure::usage(
            "the demo books without a token: leave auth.issuer and auth.audience out for it, or use `serve`",
        )),
    }
}

/// Who is asked who a caller is, in a sentence.
pub(crate) fn told(config: &Config) -> Result<String, Failure> {
    Ok(match trusted(config)? {
        Some(Trusted { issuer, audience, .. }) => format!("callers show tokens of {issuer} for {audience}"),
        None => DEVELOPMENT.to_owned(),
    })
}

/// Whether the issuer gives keys, in a sentence. Without one there is nothing to ask.
pub(crate) async fn answers(config: &Config) -> Result<String, Failure> {
    check(config)?;
    let told = told(config)?;
    match identity(config)?.look().await {
        Ok(None) => Ok(told),
        Ok(Some(keys)) => Ok(format!("{told}; it has {keys} keys for signatures")),
        Err(error) => Err(Failure::unavailable(format!("{told}: {error}"))),
    }
}

fn trusted(config: &Config) -> Result<Option<Trusted>, Failure> {
    config.auth.trusted().map_err(|error| Failure::usage(error.to_string()))
}
