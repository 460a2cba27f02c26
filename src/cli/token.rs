//! `token`: a token for trying rights where nobody checks tokens.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use serde::Serialize;
use traveladvisor_api::limits::EMAIL_CHARS_MAX;
use traveladvisor_api::{Scope, development_token};
use traveladvisor_infra::clock::{Clock, SystemClock};
use traveladvisor_infra::config::{Config, Mode};

use super::failure::Failure;
use super::print::Printer;

/// What a traveller may do: the rights of whoever asks for none by name.
const TRAVELLER: [Scope; 2] = [Scope::BookingsRead, Scope::BookingsWrite];

/// What the verb takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Whom the token names; the address itself is not in it
    #[arg(long = "as", value_name = "EMAIL", value_parser = email)]
    email: String,
    /// What its owner may do: bookings:read, bookings:write, supply:write, operations [default: bookings:read bookings:write]
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1.., value_parser = scope)]
    scopes: Vec<Scope>,
    /// For how many seconds it is good; without it for ever
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    expires_in: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    token: String,
    owner: String,
    scopes: Vec<&'static str>,
    expires_at: Option<String>,
}

/// Runs the verb.
pub(crate) fn run(config: &Config, arguments: Arguments, printer: Printer) -> Result<(), Failure> {
    if config.mode == Mode::Production || config.auth.issuer.is_some() {
        return Err(Failure::usage(
            "tokens come from your identity provider: this verb makes them only for a sandbox without auth.issuer",
        ));
    }
    let scopes = if arguments.scopes.is_empty() { TRAVELLER.to_vec() } else { arguments.scopes };
    let expires_at = arguments.expires_in.map(expiry);
    let made = development_token(&arguments.email, &scopes, expires_at);
    if printer.is_json() {
        return Ok(printer.json(&Made {
            token: made.token,
            owner: made.owner,
            scopes: scopes.into_iter().map(Scope::as_str).collect(),
            expires_at: expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        })?);
    }
    printer.line(made.token)?;
    printer.hint(
        "It proves nothing: only a server without an identity provider takes it. Send it as `Authorization: Bearer …`.",
    );
    Ok(())
}

/// Tokens are dated by the real world.
fn expiry(seconds: u32) -> DateTime<Utc> {
    SystemClock.now() + TimeDelta::seconds(seconds.into())
}

fn email(text: &str) -> Result<String, String> {
    let is_one = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if is_one && text.chars().count() <= EMAIL_CHARS_MAX && !text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(text.to_owned());
    }
    Err("give an e-mail address such as ada@example.org".to_owned())
}

fn scope(text: &str) -> Result<Scope, String> {
    let names = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::named(text).ok_or_else(|| format!("there is no such right; write {names}"))
}
