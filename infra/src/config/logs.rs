//! Where the logs are, if not all in one (L7).

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use traveladvisor_domain::context::Context;

use super::{filled, secret};

/// Longest name of a log's schema, in bytes: the names of schemas beside it are longer.
const SCHEMA_BYTES_MAX: usize = 48;
/// Where the log of bookings is unless `DATABASE_URL` says otherwise: no place for another one in the same database.
const MAIN_SCHEMA: &str = "public";
/// The name of the read log, in settings and options.
pub const READ: &str = "read";

/// The table `[logs]`. Nothing in it means one log for everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logs {
    /// Hotels have a log of their own.
    pub hotel: Option<LogPlace>,
    /// Flights have.
    pub flight: Option<LogPlace>,
    /// Cars have.
    pub car: Option<LogPlace>,
    /// Payments have.
    pub payment: Option<LogPlace>,
    /// Members have.
    pub member: Option<LogPlace>,
    /// The log of which read models are made where there are several.
    pub read: Option<LogPlace>,
}

/// Where a log is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogPlace {
    /// Its schema; without it the name of the context.
    #[serde(deserialize_with = "filled")]
    pub schema: Option<String>,
    /// Its server and database; without it those of everything else.
    #[serde(deserialize_with = "secret")]
    pub url: Option<SecretString>,
}

/// Why the table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogsError {
    /// No name that a schema can have.
    #[error(
        "logs.{0}.schema is no name of a schema: use small letters, digits and _, beginning with a letter, {SCHEMA_BYTES_MAX} at most"
    )]
    Schema(&'static str),
    /// Their events would mix.
    #[error("logs.{0} and logs.{1} are the same schema of the same database: give each a schema of its own")]
    Same(&'static str, &'static str),
    /// So would those of bookings and of this one.
    #[error(
        "logs.{0} is the schema `{MAIN_SCHEMA}` of DATABASE_URL, where the log of bookings is: give it a schema of its own"
    )]
    Main(&'static str),
    /// Nobody could read what has happened.
    #[error(
        "logs.{0} is a log of its own, and there is none to make read models of: add [logs.read], for example with schema = \"read_models\""
    )]
    NoRead(&'static str),
    /// It would stay empty.
    #[error(
        "logs.read is for contexts with logs of their own, and there are none: remove it, or add one such as [logs.hotel]"
    )]
    NothingToRead,
}

impl Logs {
    /// The contexts that have a log of their own.
    pub fn own(&self) -> impl Iterator<Item = Context> {
        Context::ALL.into_iter().filter(|context| self.place(*context).is_some())
    }

    /// Whether there are several.
    pub fn are_several(&self) -> bool {
        self.own().next().is_some()
    }

    /// Whose log holds the streams of a context: its own, or that of bookings, which everybody else shares.
    pub const fn of(&self, context: Context) -> Context {
        if self.place(context).is_some() { context } else { Context::Booking }
    }

    /// Where a context's own log is.
    pub const fn place(&self, context: Context) -> Option<&LogPlace> {
        match context {
            Context::Booking => None,
            Context::Hotel => self.hotel.as_ref(),
            Context::Flight => self.flight.as_ref(),
            Context::Car => self.car.as_ref(),
            Context::Payment => self.payment.as_ref(),
            Context::Member => self.member.as_ref(),
        }
    }

    /// All that are given, by name.
    fn given(&self) -> impl Iterator<Item = (&'static str, &LogPlace)> {
        let own = Context::ALL.into_iter().filter_map(|context| Some((context.as_str(), self.place(context)?)));
        own.chain(self.read.as_ref().map(|read| (READ, read)))
    }

    /// Checks what can be told without a server; `main` is the address of the log of bookings.
    ///
    /// # Errors
    ///
    /// See [`LogsError`].
    pub fn check(&self, main: Option<&SecretString>) -> Result<(), LogsError> {
        let main = main.map(ExposeSecret::expose_secret);
        let given: Vec<_> = self.given().collect();
        for (at, (name, place)) in given.iter().enumerate() {
            if !is_schema(place.schema(name)) {
                return Err(LogsError::Schema(name));
            }
            let (schema, server) = (place.schema(name), place.server(main));
            if schema == MAIN_SCHEMA && server.is_none() {
                return Err(LogsError::Main(name));
            }
            let is_here = |(other, there): &&(&'static str, &LogPlace)| {
                there.schema(other) == schema && there.server(main) == server
            };
            if let Some((other, _)) = given[..at].iter().find(is_here) {
                return Err(LogsError::Same(other, name));
            }
        }
        match (self.own().next(), &self.read) {
            (Some(own), None) => Err(LogsError::NoRead(own.as_str())),
            (None, Some(_)) => Err(LogsError::NothingToRead),
            _ => Ok(()),
        }
    }
}

impl LogPlace {
    /// The schema of the log that has this name.
    pub fn schema<'a>(&'a self, name: &'a str) -> &'a str {
        self.schema.as_deref().unwrap_or(name)
    }

    /// Its address; none where that is the log of bookings' as well.
    fn server(&self, main: Option<&str>) -> Option<&str> {
        self.url.as_ref().map(ExposeSecret::expose_secret).filter(|url| Some(*url) != main)
    }
}

fn is_schema(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= SCHEMA_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.starts_with("pg_")
        && name.bytes().all(rest)
}
