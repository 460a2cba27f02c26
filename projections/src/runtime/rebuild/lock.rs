//! One process at a time makes or switches the rows of a projection: by a lock of its session, which ends with the process.

use std::time::Duration;

use sqlx::PgConnection;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::error::RebuildError;

/// First half of the lock's key, so that it meets no other lock of the server: "proj" in ASCII.
pub const REBUILD_LOCK: i32 = 0x7072_6f6a;

/// How often the lock is asked for: the server lets go of it a moment after its process has gone.
const TRIES: usize = 50;
/// Pause between.
const PAUSE: Duration = Duration::from_millis(20);

/// Takes the lock of a projection for as long as the connection lives. `schema` is that in which the rows are made, or the live one for all
/// that becomes live.
pub(in crate::runtime) async fn take(
    connection: &mut PgConnection,
    schema: &str,
    name: &'static str,
) -> Result<(), RebuildError> {
    for pause in std::iter::repeat_n(PAUSE, TRIES) {
        let take = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))");
        let take = take.bind(REBUILD_LOCK).bind(format!("{schema}.{name}"));
        if outgoing(Point::RebuildLocked, take.fetch_one(&mut *connection)).await? {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
    }
    Err(RebuildError::Busy { name })
}
