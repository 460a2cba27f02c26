//! How far a rebuild has come, for whoever waits for it and for other processes.

use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::fail_points::{Point, outgoing};

/// How often progress is written down for other processes.
pub(super) const TELL_EVERY: Duration = Duration::from_millis(500);

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Where it is in the log.
    pub position: Position,
    /// Where it will end, as far as is known.
    pub until: Position,
    /// Events read so far.
    pub events: u64,
    /// Events read a second.
    pub events_per_s: f64,
}

/// What a rebuild is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The log is read and folded.
    Reading,
    /// Keys and indexes are made.
    Indexing,
    /// What came meanwhile is taken in.
    CatchingUp,
    /// The new rows take the place of the live ones.
    Switching,
    /// The new rows are compared with the live ones.
    Comparing,
}

impl Phase {
    /// The word for it, for example `reading`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Indexing => "indexing",
            Self::CatchingUp => "catching up",
            Self::Switching => "switching",
            Self::Comparing => "comparing",
        }
    }
}

impl Progress {
    /// Nothing done yet.
    pub const START: Self =
        Self { phase: Phase::Reading, position: Position::START, until: Position::START, events: 0, events_per_s: 0.0 };
}

/// Writes progress down at intervals, for as long as it is polled.
pub(super) async fn tell(pool: &PgPool, names: &[&'static str], progress: &watch::Sender<Progress>) {
    loop {
        let told = *progress.borrow();
        let statement = sqlx::query(
            "INSERT INTO projection_rebuilds AS r (name, phase, position, until, events_per_s) \
             SELECT name, $2, $3, $4, $5 FROM unnest($1::text[]) AS name \
             ON CONFLICT (name) DO UPDATE SET phase = $2, position = $3, until = $4, events_per_s = $5, \
                    told_at = clock_timestamp()",
        )
        .bind(names)
        .bind(told.phase.as_str())
        .bind(told.position.0.cast_signed())
        .bind(told.until.0.cast_signed())
        .bind(told.events_per_s);
        if let Err(error) = outgoing(Point::RebuildTold, statement.execute(pool)).await {
            // Only people read it; what matters fails by itself.
            tracing::debug!(%error, "could not write down how far a rebuild has come");
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}

/// Nothing is being rebuilt, as far as this process knows.
pub(super) async fn forget(pool: &PgPool, names: &[&'static str]) {
    let statement = sqlx::query("DELETE FROM projection_rebuilds WHERE name = ANY($1)").bind(names);
    if let Err(error) = outgoing(Point::RebuildTold, statement.execute(pool)).await {
        tracing::debug!(%error, "could not write down that a rebuild has ended");
    }
}
