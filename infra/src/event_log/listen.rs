//! Hearing of appends by other processes: LISTEN as a hint; tails poll as a backstop.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::task::JoinHandle;

use super::{EventLog, Position};
use crate::fail_points::{Point, outgoing};

/// Pause before listening again after the connection was lost.
const RELISTEN_PAUSE: Duration = Duration::from_secs(1);

impl EventLog {
    /// Starts to listen for appends by other processes, until the handle is aborted.
    pub fn listen(&self) -> JoinHandle<()> {
        let log = self.clone();
        tokio::spawn(async move {
            loop {
                if let Err(error) = log.listen_until_lost().await {
                    tracing::debug!(error = %error, "no longer hearing of appends; polling goes on");
                }
                tokio::time::sleep(RELISTEN_PAUSE).await;
            }
        })
    }

    async fn listen_until_lost(&self) -> Result<(), sqlx::Error> {
        let schema = sqlx::query_scalar("SELECT current_schema()::text");
        let schema: String = outgoing(Point::Listen, schema.fetch_one(self.pool())).await?;
        let mut listener = outgoing(Point::Listen, PgListener::connect_with(self.pool())).await?;
        outgoing(Point::Listen, listener.listen(&format!("traveladvisor_{schema}"))).await?;
        loop {
            // What was appended while nobody listened: before now, and each time that the connection was lost and is there again.
            if let Err(error) = self.head().await {
                tracing::debug!(%error, "the log's end is not known; the next append tells it");
            }
            while let Some(notification) = listener.try_recv().await? {
                if let Ok(position) = notification.payload().parse::<Position>() {
                    self.advance(position);
                }
            }
        }
    }
}
