//! Settings: the command line goes before the environment, the environment before the file, the file before defaults.

mod auth;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Uncased, UncasedStr};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};

pub use self::auth::{Auth, AuthError, Trusted};
use crate::clock::parse_instant;
use crate::telemetry::{DEFAULT_FILTER, LogFormat};

/// The file that is read when none is named, if it is there.
const DEFAULT_FILE: &str = "traveladvisor.toml";
/// What every environment variable of the program begins with.
const PREFIX: &str = "TRAVELADVISOR_";
/// Variables with the prefix that are no settings: the log filter is read by telemetry.
const NOT_SETTINGS: [&str; 1] = ["log"];
/// What the variables of a table begin with behind the prefix, and the table: `TRAVELADVISOR_AUTH_ISSUER` is `auth.issuer`.
const TABLES: [(&str, &str); 2] = [("auth_", "auth"), ("limits_", "limits")];
/// Where the program keeps what it has unless told otherwise.
pub const DEFAULT_DATA_DIR: &str = ".traveladvisor";
/// The port on which it listens unless told otherwise.
const DEFAULT_PORT: u16 = 8072;

/// What the program may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// For trying out: test cards, and a clock that can be set.
    #[default]
    Sandbox,
    /// For real: neither, and a payment gateway that is named.
    Production,
}

impl Mode {
    /// Its name, as settings have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// The program's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Sandbox or production.
    #[serde(default)]
    pub mode: Mode,
    /// A Postgres server (15 or later) and database; without it the program runs its own.
    #[serde(default, deserialize_with = "secret")]
    pub database_url: Option<SecretString>,
    /// Where the program keeps what it has.
    #[serde(default = "default_data_dir")]
    pub data_dir: PathBuf,
    /// Address and port of the HTTP server.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// A directory with `initdb` and `postgres` for the private server.
    #[serde(default)]
    pub postgres_bin: Option<PathBuf>,
    /// Where the sandbox's clock starts; without it the machine's clock counts.
    #[serde(default, deserialize_with = "instant")]
    pub clock: Option<DateTime<Utc>>,
    /// Where the payment gateway is; without it the sandbox plays one.
    #[serde(default, deserialize_with = "filled")]
    pub gateway_url: Option<String>,
    /// Under which the log knows the payment gateway's tokens; without it the address. To be set to the former one when a gateway has moved.
    #[serde(default, deserialize_with = "filled")]
    pub gateway_name: Option<String>,
    /// What the payment gateway wants to be shown.
    #[serde(default, deserialize_with = "secret")]
    pub gateway_api_key: Option<SecretString>,
    /// Whose word about callers is taken; without an issuer nobody is asked who they are.
    #[serde(default)]
    pub auth: Auth,
    /// Which log lines are written: a level, or `module=level,…`.
    #[serde(default = "default_log_level")]
    pub log_level: String,
    /// How log lines look.
    #[serde(default)]
    pub log_format: LogFormat,
    /// What callers may ask for.
    #[serde(default)]
    pub limits: Limits,
}

/// What callers may ask for: the table `limits` of the file, `TRAVELADVISOR_LIMITS_…` in the environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// What the operations of one caller may cost in a minute; without it a default that suits the mode.
    #[serde(default)]
    pub cost_per_minute: Option<NonZeroU32>,
    /// Whether all processes on a log count together, in its database.
    #[serde(default)]
    pub shared: bool,
}

/// What the command line says; `None` leaves a setting to environment, file and defaults.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Overrides {
    /// The configuration file.
    #[serde(skip)]
    pub config_file: Option<PathBuf>,
    /// See [`Config::mode`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// See [`Config::data_dir`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// See [`Config::listen`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// See [`Config::postgres_bin`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres_bin: Option<PathBuf>,
    /// See [`Config::clock`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<DateTime<Utc>>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that was named is not there.
    #[error("there is no configuration file {path}; correct --config or leave it out", path = .0.display())]
    NoFile(PathBuf),
    /// A setting is unknown or has a value it cannot have.
    #[error("the configuration is wrong: {0}")]
    Wrong(Box<figment::Error>),
    /// The clock can only be set in the sandbox.
    #[error("production takes no clock: remove `clock` (--clock, TRAVELADVISOR_CLOCK) or set mode = \"sandbox\"")]
    ClockInProduction,
    /// Who vouches for callers is not clear.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Nobody would be asked who they are.
    #[error("cannot listen on {0}: without an identity provider (auth.issuer) only a loopback address such as 127.0.0.1:{port} is allowed", port = .0.port())]
    NotLoopback(SocketAddr),
}

impl Config {
    /// Reads and checks the settings.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn load(overrides: Overrides) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(file) = configuration_file(overrides.config_file.as_deref())? {
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment
            .merge(Env::raw().only(&["DATABASE_URL"]))
            .merge(Env::prefixed(PREFIX).ignore(&NOT_SETTINGS).map(in_its_table))
            .merge(Serialized::defaults(overrides))
            .extract()
            .map_err(|error| ConfigError::Wrong(Box::new(error)))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the settings say together.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.mode == Mode::Production && self.clock.is_some() {
            return Err(ConfigError::ClockInProduction);
        }
        let trusted = self.auth.trusted()?;
        if trusted.is_none() && !self.listen.ip().is_loopback() {
            return Err(ConfigError::NotLoopback(self.listen));
        }
        Ok(())
    }
}

fn configuration_file(named: Option<&Path>) -> Result<Option<PathBuf>, ConfigError> {
    match named {
        Some(file) if file.is_file() => Ok(Some(file.to_path_buf())),
        Some(file) => Err(ConfigError::NoFile(file.to_path_buf())),
        None => Ok(Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.is_file())),
    }
}

/// The setting that a variable of the environment is for.
fn in_its_table(key: &UncasedStr) -> Uncased<'_> {
    let key = key.as_str();
    let table =
        TABLES.iter().find(|(start, _)| key.get(..start.len()).is_some_and(|given| given.eq_ignore_ascii_case(start)));
    match table {
        Some((start, table)) => format!("{table}.{}", &key[start.len()..]).into(),
        None => key.into(),
    }
}

fn default_data_dir() -> PathBuf {
    PathBuf::from(DEFAULT_DATA_DIR)
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))
}

fn default_log_level() -> String {
    DEFAULT_FILTER.to_owned()
}

/// An empty value counts as none: that is how shells unset a variable for one command.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(filled(deserializer)?.map(SecretString::from))
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse_instant(&text).map_err(serde::de::Error::custom)).transpose()
}

#[cfg(test)]
mod tests;
