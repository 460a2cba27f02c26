//! Rebuilds that a serving process makes beside its other work.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::error::RebuildError;
use super::progress::Progress;
use super::rollback::{RolledBack, rollback};
use super::{Begun, Rebuild, clear};
use crate::runtime::projectors::ProjectionName;
use crate::runtime::step::describe;

/// The rebuilds of this process. Cheap to clone; when the last clone goes, they end and leave the live rows as they were.
#[derive(Debug, Clone)]
pub struct Rebuilds {
    log: EventLog,
    running: Arc<Mutex<JoinSet<()>>>,
}

impl Rebuilds {
    /// None yet.
    pub fn new(log: EventLog) -> Self {
        Self { log, running: Arc::default() }
    }

    /// Begins to make the rows of a projection anew, at the default rate; how far that comes is told with the projection's status, and also
    /// why it failed if it does.
    ///
    /// # Errors
    ///
    /// [`RebuildError::Busy`] when its rows are being made already, [`RebuildError::AtWork`] when this process makes others: each takes
    /// memory of the process that serves.
    pub async fn start(&self, name: ProjectionName) -> Result<(), RebuildError> {
        if self.is_at_work() {
            return Err(RebuildError::AtWork);
        }
        let begun = Begun::begin(&self.log, &[name], Rebuild::default()).await?;
        let log = self.log.clone();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.spawn(async move {
            if let Err(error) = begun.finish(&watch::Sender::new(Progress::START)).await {
                tracing::error!(projection = name.as_str(), %error, "a rebuild failed");
                failed(&log, name, &error).await;
            }
        });
        Ok(())
    }

    fn is_at_work(&self) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        !running.is_empty()
    }

    /// Goes back to the former rows of a projection.
    ///
    /// # Errors
    ///
    /// See [`rollback`].
    pub async fn rollback(&self, name: ProjectionName) -> Result<RolledBack, RebuildError> {
        rollback(&self.log, name).await
    }

    /// Ends those that are under way and leaves nothing of them.
    pub async fn stop(&self) {
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        while running.try_join_next().is_some() {}
        if running.is_empty() {
            return;
        }
        running.shutdown().await;
        if let Err(error) = clear(&self.log, &ProjectionName::ALL).await {
            tracing::warn!(%error, "could not clear what a rebuild left");
        }
    }
}

/// Writes down why a rebuild failed, and leaves nothing of it.
async fn failed(log: &EventLog, name: ProjectionName, error: &RebuildError) {
    let told = sqlx::query(
        "INSERT INTO projection_status (name, state, events_per_s, last_error, last_error_at, told_at) \
         VALUES ($1, 'starting', 0, $2, clock_timestamp(), clock_timestamp()) \
         ON CONFLICT (name) DO UPDATE SET last_error = excluded.last_error, last_error_at = excluded.last_error_at",
    )
    .bind(name.as_str())
    .bind(format!("the rebuild failed: {error}"));
    if let Err(error) = outgoing(Point::RebuildTold, told.execute(log.pool())).await {
        tracing::warn!(
            projection = name.as_str(),
            error = describe(&error),
            "could not write down why a rebuild failed"
        );
    }
    if let Err(error) = clear(log, &[name]).await {
        tracing::warn!(projection = name.as_str(), %error, "could not clear what a failed rebuild left");
    }
}
