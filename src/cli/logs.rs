//! The logs of an installation, by name, and where they are.

use std::fmt;
use std::str::FromStr;

use secrecy::ExposeSecret;
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_infra::config::{Config, LogPlace, READ, Role};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::postgres::{
    self, CONNECTIONS_MAX, FOREIGN_CONNECTIONS_MAX, PgConnectOptions, ROLE_CONNECTIONS_MAX,
};

use super::failure::Failure;
use super::print::Printer;

/// One log of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogName {
    /// Of a context that has one of its own; that of bookings is everybody else's.
    Of(Context),
    /// Of which read models are made, where there are several.
    Read,
}

impl LogName {
    /// The log of bookings, and of all that have none of their own.
    pub(crate) const MAIN: Self = Self::Of(Context::Booking);

    /// Its name, as options and positions have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Of(context) => context.as_str(),
            Self::Read => READ,
        }
    }

    /// The log of which read models are made.
    pub(crate) fn read(config: &Config) -> Self {
        if config.logs.are_several() { Self::Read } else { Self::MAIN }
    }

    /// All logs that are written by those who decide, that of bookings first.
    pub(crate) fn decided(config: &Config) -> Vec<Self> {
        std::iter::once(Self::MAIN).chain(config.logs.own().map(Self::Of)).collect()
    }

    /// All logs.
    pub(crate) fn all(config: &Config) -> Vec<Self> {
        let mut all = Self::decided(config);
        all.extend(config.logs.are_several().then_some(Self::Read));
        all
    }

    /// The logs that a process needs for its roles. A server that is away is nobody's trouble but of those who need it.
    pub(crate) fn of_roles(config: &Config) -> Vec<Self> {
        let needed = |name: &Self| match name {
            _ if config.has(Role::Relay) || config.has(Role::Projections) => true,
            // Whose a trip is stands there before it is gathered.
            Self::Of(Context::Booking) => config.has(Role::Api) || config.decides(Context::Booking),
            Self::Of(context) => config.decides(*context),
            Self::Read => true,
        };
        let reads = Self::read(config);
        Self::all(config).into_iter().filter(|name| needed(name) || *name == reads).collect()
    }

    /// The log that an option asks for. Who asks for none is told that there are others.
    pub(crate) fn asked(config: &Config, name: Option<Self>, printer: Printer) -> Result<Self, Failure> {
        let all = Self::all(config);
        let Some(name) = name else {
            if all.len() > 1 {
                let others: Vec<&str> = all[1..].iter().map(|name| name.as_str()).collect();
                printer.hint(format!("This is the log of bookings. --log NAME is another one: {}.", others.join(", ")));
            }
            return Ok(Self::MAIN);
        };
        if all.contains(&name) {
            return Ok(name);
        }
        let known: Vec<&str> = all.iter().map(|name| name.as_str()).collect();
        Err(Failure::usage(format!("there is no log `{name}` of its own in the settings: use {}", known.join(", "))))
    }

    /// Whose events are decided on in it; nobody's where it is a copy.
    pub(crate) fn contexts(self, config: &Config) -> Option<Contexts> {
        let Self::Of(log) = self else { return None };
        Some(Context::ALL.into_iter().filter(|context| config.logs.of(*context) == log).collect())
    }

    fn place(self, config: &Config) -> Option<&LogPlace> {
        match self {
            Self::Of(context) => config.logs.place(context),
            Self::Read => config.logs.read.as_ref(),
        }
    }

    /// Its schema, if the settings say where it is.
    pub(crate) fn schema(self, config: &Config) -> Option<&str> {
        self.place(config).map(|place| place.schema(self.as_str()))
    }

    /// The log. Nothing is asked yet. `main` is the server of everything that is not said to be elsewhere.
    pub(crate) fn open(self, config: &Config, main: &PgConnectOptions) -> Result<EventLog, Failure> {
        let url = self.place(config).and_then(|place| place.url.as_ref());
        let server = match url {
            Some(url) => address(url.expose_secret()).ok_or_else(|| self.no_address())?,
            None => main.clone(),
        };
        let options = match self.schema(config) {
            Some(schema) => postgres::in_schema(server, schema),
            None => server,
        };
        Ok(EventLog::new(self.as_str(), postgres::pool_of(options, self.connections_max(config))))
    }

    /// Most connections of its pool. Who reads for everybody has as many as a process that does everything.
    fn connections_max(self, config: &Config) -> u32 {
        let reads_for_all = config.has(Role::Api) || config.has(Role::Projections);
        match self {
            _ if config.roles.is_empty() => CONNECTIONS_MAX,
            _ if self == Self::read(config) => {
                if reads_for_all {
                    CONNECTIONS_MAX
                } else {
                    ROLE_CONNECTIONS_MAX
                }
            }
            Self::Of(context) if config.decides(context) || config.has(Role::Api) => ROLE_CONNECTIONS_MAX,
            _ => FOREIGN_CONNECTIONS_MAX,
        }
    }

    fn no_address(self) -> Failure {
        Failure::usage(format!(
            "logs.{self}.url is no Postgres address; write postgres://user:password@host:5432/database"
        ))
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let of = |_| "no log of that name: use booking, hotel, flight, car, payment, member or read".to_owned();
        if text == READ { Ok(Self::Read) } else { text.parse().map(Self::Of).map_err(of) }
    }
}

/// A server and database by their address.
pub(crate) fn address(url: &str) -> Option<PgConnectOptions> {
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if is_postgres { url.parse().ok() } else { None }
}
