//! Settings: the command line goes before the environment, the environment before the file, the file before defaults.

mod auth;
mod kafka;
mod logs;
mod points;
mod role;
mod services;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Empty, Uncased, UncasedStr, Value};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use traveladvisor_domain::context::Context;

pub use self::auth::{Auth, AuthError, Trusted};
pub use self::kafka::{Kafka, KafkaError, Outbox};
pub use self::logs::{LogPlace, Logs, LogsError, READ};
pub use self::points::{Points, PointsError};
pub use self::role::{NoRole, Role};
pub use self::services::{SERVICE_URLS_MAX, Services, ServicesError};
use crate::clock::parse_instant;
use crate::telemetry::{DEFAULT_FILTER, LogFormat};

/// The file that is read when none is named, if it is there.
const DEFAULT_FILE: &str = "traveladvisor.toml";
/// What every environment variable of the program begins with.
const PREFIX: &str = "TRAVELADVISOR_";
/// Variables with the prefix that are no settings: the log filter is read by telemetry.
const NOT_SETTINGS: [&str; 1] = ["log"];
/// What the variables of a table begin with behind the prefix, and the table: `TRAVELADVISOR_AUTH_ISSUER` is `auth.issuer`. The first that
/// fits counts.
const TABLES: [(&str, &str); 12] = [
    ("auth_", "auth"),
    ("kafka_", "kafka"),
    ("limits_", "limits"),
    ("logs_hotel_", "logs.hotel"),
    ("logs_flight_", "logs.flight"),
    ("logs_car_", "logs.car"),
    ("logs_payment_", "logs.payment"),
    ("logs_member_", "logs.member"),
    ("logs_read_", "logs.read"),
    ("points_rates_", "points.rates"),
    ("points_", "points"),
    ("services_", "services"),
];
/// Where the program keeps what it has unless told otherwise.
pub const DEFAULT_DATA_DIR: &str = ".traveladvisor";

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
    #[serde(default, deserialize_with = "or_default")]
    pub mode: Mode,
    /// A Postgres server (15 or later) and database; without it the program runs its own.
    #[serde(default, deserialize_with = "secret")]
    pub database_url: Option<SecretString>,
    /// Where the program keeps what it has.
    #[serde(default = "default_data_dir", deserialize_with = "data_dir")]
    pub data_dir: PathBuf,
    /// Address and port of the HTTP server; see [`Config::listens_on`].
    #[serde(default, deserialize_with = "unless_empty")]
    listen: Option<SocketAddr>,
    /// What this process does; none named: everything.
    #[serde(default, deserialize_with = "role::roles")]
    pub roles: Vec<Role>,
    /// Where the logs are.
    #[serde(default)]
    pub logs: Logs,
    /// The broker between logs.
    #[serde(default)]
    pub kafka: Kafka,
    /// Where the processes of the other roles are.
    #[serde(default)]
    pub services: Services,
    /// A directory with `initdb` and `postgres` for the private server.
    #[serde(default, deserialize_with = "unless_empty")]
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
    #[serde(default = "default_log_level", deserialize_with = "log_level")]
    pub log_level: String,
    /// How log lines look.
    #[serde(default, deserialize_with = "or_default")]
    pub log_format: LogFormat,
    /// What callers may ask for.
    #[serde(default)]
    pub limits: Limits,
    /// What points are worth.
    #[serde(default)]
    pub points: Points,
}

