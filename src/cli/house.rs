//! The one place that opens the house: settings, server, pool, schema, log.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use traveladvisor_commands::engine::Ports;
use traveladvisor_infra::clock::{Clock, RandomIds, SandboxClock, SystemClock};
use traveladvisor_infra::config::{Config, Mode};
use traveladvisor_infra::event_log::{EventLog, RELAY};
use traveladvisor_infra::postgres::{self, MigrationOutcome, PgConnectOptions, SCHEMA_VERSION};
use traveladvisor_infra::private_server::{Durability, PrivateServer, ServerOptions};

use super::failure::Failure;
use super::gateway::gateway;
use super::signals::unless_stopped;

/// The log's name, that of the schema it lives in (L7), until the server has been asked.
const LOG_NAME: &str = "public";

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
    /// The log.
    pub(crate) log: EventLog,
    /// What was done about the schema, if anything was.
    pub(crate) migration: Option<MigrationOutcome>,
    clock: Arc<dyn Clock>,
    server: Option<PrivateServer>,
}

impl House {
    /// Opens what the settings describe.
    pub(crate) async fn open(config: Config, schema: Schema) -> Result<Self, Failure> {
        let server = match &config.database_url {
            Some(_) => None,
            None => Some(private_server(&config, schema).await?),
        };
        let options = match (&server, &config.database_url) {
            (Some(server), _) => server.connect_options(),
            (None, url) => address(url.as_ref().map_or("", |url| url.expose_secret()))?,
        };
        let pool = postgres::pool(options);
        let log = EventLog::new(LOG_NAME, pool);
        let clock = clock_from(config.clock);
        let mut house = Self { config, log, migration: None, clock, server };
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

    async fn prepare(&mut self, schema: Schema) -> Result<Option<MigrationOutcome>, Failure> {
        if schema != Schema::Ignore {
            let pool = self.log.pool().clone();
            self.log = EventLog::new(&postgres::schema_name(&pool).await?, pool);
        }
        match schema {
            Schema::Ignore => Ok(None),
            Schema::Migrate => {
                if let Some(reason) = postgres::condition(self.log.pool()).await?.unfit() {
                    return Err(Failure::failed(reason));
                }
                Ok(Some(unless_stopped(async { Ok(postgres::migrate(self.log.pool()).await?) }).await?))
            }
            Schema::Expect => {
                let found = postgres::schema_version(self.log.pool()).await;
                match found.map_err(traveladvisor_infra::event_log::LogError::from)? {
                    Some(SCHEMA_VERSION) => Ok(None),
                    Some(other) => Err(Failure::failed(format!(
                        "the database has schema version {other}, this program works with {SCHEMA_VERSION}: run `traveladvisor migrate`"
                    ))),
                    None => Err(no_schema()),
                }
            }
        }
    }

    /// Where the sandbox's clock starts: where it is told to, or where that of another process is now, or where it had come to when the log
    /// was left. Started anew it would keep retries waiting for as long as the former process had run.
    async fn sandbox_start(&self, schema: Schema) -> Result<Option<DateTime<Utc>>, Failure> {
        let Some(start) = self.config.clock.filter(|_| schema == Schema::Migrate) else { return Ok(self.config.clock) };
        let told = [self.log.program_time().await?, self.log.last_occurred_at().await?];
        let is_of_this_clock = |told_at: &DateTime<Utc>| (start..start + SANDBOX_RESUME_MAX).contains(told_at);
        Ok(Some(told.into_iter().flatten().filter(is_of_this_clock).max().unwrap_or(start)))
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

    /// What the engine needs of the outside.
    pub(crate) fn ports(&self) -> Result<Ports, Failure> {
        let gateway = gateway(&self.config, &self.log)?;
        Ok(Ports { clock: self.clock(), ids: Arc::new(RandomIds), gateway })
    }

    /// The private server, if the house runs on one.
    pub(crate) const fn server(&self) -> Option<&PrivateServer> {
        self.server.as_ref()
    }

    /// Closes everything in order: connections first, then the server, if nobody else uses it.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        if tokio::time::timeout(CLOSE_LIMIT, self.log.pool().close()).await.is_err() {
            tracing::warn!("the database does not answer: its connections are left as they are");
        }
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }
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

fn address(url: &str) -> Result<PgConnectOptions, Failure> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(no_address());
    }
    url.parse().map_err(|_| no_address())
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
