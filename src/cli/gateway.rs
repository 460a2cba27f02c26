//! Which payment gateway the settings ask for.

use std::sync::Arc;

use traveladvisor_infra::clock::SystemClock;
use traveladvisor_infra::config::{Config, Mode};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::gateway::{HttpGateway, HttpSettings, PaymentGateway, SandboxGateway};

use super::failure::Failure;

/// The gateway at work: that of `gateway_url`, else the sandbox's, whose ledger is in the database.
pub(crate) fn gateway(config: &Config, log: &EventLog) -> Result<Arc<dyn PaymentGateway>, Failure> {
    Ok(match over_http(config)? {
        Some(gateway) => Arc::new(gateway),
        None => Arc::new(SandboxGateway::new(log.pool().clone())),
    })
}

/// Better not to start than to take play money for a real trip, or to find later that the gateway cannot be used.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    if config.mode == Mode::Production && config.gateway_url.is_none() {
        return Err(Failure::usage(
            "production takes no test cards: set gateway_url (TRAVELADVISOR_GATEWAY_URL) to your payment gateway, or mode = \"sandbox\"",
        ));
    }
    over_http(config).map(|_| ())
}

/// Its name, for people.
pub(crate) fn named(config: &Config) -> String {
    config.gateway_url.clone().unwrap_or_else(|| "the sandbox (test cards)".to_owned())
}

/// Which one the program would use, in a sentence.
pub(crate) fn told(config: &Config) -> String {
    match (&config.gateway_url, config.mode) {
        (Some(url), _) => format!("charges go to {url}, as gateway_url says"),
        (None, Mode::Production) => "no gateway_url is set, so nothing can be charged".to_owned(),
        (None, Mode::Sandbox) => {
            "no gateway_url is set, so charges go to the sandbox in the database: it takes test cards alone, and no money moves".to_owned()
        }
    }
}

/// Whether it answers. The sandbox does as long as the database does.
pub(crate) async fn answers(config: &Config) -> Result<(), Failure> {
    check(config)?;
    let Some(gateway) = over_http(config)? else { return Ok(()) };
    let answer = gateway.answers().await;
    answer.map_err(|unknown| Failure::unavailable(format!("{unknown}: start it, or correct gateway_url")))
}

fn over_http(config: &Config) -> Result<Option<HttpGateway>, Failure> {
    let Some(url) = &config.gateway_url else { return Ok(None) };
    let settings = HttpSettings::default();
    let gateway = HttpGateway::new(url, config.gateway_api_key.as_ref(), Arc::new(SystemClock), settings);
    let named = gateway.and_then(|gateway| match &config.gateway_name {
        Some(name) => gateway.named(name),
        None => Ok(gateway),
    });
    named.map(Some).map_err(|error| Failure::usage(error.to_string()))
}
