//! Creating and upgrading the schema. `schema.sql` is the whole of it; a test holds the migrations against it.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, PgPool};

use crate::event_log::LEASE;
use crate::fail_points::{Point, outgoing};

/// The whole schema, as a new database gets it.
pub const SCHEMA: &str = include_str!("../../../schema.sql");

/// Steps from each version to the next, the first creating version 1.
const MIGRATIONS: [&str; 9] = [
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_sagas_and_refunds.sql"),
    include_str!("../../migrations/0003_generations.sql"),
    include_str!("../../migrations/0004_more_read_models.sql"),
    include_str!("../../migrations/0005_caller_rates.sql"),
    include_str!("../../migrations/0006_members_and_points.sql"),
    include_str!("../../migrations/0007_outbox.sql"),
    include_str!("../../migrations/0008_gathered_logs.sql"),
    include_str!("../../migrations/0009_outbox_carried.sql"),
];

/// The version that this program works with.
pub const SCHEMA_VERSION: i32 = MIGRATIONS.len() as i32;

/// Pause before it is looked again whether a program of the former version still works on a log.
const FORMER_PROGRAM_PAUSE: Duration = Duration::from_millis(250);
/// So often it is looked: for longer than a [`LEASE`] lasts, which is how long one that was killed seems to be at work.
const FORMER_PROGRAM_LOOKS_MAX: u32 = 20;
const _: () = assert!(FORMER_PROGRAM_PAUSE.as_millis() * FORMER_PROGRAM_LOOKS_MAX as u128 > LEASE.as_millis());

/// Key of the lock that lets one process migrate at a time.
const MIGRATION_LOCK: i64 = 0x7472_6176_656c;

/// The steps, in order.
pub fn migrations() -> &'static [&'static str] {
    &MIGRATIONS
}

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationOutcome {
    /// The database was empty.
    Created,
    /// It was of an older version.
    Upgraded {
        /// The version found.
        from: i32,
    },
    /// Nothing was to be done.
    UpToDate,
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database is newer than the program.
    #[error("the database has schema version {found}, this program knows {SCHEMA_VERSION}: start a newer program")]
    TooNew {
        /// The version found.
        found: i32,
    },
    /// A program of the former version delivers or folds on this log: it could append nothing any more, and keep what it owns.
    #[error(
        "{holder} still works on this log with the program of schema version {found}: stop all processes of that program on it, then start \
         this one (version {SCHEMA_VERSION})"
    )]
    InUse {
        /// The version found.
        found: i32,
        /// Which process it is.
        holder: String,
    },
    /// The server said no.
    #[error("the schema could not be brought up to date: {0}")]
    Database(#[from] sqlx::Error),
}

/// Creates or upgrades the schema in one transaction. Safe to call from several processes at once.
pub async fn migrate(pool: &PgPool) -> Result<MigrationOutcome, MigrateError> {
    migrate_in(pool, None).await
}

/// The same for a log in a schema of its own, which the pool's connections have as their search path: it is made if it is not there.
///
/// A log on which a former program works is not upgraded under it; one that was killed a moment ago is waited for.
pub async fn migrate_in(pool: &PgPool, schema: Option<&str>) -> Result<MigrationOutcome, MigrateError> {
    for _ in 1..FORMER_PROGRAM_LOOKS_MAX {
        match migrate_once(pool, schema).await {
            Err(MigrateError::InUse { .. }) => tokio::time::sleep(FORMER_PROGRAM_PAUSE).await,
            known => return known,
        }
    }
    migrate_once(pool, schema).await
}

async fn migrate_once(pool: &PgPool, schema: Option<&str>) -> Result<MigrationOutcome, MigrateError> {
    let mut connection = outgoing(Point::Connection, pool.acquire()).await?;
    let mut transaction = step(connection.begin()).await?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK);
    step(lock.execute(&mut *transaction)).await?;
    step(transaction.execute("SET LOCAL statement_timeout = 0")).await?;
    if let Some(schema) = schema {
        make_schema(&mut transaction, schema).await?;
    }
    let found = version_in(&mut transaction).await?;
    let outcome = match found {
        None => {
            step(transaction.execute(SCHEMA)).await?;
            step(transaction.execute("CREATE TABLE schema_version (version integer NOT NULL)")).await?;
            let version = sqlx::query("INSERT INTO schema_version VALUES ($1)").bind(SCHEMA_VERSION);
            step(version.execute(&mut *transaction)).await?;
            MigrationOutcome::Created
        }
        Some(found) if found > SCHEMA_VERSION => return Err(MigrateError::TooNew { found }),
        Some(SCHEMA_VERSION) => MigrationOutcome::UpToDate,
        Some(from) => {
            nobody_works(&mut transaction, from).await?;
            for statements in MIGRATIONS.iter().skip(from.unsigned_abs() as usize) {
                step(transaction.execute(*statements)).await?;
            }
            let version = sqlx::query("UPDATE schema_version SET version = $1").bind(SCHEMA_VERSION);
            step(version.execute(&mut *transaction)).await?;
            MigrationOutcome::Upgraded { from }
        }
    };
    step(transaction.commit()).await?;
    Ok(outcome)
}

/// An error while a process holds a lease of this log. Under the order lock, so that none is taken until the upgrade is committed; afterwards
/// whoever takes one with a former program stops at the first event that it cannot read, and loses nothing.
async fn nobody_works(connection: &mut PgConnection, found: i32) -> Result<(), MigrateError> {
    step(connection.execute("SELECT take_order_lock()")).await?;
    let held =
        "SELECT coalesce(holder, 'a process') FROM owners WHERE held_until > clock_timestamp() ORDER BY name LIMIT 1";
    let holder = step(sqlx::query_scalar(held).fetch_optional(&mut *connection)).await?;
    holder.map_or(Ok(()), |holder| Err(MigrateError::InUse { found, holder }))
}

/// Looked for first: who may not make schemas may use one that somebody else has made.
async fn make_schema(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    let there = sqlx::query_scalar("SELECT to_regnamespace(quote_ident($1)) IS NOT NULL").bind(schema);
    if !step(there.fetch_one(&mut *connection)).await? {
        step(connection.execute(format!("CREATE SCHEMA \"{}\"", schema.replace('"', "\"\"")).as_str())).await?;
    }
    Ok(())
}

async fn step<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    outgoing(Point::Migration, statement).await
}

/// The version of the schema in a database; absent when there is none.
pub async fn schema_version(pool: &PgPool) -> Result<Option<i32>, sqlx::Error> {
    let mut connection = outgoing(Point::Connection, pool.acquire()).await?;
    version_in(&mut connection).await
}

async fn version_in(connection: &mut PgConnection) -> Result<Option<i32>, sqlx::Error> {
    let there = sqlx::query_scalar("SELECT to_regclass('schema_version') IS NOT NULL");
    if !outgoing(Point::SchemaVersion, there.fetch_one(&mut *connection)).await? {
        return Ok(None);
    }
    let version = sqlx::query_scalar("SELECT version FROM schema_version");
    outgoing(Point::SchemaVersion, version.fetch_optional(&mut *connection)).await
}
