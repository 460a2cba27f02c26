//! One serving process for each log, as long as there is no lease to hand over (L12): a lock that ends with its connection.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use crate::event_log::LogError;

/// How long a predecessor may take to let go: its connection ends a moment after a kill.
pub const LET_GO_LIMIT: Duration = Duration::from_secs(5);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The right to deliver messages and timers and to fold the read models of a log. It ends with this value or with the process.
#[derive(Debug)]
pub struct SoleServer {
    _connection: PgConnection,
}

/// Takes the right, or tells after [`LET_GO_LIMIT`] that another process has it.
pub async fn sole_server(pool: &PgPool) -> Result<Option<SoleServer>, LogError> {
    let mut connection = pool.acquire().await?.detach();
    let looks = LET_GO_LIMIT.as_millis() / LOOK_AGAIN.as_millis();
    for _ in 0..looks {
        let taken: bool = sqlx::query_scalar(
            "SELECT pg_try_advisory_lock(hashtextextended('traveladvisor.serve.' || current_schema(), 0))",
        )
        .fetch_one(&mut connection)
        .await?;
        if taken {
            return Ok(Some(SoleServer { _connection: connection }));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(None)
}
