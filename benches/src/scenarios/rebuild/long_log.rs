//! The log that is rebuilt from.

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use traveladvisor_infra::event_log::EventLog;

use crate::Outcome;
use crate::database;
use crate::report::progress;
use crate::scenarios::fill::{Teller, skip_messages};
use crate::server::BenchServer;
use crate::sides::course::Course;

/// Trips of the log: half of them cost nothing, of those by card a fifth are declined at the last step and taken back.
const COURSES: [Course; 2] = [Course::Unpaid, Course::Card { fail_percent: 20 }];

/// A log in a database of its own that grows while nothing is measured.
pub(super) struct LongLog<'a> {
    server: &'a BenchServer,
    name: String,
    teller: Teller,
}

impl<'a> LongLog<'a> {
    /// With the trips that are told again, and no more.
    pub(super) async fn open(server: &'a BenchServer, name: &str) -> Outcome<Self> {
        let log = database::own(server, name).await?;
        let teller = Teller::open(&log, &COURSES).await?;
        log.pool().close().await;
        Ok(Self { server, name: name.to_owned(), teller })
    }

    /// Fills it until it has so many events. All messages of these have been delivered, and no read model has any of them.
    pub(super) async fn fill(&mut self, events: u64) -> Outcome<()> {
        progress(&format!("rebuild, filling a log with {events} events"));
        let log = self.connect();
        self.teller.fill(&log, events).await?;
        skip_messages(&log).await?;
        log.pool().close().await;
        Ok(())
    }

    /// The same log in a further database.
    pub(super) async fn copy(&self, name: &str) -> Outcome<EventLog> {
        self.server.left_alone(&self.name).await?;
        let copy = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{}\" STRATEGY file_copy", self.name);
        sqlx::raw_sql(&copy).execute(&self.server.observer).await?;
        Ok(database::open(self.server.connect_options(name)))
    }

    pub(super) fn connect(&self) -> EventLog {
        database::open(self.connect_options())
    }

    pub(super) fn connect_options(&self) -> PgConnectOptions {
        self.server.connect_options(&self.name)
    }

    /// As the program is told it.
    pub(super) fn url(&self) -> String {
        self.connect_options().to_url_lossy().to_string()
    }

    pub(super) const fn server(&self) -> &BenchServer {
        self.server
    }
}
