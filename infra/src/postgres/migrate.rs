//! Creating and upgrading the schema. `schema.sql` is the whole of it; a test holds the migrations against it.

use sqlx::{Connection, Executor, PgPool};

use crate::fail_points::{Point, outgoing};

/// The whole schema, as a new database gets it.
pub const SCHEMA: &str = include_str!("../../../schema.sql");

/// Steps from each version to the next, the first creating version 1.
const MIGRATIONS: [&str; 5] = [
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_sagas_and_refunds.sql"),
    include_str!("../../migrations/0003_generations.sql"),
    include_str!("../../migrations/0004_more_read_models.sql"),
    include_str!("../../migrations/0005_caller_rates.sql"),
];

/// The version that this program works with.
pub const SCHEMA_VERSION: i32 = MIGRATIONS.len() as i32;

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
    /// The server said no.
    #[error("the schema could not be brought up to date: {0}")]
    Database(#[from] sqlx::Error),
}

/// Creates or upgrades the schema in one transaction. Safe to call from several processes at once.
pub async fn migrate(pool: &PgPool) -> Result<MigrationOutcome, MigrateError> {
    let mut connection = outgoing(Point::Connection, pool.acquire()).await?;
    let mut transaction = step(connection.begin()).await?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK);
    step(lock.execute(&mut *transaction)).await?;
    step(transaction.execute("SET LOCAL statement_timeout = 0")).await?;
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

async fn step<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    outgoing(Point::Migration, statement).await
}

/// The version of the schema in a database; absent when there is none.
pub async fn schema_version(pool: &PgPool) -> Result<Option<i32>, sqlx::Error> {
    let mut connection = outgoing(Point::Connection, pool.acquire()).await?;
    version_in(&mut connection).await
}

async fn version_in(connection: &mut sqlx::PgConnection) -> Result<Option<i32>, sqlx::Error> {
    let there = sqlx::query_scalar("SELECT to_regclass('schema_version') IS NOT NULL");
    if !outgoing(Point::SchemaVersion, there.fetch_one(&mut *connection)).await? {
        return Ok(None);
    }
    let version = sqlx::query_scalar("SELECT version FROM schema_version");
    outgoing(Point::SchemaVersion, version.fetch_optional(&mut *connection)).await
}
