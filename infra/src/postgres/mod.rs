//! Postgres: the pool, the schema and its versions.

mod condition;
mod kept;
mod migrate;

use std::time::Duration;

pub use sqlx::postgres::PgConnectOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, PgPool};

pub use condition::{Checkpoint, Condition, SERVER_VERSION_MIN, checkpoints, condition, schema_name};
pub use kept::{Kept, own_connection};
use kept::{TRUSTED_IDLE, answers};
pub use migrate::{MigrateError, MigrationOutcome, SCHEMA, SCHEMA_VERSION, migrate, migrations, schema_version};

/// Most connections of one process.
pub const CONNECTIONS_MAX: u32 = 24;
/// How long a caller waits for a free connection.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Time-out of every statement, in milliseconds, kept by the server.
const STATEMENT_TIMEOUT_MS: u64 = 10_000;

/// How long a transaction may wait for its client, in milliseconds, kept by the server: a process that is frozen in the middle of one
/// would hold its rows' locks against whoever takes over.
const IDLE_TRANSACTION_TIMEOUT_MS: u64 = 3_000;

/// A pool whose connections read committed data, give up a statement in time and say who they are.
pub fn pool(options: PgConnectOptions) -> PgPool {
    let options = options
        .application_name("traveladvisor")
        .options([
            ("statement_timeout", STATEMENT_TIMEOUT_MS.to_string()),
            ("idle_in_transaction_session_timeout", IDLE_TRANSACTION_TIMEOUT_MS.to_string()),
            // The server splits these options at spaces.
            ("default_transaction_isolation", "read\\ committed".to_owned()),
            // Acknowledged means durable, whatever the role or the database says (L6).
            ("synchronous_commit", "on".to_owned()),
            ("timezone", "UTC".to_owned()),
        ])
        .log_statements(tracing::log::LevelFilter::Off);
    PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    answers(connection).await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
}
