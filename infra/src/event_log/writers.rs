//! Connections that do nothing but append: always at hand, however busy the pool is, and set up for it.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{Executor, PgConnection, PgPool};

use crate::fail_points::{Point, outgoing};
use crate::postgres::{Kept, own_connection};

/// Connections kept for appends at most, beside those of the pool: one append of the engine and one of somebody else.
pub const KEPT_WRITERS_MAX: usize = 2;

/// The time-out is what every append would set for itself (`take_order_lock` in the schema), where the server knows it.
const LIMIT_TRANSACTIONS: &str =
    "SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = 'transaction_timeout'";

/// The kept connections of a log.
#[derive(Debug, Clone)]
pub(super) struct Writers {
    pool: PgPool,
    kept: Arc<Mutex<Vec<Kept>>>,
}

impl Writers {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, kept: Arc::default() }
    }

    /// A connection for one append. Dropped instead of given back, it is closed: nothing is known of what it was doing.
    pub(super) async fn take(&self) -> Result<PgConnection, sqlx::Error> {
        while let Some(kept) = self.last_used() {
            if let Some(connection) = kept.tried().await {
                return Ok(connection);
            }
        }
        let mut connection = own_connection(&self.pool).await?;
        outgoing(Point::ConnectionSetUp, connection.execute(LIMIT_TRANSACTIONS)).await?;
        Ok(connection)
    }

    /// Keeps a connection whose last statement was answered.
    pub(super) fn give_back(&self, connection: PgConnection) {
        let mut kept = self.kept();
        if kept.len() < KEPT_WRITERS_MAX {
            kept.push(Kept::new(connection));
        }
    }

    /// Closes those that are kept: the server of one of them is gone.
    pub(super) fn forget(&self) {
        self.kept().clear();
    }

    fn last_used(&self) -> Option<Kept> {
        self.kept().pop()
    }

    /// Nothing can panic half-way through a change of it, so a poisoned lock is as good as any.
    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
