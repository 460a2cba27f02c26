//! Connections that somebody keeps for himself between two uses, and the trial of those that rested.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::time::Instant;

use crate::fail_points::{Point, outgoing};

/// A connection that was idle for longer is tried before it is used: the server may have been restarted meanwhile, or the network may have
/// forgotten it.
pub(super) const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// How long a connection may take to answer such a trial before another one is used instead.
pub(super) const TRIAL_PATIENCE: Duration = Duration::from_secs(2);

/// The statements of those who keep a connection take arrays and are the same whatever these hold: planning them anew costs as much as
/// running them.
const PLAN_ONCE: &str = "SET plan_cache_mode = force_generic_plan";
/// In one go: it is one round trip.
const PLAN_ONCE_AND_FLUSH_LATER: &str = "SET plan_cache_mode = force_generic_plan; SET synchronous_commit = off";

/// A connection at rest whose last statement was answered.
#[derive(Debug)]
pub struct Kept {
    connection: PgConnection,
    since: Instant,
}

impl Kept {
    /// Keeps a connection from now on.
    pub fn new(connection: PgConnection) -> Self {
        Self { connection, since: Instant::now() }
    }

    /// The connection, unless it rested for long and says nothing any more: then it is closed.
    pub async fn tried(mut self) -> Option<PgConnection> {
        if self.since.elapsed() < TRUSTED_IDLE || answers(&mut self.connection).await.is_ok() {
            return Some(self.connection);
        }
        None
    }
}

/// A connection for one user alone, taken out of the pool, which makes another one for itself. Statements are planned once on it.
///
/// # Errors
///
/// When none becomes free or can be made in time, or it does not answer.
pub async fn own_connection(pool: &PgPool) -> Result<PgConnection, sqlx::Error> {
    set_up(pool, PLAN_ONCE).await
}

/// The same for what can be made again from the log: a commit is seen at once and answered before it is on disk, so that nobody waits for the
/// disk, and appends have it for themselves. A server that crashes may lose the last of these commits, each of them whole and no earlier one
/// without the later ones.
///
/// # Errors
///
/// As for [`own_connection`].
pub async fn own_connection_for_derived(pool: &PgPool) -> Result<PgConnection, sqlx::Error> {
    set_up(pool, PLAN_ONCE_AND_FLUSH_LATER).await
}

async fn set_up(pool: &PgPool, settings: &'static str) -> Result<PgConnection, sqlx::Error> {
    let mut connection = outgoing(Point::Connection, pool.acquire()).await?.detach();
    in_trial_time(Point::ConnectionSetUp, connection.execute(settings)).await?;
    Ok(connection)
}

/// Whether there is still a server at the other end.
pub(super) async fn answers(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    in_trial_time(Point::ConnectionTried, connection.ping()).await
}

async fn in_trial_time<T>(
    point: Point,
    asking: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(TRIAL_PATIENCE, outgoing(point, asking)).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}
