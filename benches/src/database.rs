//! Databases: each side has its own.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use traveladvisor_commands::Engine;
use traveladvisor_commands::engine::{Delivery, Ports, RunningEngine};
use traveladvisor_infra::clock::{Clock, RandomIds, SandboxClock};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::gateway::{PaymentGateway, SandboxGateway};
use traveladvisor_infra::postgres;

use crate::Outcome;
use crate::server::BenchServer;
use crate::sides::course::Cards;

/// A table of events and one of snapshots as postgres-es makes them: also the floor's and the ceiling's.
const PEER_TABLES: &str = "
    CREATE TABLE events (
        aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint CHECK (sequence >= 0) NOT NULL,
        event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence));
    CREATE TABLE snapshots (
        aggregate_type text NOT NULL, aggregate_id text NOT NULL, last_sequence bigint CHECK (last_sequence >= 0) NOT NULL,
        current_snapshot bigint CHECK (current_snapshot >= 0) NOT NULL, payload json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, last_sequence));";

/// The sandbox's card that pays.
const CARD_PAYS: &str = "4242424242424242";
/// The sandbox's card that is declined.
const CARD_DECLINED: &str = "4000000000000002";

/// The program's time when a bench begins.
pub(crate) fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_733_011_200, 0).unwrap_or_default()
}

/// A new database with the tables of postgres-es, and a pool of `connections`.
pub(crate) async fn peer(server: &BenchServer, name: &str, connections: u32) -> Outcome<PgPool> {
    create(server, name).await?;
    let options = server.connect_options(name).disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(postgres::ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    sqlx::raw_sql(PEER_TABLES).execute(&pool).await?;
    Ok(pool)
}

/// Our log, as the program opens it, in a new database.
pub(crate) async fn own(server: &BenchServer, name: &str) -> Outcome<EventLog> {
    create(server, name).await?;
    for setting in &server.settings {
        sqlx::raw_sql(&format!("ALTER DATABASE \"{name}\" SET {setting}")).execute(&server.observer).await?;
    }
    let log = open(server.connect_options(name));
    postgres::migrate(log.pool()).await?;
    Ok(log)
}

/// An empty database; gives how to reach it.
pub(crate) async fn empty(server: &BenchServer, name: &str) -> Outcome<PgConnectOptions> {
    create(server, name).await?;
    Ok(server.connect_options(name))
}

/// Our log in a database that holds it already.
pub(crate) fn open(options: PgConnectOptions) -> EventLog {
    EventLog::new("public", postgres::pool(options))
}

/// The engine of a log, as the program starts it, with the program's time starting at `from`.
pub(crate) async fn engine(log: &EventLog, from: DateTime<Utc>) -> Outcome<(Engine, RunningEngine)> {
    let clock: Arc<dyn Clock> = Arc::new(SandboxClock::starting_at(from));
    let ports = Ports { clock, ids: Arc::new(RandomIds), gateway: Arc::new(gateway(log)), terms: Arc::default() };
    Ok(Engine::start(log.clone(), ports, Delivery::Here).await?)
}

/// The cards of trips, exchanged as the edge does it.
pub(crate) async fn cards(log: &EventLog) -> Outcome<Cards> {
    let gateway = gateway(log);
    let pays = gateway.tokenise(&CARD_PAYS.into()).await?;
    let declined = gateway.tokenise(&CARD_DECLINED.into()).await?;
    Ok(Cards { pays, declined })
}

/// The gateway inside this process, its ledger beside the log.
fn gateway(log: &EventLog) -> SandboxGateway {
    SandboxGateway::new(log.pool().clone())
}

async fn create(server: &BenchServer, name: &str) -> Outcome<()> {
    sqlx::raw_sql(&format!("CREATE DATABASE \"{name}\"")).execute(&server.observer).await?;
    Ok(())
}
