//! What callers spend, counted by all processes of one log together: a row for each caller, in the database they share.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::{PgPool, Row};

use crate::fail_points::{Point, outgoing};

/// The time over which an account fills up.
const PERIOD: Duration = Duration::from_mins(1);
/// So many times a process counts between two looks for accounts that are full again, to be forgotten.
const FORGET_EVERY: u32 = 10_000;

/// Counts what callers spend. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CallerRates {
    pool: PgPool,
    counted: Arc<AtomicU32>,
}

/// How an account stands after something was spent, or was not there to be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// After which time it is full again.
    pub full_in: Duration,
    /// After which time there is enough; none when there was.
    pub wait: Option<Duration>,
}

impl CallerRates {
    /// Counts in this database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, counted: Arc::default() }
    }

    /// Takes a cost from a caller's account, which holds `per_minute` and fills up with as much each minute. Takes nothing when the account
    /// holds less. One statement, by the database's clock.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn spend(&self, caller: &str, cost: u32, per_minute: NonZeroU32) -> Result<Spent, sqlx::Error> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.forget().await?;
        }
        let cost_us = (micros(PERIOD) * i64::from(cost) / i64::from(per_minute.get())).max(1);
        let spend = sqlx::query("SELECT is_spent, full_in_us FROM spend_rate($1, $2, $3)")
            .bind(key(caller))
            .bind(cost_us)
            .bind(micros(PERIOD));
        let row = outgoing(Point::CallerRates, spend.fetch_one(&self.pool)).await?;
        let full_in_us: i64 = row.get("full_in_us");
        let missing_us = full_in_us + cost_us - micros(PERIOD);
        Ok(Spent {
            full_in: duration(full_in_us),
            wait: (!row.get::<bool, _>("is_spent")).then(|| duration(missing_us)),
        })
    }

    /// A full account is the same as none.
    async fn forget(&self) -> Result<(), sqlx::Error> {
        let forget = sqlx::query("DELETE FROM caller_rates WHERE full_at < clock_timestamp()");
        outgoing(Point::CallerRates, forget.execute(&self.pool)).await?;
        Ok(())
    }
}

/// Names are of any length, and nobody's business here.
fn key(caller: &str) -> Vec<u8> {
    Sha256::digest(caller.as_bytes()).to_vec()
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn duration(us: i64) -> Duration {
    Duration::from_micros(us.max(0).unsigned_abs())
}
