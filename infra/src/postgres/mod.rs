//! Postgres: the pool, the schema and its versions.

mod condition;
mod kept;
mod migrate;

use std::time::Duration;

pub use sqlx::postgres::PgConnectOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, PgPool};

pub use condition::{Checkpoint, Condition, SERVER_VERSION_MIN, checkpoints, condition, schema_name};
pub use kept::{Kept, own_connection, own_connection_for_derived};
use kept::{TRUSTED_IDLE, answers};
pub use migrate::{
    MigrateError, MigrationOutcome, SCHEMA, SCHEMA_VERSION, migrate, migrate_in, migrations, schema_version,
};

/// Most connections of a process's pool, which reads and whatever is short share.
pub const CONNECTIONS_MAX: u32 = 24;
/// Connections that are kept beside the pool at most: those of appends ([`KEPT_WRITERS_MAX`](crate::event_log::KEPT_WRITERS_MAX)), one for
/// each of two leases, one for each of eleven projections, and two for a rebuild: one reads the log, one writes rows.
pub const OWN_CONNECTIONS_MAX: u32 = 17;
/// Most connections of the pool of a log that a process with roles decides on or answers from: several processes share a server.
pub const ROLE_CONNECTIONS_MAX: u32 = 12;
/// The same of a log that it only relays or gathers: it may do so for all of them.
pub const FOREIGN_CONNECTIONS_MAX: u32 = 6;
/// Most connections of one process, but for the moment in which one that says nothing any more is replaced.
pub const PROCESS_CONNECTIONS_MAX: u32 = CONNECTIONS_MAX + OWN_CONNECTIONS_MAX;
/// How long a caller waits for a free connection.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Time-out of every statement, in milliseconds, kept by the server.
const STATEMENT_TIMEOUT_MS: u64 = 10_000;

/// How long a transaction may wait for its client, in milliseconds, kept by the server: a process that is frozen in the middle of one
/// would hold its rows' locks against whoever takes over.
pub(crate) const IDLE_TRANSACTION_TIMEOUT_MS: u64 = 3_000;

/// How long a connection over TCP may be silent before the server asks its other end for a sign of life, in seconds; then how often, and how
/// many unanswered questions end it. A client whose machine vanished in the middle of a statement would hold what that has locked without
/// limit: only Postgres 17 and later knows a limit of its own for a whole transaction. Has no meaning on a socket of this machine.
const KEEPALIVE: [(&str, u64); 3] =
    [("tcp_keepalives_idle", 5), ("tcp_keepalives_interval", 2), ("tcp_keepalives_count", 3)];
/// How long what the server sends may stay unacknowledged before it gives the connection up, in milliseconds.
const UNACKNOWLEDGED_MS: u64 = 10_000;

/// A pool whose connections read committed data, give up a statement in time and say who they are.
pub fn pool(options: PgConnectOptions) -> PgPool {
    pool_of(options, CONNECTIONS_MAX)
}

/// The same with connections that have a schema as their search path: those of a log that is not where the server puts it by itself.
pub fn in_schema(options: PgConnectOptions, schema: &str) -> PgConnectOptions {
    options.options([("search_path", schema)])
}

/// The same pool with so many connections at most.
pub fn pool_of(options: PgConnectOptions, connections_max: u32) -> PgPool {
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
        .options(KEEPALIVE)
        .options([("tcp_user_timeout", UNACKNOWLEDGED_MS)])
        .log_statements(tracing::log::LevelFilter::Off);
    PgPoolOptions::new()
        .max_connections(connections_max)
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
        // The pool asks whatever comes back for a sign of life itself, but without a limit of time: a statement that was given up on a
        // connection that says nothing any more would cost it a place.
        .after_release(|connection, _| Box::pin(async move { answers(connection).await.map(|()| true) }))
        .connect_lazy_with(options)
}
