//! The one place that opens the house: settings, server, pool, schema, log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use futures::future::join_all;
use secrecy::ExposeSecret;
use traveladvisor_commands::engine::Ports;
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_domain::id::StreamKind;
use traveladvisor_infra::clock::{Clock, RandomIds, SandboxClock, SystemClock};
use traveladvisor_infra::config::{Config, Mode};
use traveladvisor_infra::event_log::{EventLog, LogError, RELAY};
use traveladvisor_infra::postgres::{self, MigrationOutcome, SCHEMA_VERSION};
use traveladvisor_infra::private_server::{Durability, PrivateServer, ServerOptions};

use super::failure::Failure;
use super::gateway::gateway;
use super::logs::{LogName, address};
use super::signals::unless_stopped;

/// Where the sandbox's clock starts for the demo and for imports unless told otherwise: a month before the departures of the reference
/// catalogue. What was listed on a later day could not be booked for these departures any more.
pub(crate) const SANDBOX_START: DateTime<Utc> =
    NaiveDate::from_ymd_opt(2024, 12, 1).expect("a date of the calendar").and_time(NaiveTime::MIN).and_utc();

/// A log that was left at a later time than this after the start was written on another clock, which is not taken up.
const SANDBOX_RESUME_MAX: TimeDelta = TimeDelta::days(14);

/// A clock that is further than this from the machine's is a sandbox's own.
const SANDBOX_APART_MIN: TimeDelta = TimeDelta::minutes(1);

/// How long connections may take to close: a server that says nothing would keep them open for ever.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// What is to be done about the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Create or upgrade it.
    Migrate,
    /// It must be there and of today's version.
    Expect,
    /// Look at nothing.
    Ignore,
}

/// An open house. [`House::close`] it before the program ends.
pub(crate) struct House {
    /// The settings.
    pub(crate) config: Config,
    /// The log; the first where several are open.
    pub(crate) log: EventLog,
    logs: Vec<(LogName, EventLog)>,
    /// What was done about the schema, if anything was.
    pub(crate) migration: Option<MigrationOutcome>,
    clock: Arc<dyn Clock>,
    server: Option<PrivateServer>,
}

impl House {
    /// Opens these logs of what the settings describe.
    pub(crate) async fn open(config: Config, schema: Schema, wanted: &[LogName]) -> Result<Self, Failure> {
        let server = match &config.database_url {
            Some(_) => None,
            None => Some(private_server(&config, schema).await?),
        };
        let options = match (&server, &config.database_url) {
            (Some(server), _) => server.connect_options(),
            (None, url) => address(url.as_ref().map_or("", |url| url.expose_secret())).ok_or_else(no_address)?,
        };
        let logs: Vec<_> =
            wanted.iter().map(|name| Ok((*name, name.open(&config, &options)?))).collect::<Result<_, Failure>>()?;
        let Some((_, log)) = logs.first().cloned() else { return Err(Failure::failed("no log is needed")) };
        let clock = clock_from(config.clock);
        let mut house = Self { config, log, logs, migration: None, clock, server };
        match house.prepare(schema).await {
            Ok(migration) => {
                house.migration = migration;
                house.clock = clock_from(house.sandbox_start(schema).await?);
                Ok(house)
            }
            Err(failure) => {
                house.close().await?;
                Err(failure)
            }
        }
    }

    /// Prepares each log; the first one's migration is told.
    async fn prepare(&mut self, schema: Schema) -> Result<Option<MigrationOutcome>, Failure> {
        if schema == Schema::Ignore {
            return Ok(None);
        }
        let mut told = None;
        for (name, log) in &mut self.logs {
            let made = name.schema(&self.config);
            if made.is_none() {
                // Part of the ids of its messages (L7).
                let pool = log.pool().clone();
                *log = EventLog::new(&postgres::schema_name(&pool).await?, pool);
            }
            told = told.or(prepared(log, schema, made).await?);
            if let Some(contexts) = name.contexts(&self.config) {
                holds_only(log, contexts).await?;
            }
        }
        if let Some((_, first)) = self.logs.first() {
            self.log = first.clone();
        }
        let names: BTreeSet<&str> = self.logs.iter().map(|(_, log)| log.name()).collect();
        if names.len() < self.logs.len() {
            return Err(Failure::usage(
                "two logs would have one name: the schema of DATABASE_URL is named like a context or `read`; use another one",
            ));
        }
        Ok(told)
    }

    /// An open log.
    pub(crate) fn log_named(&self, name: LogName) -> Result<&EventLog, Failure> {
        let found = self.logs.iter().find(|(open, _)| *open == name);
        found
            .map(|(_, log)| log)
            .ok_or_else(|| Failure::failed(format!("the log `{name}` is not open in this process")))
    }

    /// The logs that are open, with their names.
    pub(crate) fn logs(&self) -> &[(LogName, EventLog)] {
        &self.logs
    }

    /// Where the sandbox's clock starts: where it is told to, or where that of another process is now, or where it had come to when the log
    /// was left. Started anew it would keep retries waiting for as long as the former process had run.
    async fn sandbox_start(&self, schema: Schema) -> Result<Option<DateTime<Utc>>, Failure> {
        let Some(start) = self.config.clock.filter(|_| schema == Schema::Migrate) else { return Ok(self.config.clock) };
        let is_of_this_clock = |told_at: &DateTime<Utc>| (start..start + SANDBOX_RESUME_MAX).contains(told_at);
        let mut latest = start;
        for (_, log) in &self.logs {
            let told = [log.program_time().await?, log.last_occurred_at().await?];
            latest = told.into_iter().flatten().filter(is_of_this_clock).chain([latest]).max().unwrap_or(latest);
        }
        Ok(Some(latest))
    }

