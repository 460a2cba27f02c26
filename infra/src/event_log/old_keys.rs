//! Idempotency keys whose time is over are forgotten, little at a time.

use chrono::{DateTime, Utc};

use super::{EventLog, LogError, in_time};
use crate::fail_points::Point;

impl EventLog {
    /// Forgets idempotency keys that were written before an instant of the program's time, the oldest first and at most `limit`; returns how
    /// many. No lock is needed: a key that is over may be found or not.
    pub async fn forget_keys(&self, before: DateTime<Utc>, limit: usize) -> Result<usize, LogError> {
        let delete = sqlx::query(
            "DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY( \
                SELECT ctid FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2))",
        )
        .bind(before)
        .bind(limit as i64);
        let deleted = in_time(Point::KeysForgotten, delete.execute(self.lent())).await?;
        Ok(deleted.rows_affected() as usize)
    }
}