/// What callers may ask for: the table `limits` of the file, `TRAVELADVISOR_LIMITS_…` in the environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// What the operations of one caller may cost in a minute; without it a default that suits the mode.
    #[serde(default, deserialize_with = "unless_empty")]
    pub cost_per_minute: Option<NonZeroU32>,
    /// Whether all processes on a log count together, in its database.
    #[serde(default, deserialize_with = "or_default")]
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
    /// See [`Config::listens_on`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// See [`Config::postgres_bin`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres_bin: Option<PathBuf>,
    /// See [`Config::clock`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<DateTime<Utc>>,
    /// See [`Config::roles`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
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
    /// A role was given twice.
    #[error("the role {0} is named twice: name each once, and start another process to have it twice")]
    RoleTwice(Role),
    /// Where the logs are makes no sense.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// The broker's settings make no sense.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// The processes of the other roles cannot be asked.
    #[error(transparent)]
    Services(#[from] ServicesError),
    /// Points would be worth nothing, or everything.
    #[error(transparent)]
    Points(#[from] PointsError),
    /// Nobody would be asked who they are.
    #[error(
        "cannot listen on {0}: without an identity provider (auth.issuer) only a loopback address such as 127.0.0.1:{port} is \
         allowed",
        port = .0.port()
    )]
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
        let empty_places = empty_places();
        let empty_places: Vec<&str> = empty_places.iter().map(String::as_str).collect();
        let config: Self = figment
            .merge(Env::raw().only(&["DATABASE_URL"]))
            .merge(Env::prefixed(PREFIX).ignore(&NOT_SETTINGS).ignore(&empty_places).map(in_its_table))
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
        let listen = self.listens_on();
        if trusted.is_none() && !listen.ip().is_loopback() {
            return Err(ConfigError::NotLoopback(listen));
        }
        self.points.terms()?;
        self.check_roles()?;
        let is_guarded = trusted.is_some() || !listen.ip().is_loopback();
        if is_guarded { self.check_token() } else { Ok(()) }
    }

    /// Checks what the process does against where everything is.
    fn check_roles(&self) -> Result<(), ConfigError> {
        if let Some((_, twice)) = self.roles.iter().enumerate().find(|(at, role)| self.roles[..*at].contains(role)) {
            return Err(ConfigError::RoleTwice(*twice));
        }
        self.logs.check(self.database_url.as_ref())?;
        self.kafka.check(self.logs.own().next().map(Context::as_str))?;
        self.services.check()?;
        if self.roles.is_empty() {
            return Ok(());
        }
        if self.has(Role::Api)
            && let Some(role) = Role::ALL.into_iter().find(|role| self.is_out_of_reach(*role))
        {
            return Err(ServicesError::Nobody(role.as_str(), role.port()).into());
        }
        Ok(())
    }

    /// Checks that other processes can tell who hands a command over.
    fn check_token(&self) -> Result<(), ConfigError> {
        if !self.roles.is_empty() && self.services.token.is_none() && self.crosses_processes() {
            return Err(ServicesError::NoToken.into());
        }
        Ok(())
    }

    /// Whether callers' commands to this role go neither here nor elsewhere. Nobody commands payments.
    fn is_out_of_reach(&self, role: Role) -> bool {
        let Some(context) = role.context().filter(|context| *context != Context::Payment) else { return false };
        !self.decides(context) && self.services.of(context).is_empty()
    }

    /// Whether commands come from another process, or go to one.
    fn crosses_processes(&self) -> bool {
        let takes = self.roles.iter().any(|role| role.context().is_some());
        takes || Context::ALL.into_iter().any(|context| self.has(Role::Api) && !self.decides(context))
    }

    /// Whether this process has a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.is_empty() || self.roles.contains(&role)
    }

    /// Whether this process decides on the commands of a context: it has the role of one that shares its log.
    pub fn decides(&self, context: Context) -> bool {
        let log = self.logs.of(context);
        Role::ALL.into_iter().any(|role| self.has(role) && role.context().is_some_and(|of| self.logs.of(of) == log))
    }

    /// Address and port of the HTTP server: unless given, this machine and the port of the first role.
    pub fn listens_on(&self) -> SocketAddr {
        let port = self.roles.first().copied().unwrap_or(Role::Api).port();
        self.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
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

/// Variables of logs' places that are empty, without the prefix. Their table alone would make a log.
fn empty_places() -> Vec<String> {
    let variables = std::env::vars_os().filter(|(_, value)| value.is_empty());
    let names = variables.filter_map(|(name, _)| name.into_string().ok());
    let keys =
        names.filter_map(|name| Some(name.to_ascii_lowercase().strip_prefix(&PREFIX.to_ascii_lowercase())?.to_owned()));
    keys.filter(|key| key.starts_with("logs_")).collect()
}

fn default_data_dir() -> PathBuf {
    PathBuf::from(DEFAULT_DATA_DIR)
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
    let text = filled(deserializer)?;
    text.map(|text| parse_instant(&text).map_err(serde::de::Error::custom)).transpose()
}

/// The same for what is no text.
fn unless_empty<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    match <Value as Deserialize>::deserialize(deserializer)? {
        Value::String(_, text) if text.is_empty() => Ok(None),
        Value::Empty(_, Empty::None) => Ok(None),
        value => value.deserialize().map(Some).map_err(|error| serde::de::Error::custom(error.kind)),
    }
}

/// The same for what has a default of its type.
fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(unless_empty(deserializer)?.unwrap_or_default())
}

fn data_dir<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    Ok(unless_empty(deserializer)?.unwrap_or_else(default_data_dir))
}

fn log_level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(filled(deserializer)?.unwrap_or_else(default_log_level))
}

#[cfg(test)]
mod tests;