    /// Takes up the log's own time, unless the settings name one: that of the process which delivers, or when there is none, where the log
    /// was left. A sandbox's clock may be far from this machine's; what is dated by the wrong one is due at once, or never.
    pub(crate) async fn follow_the_logs_clock(&mut self) -> Result<(), Failure> {
        if self.config.mode == Mode::Production || self.config.clock.is_some() {
            return Ok(());
        }
        let is_delivering = self.log.owners().await?.iter().any(|owner| owner.name == RELAY && owner.held.is_some());
        let (told, apart_min) = if is_delivering {
            (self.log.program_time().await?, SANDBOX_APART_MIN)
        } else {
            (self.log.last_occurred_at().await?, SANDBOX_RESUME_MAX)
        };
        let now = SystemClock.now();
        if let Some(told) = told.filter(|told| (now - *told).abs() > apart_min) {
            self.clock = clock_from(Some(told));
        }
        Ok(())
    }

    /// The clock that the settings ask for.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// What the engine of a log needs of the outside.
    pub(crate) fn ports(&self, log: &EventLog) -> Result<Ports, Failure> {
        let gateway = gateway(&self.config, log)?;
        let terms = Arc::new(self.config.points.terms().map_err(|error| Failure::usage(error.to_string()))?);
        Ok(Ports { clock: self.clock(), ids: Arc::new(RandomIds), gateway, terms })
    }

    /// The private server, if the house runs on one.
    pub(crate) const fn server(&self) -> Option<&PrivateServer> {
        self.server.as_ref()
    }

    /// Closes everything in order: connections first, then the server, if nobody else uses it.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let closed = join_all(self.logs.iter().map(|(_, log)| log.pool().close()));
        if tokio::time::timeout(CLOSE_LIMIT, closed).await.is_err() {
            tracing::warn!("the database does not answer: its connections are left as they are");
        }
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }
}

/// An error when streams stand in a log that the settings have elsewhere by now: there they would be begun anew, so that rooms are sold twice
/// and refunds find no payment.
async fn holds_only(log: &EventLog, contexts: Contexts) -> Result<(), Failure> {
    let foreign: Vec<StreamKind> = StreamKind::ALL.into_iter().filter(|kind| !contexts.holds(*kind)).collect();
    if foreign.is_empty() {
        return Ok(());
    }
    let Some(kind) = log.kinds_among(&foreign).await?.first().copied() else { return Ok(()) };
    let context = kind.context().map_or("", Context::as_str);
    Err(Failure::usage(format!(
        "the log `{}` has streams of the kind `{}`, which the settings put into a log of its own (logs.{context}): what stands there would be \
         begun anew elsewhere; a log that was used is not split, so take logs.{context} out of the settings, or begin with empty logs",
        log.name(),
        kind.as_str()
    )))
}

/// Whether there is a server of the user's, or something was made in the data directory before.
pub(crate) fn is_begun(config: &Config) -> bool {
    config.database_url.is_some() || config.data_dir.join("postgres").exists()
}

fn clock_from(start: Option<DateTime<Utc>>) -> Arc<dyn Clock> {
    match start {
        Some(start) => Arc::new(SandboxClock::starting_at(start)),
        None => Arc::new(SystemClock),
    }
}

async fn private_server(config: &Config, schema: Schema) -> Result<PrivateServer, Failure> {
    // Whoever only wants to read should not get a database made in the wrong directory.
    if schema == Schema::Expect && !is_begun(config) {
        return Err(no_schema());
    }
    let options = server_options(config);
    unless_stopped(async { Ok(PrivateServer::start_or_attach(&options).await?) }).await
}

/// Makes the schema of a log, or looks at it.
async fn prepared(log: &EventLog, schema: Schema, made: Option<&str>) -> Result<Option<MigrationOutcome>, Failure> {
    match schema {
        Schema::Ignore => Ok(None),
        Schema::Migrate => {
            if let Some(reason) = postgres::condition(log.pool()).await?.unfit() {
                return Err(Failure::failed(reason));
            }
            Ok(Some(unless_stopped(async { Ok(postgres::migrate_in(log.pool(), made).await?) }).await?))
        }
        Schema::Expect => match postgres::schema_version(log.pool()).await.map_err(LogError::from)? {
            Some(SCHEMA_VERSION) => Ok(None),
            Some(other) => Err(Failure::failed(format!(
                "the database has schema version {other}, this program works with {SCHEMA_VERSION}: run `traveladvisor migrate`"
            ))),
            None => Err(no_schema()),
        },
    }
}

/// What the private server of these settings is started with.
pub(crate) fn server_options(config: &Config) -> ServerOptions {
    ServerOptions {
        data_dir: config.data_dir.clone(),
        postgres_bin: config.postgres_bin.clone(),
        durability: Durability::Durable,
    }
}

fn no_address() -> Failure {
    Failure::usage("DATABASE_URL is no Postgres address; write postgres://user:password@host:5432/database")
}

fn no_schema() -> Failure {
    Failure::failed("there is no database here yet: run `traveladvisor migrate`, or name the right --data-dir")
}
