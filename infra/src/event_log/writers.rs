//! Connections that do nothing but append: always at hand, however busy the pool is, and set up for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::time::Instant;

/// Connections kept for appends at most, beside those of the pool: one append of the engine and one of somebody else.
pub const KEPT_WRITERS_MAX: usize = 2;
/// A connection that was idle for longer is tried before it is used: the server may have been restarted meanwhile.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// How long such a connection may take to answer before another one is used instead.
const TRIAL_PATIENCE: Duration = Duration::from_secs(2);

/// The statements of an append are the same whatever its arrays hold: planning them anew costs as much as running them. The time-out is what
/// every append would set for itself (`take_order_lock` in the schema), where the server knows it.
const PREPARE: &str = "SET plan_cache_mode = force_generic_plan; \
     SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = 'transaction_timeout'";

/// The kept connections of a log.
#[derive(Debug, Clone)]
pub(super) struct Writers {
    pool: PgPool,
    kept: Arc<Mutex<Vec<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    since: Instant,
}

impl Writers {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, kept: Arc::default() }
    }

    /// A connection for one append. Dropped instead of given back, it is closed: nothing is known of what it was doing.
    pub(super) async fn take(&self) -> Result<PgConnection, sqlx::Error> {
        while let Some(mut idle) = self.last_used() {
            if idle.since.elapsed() < TRUSTED_IDLE {
                return Ok(idle.connection);
            }
            if let Ok(Ok(())) = tokio::time::timeout(TRIAL_PATIENCE, idle.connection.ping()).await {
                return Ok(idle.connection);
            }
        }
        let mut connection = self.pool.acquire().await?.detach();
        connection.execute(PREPARE).await?;
        Ok(connection)
    }

    /// Keeps a connection whose last statement was answered.
    pub(super) fn give_back(&self, connection: PgConnection) {
        let mut kept = self.kept();
        if kept.len() < KEPT_WRITERS_MAX {
            kept.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Closes those that are kept: the server of one of them is gone.
    pub(super) fn forget(&self) {
        self.kept().clear();
    }

    fn last_used(&self) -> Option<Idle> {
        self.kept().pop()
    }

    /// Nothing can panic half-way through a change of it, so a poisoned lock is as good as any.
    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
