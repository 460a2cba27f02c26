//! What was set aside is tried again, by whoever was asked to: beside the projection's owner or without one.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{Connection, PgConnection, Row};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{EventLog, LogError, Position};
use traveladvisor_infra::fail_points::{Point, outgoing};
use traveladvisor_infra::postgres::own_connection;

use super::changes::Changes;
use super::dead_letters::{self, Letter, Parked};
use super::projection::{Part, Projection, Tailed};
use super::projectors::{ProjectionName, Visit};
use super::sift::{Failed, fold_page};
use super::step::{REFUSED, STEP_PATIENCE, describe, is_refusal};

/// Most events that are tried again in one transaction.
pub const RETRY_EVENTS_MAX: usize = 500;

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// The row family.
    pub key: StreamId,
    /// How many of its events were taken in.
    pub taken_in: u64,
    /// How many still wait.
    pub left: u64,
    /// Why, if some do. Never quotes an event.
    pub reason: Option<String>,
}

/// Why nothing more was tried.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// No process has ever followed the log for it.
    #[error("the projection {0} has not begun yet: start `traveladvisor serve`")]
    Unknown(&'static str),
    /// The rows were made by another version of the fold.
    #[error("the rows of {name} are of version {found}, this program makes version {known}: rebuild it")]
    OtherVersion {
        /// Which.
        name: &'static str,
        /// The rows'.
        found: u32,
        /// The fold's.
        known: u32,
    },
    /// The database does not answer. What was tried before stands.
    #[error("the database does not answer: run it again ({0})")]
    Unavailable(String),
    /// The log could not be read. What was tried before stands.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Tries again what a projection has set aside, all of it or that of one key, in the order of the log. A key whose first event fails again
/// stays as it is, with the new reason.
///
/// Each page is a transaction that locks the checkpoint and raises its epoch: whoever follows the log hears of it, takes the checkpoint
/// again and reads anew what waits. So no event overtakes an earlier one of its key, and it works with any process at work or with none.
///
/// # Errors
///
/// When the projection has not begun, has rows of another version, or the database does not answer; what was tried before stands.
pub async fn retry<P: Projection>(
    projection: &P,
    log: &EventLog,
    only: Option<StreamId>,
) -> Result<Vec<Retried>, RetryError> {
    let connection = own_connection(log.pool()).await.map_err(unavailable)?;
    let mut run = Run { projection, log, connection, only, taken: BTreeMap::new(), failed: Parked::default() };
    let mut page = RETRY_EVENTS_MAX;
    loop {
        match run.page(page, None).await {
            Ok(0) => return run.outcome().await,
            Ok(_) => page = (page * 2).min(RETRY_EVENTS_MAX),
            // Halved until the guilty event stands alone.
            Err(PageError::Refused(_)) if page > 1 => page /= 2,
            Err(PageError::Refused(reason)) => {
                run.page(1, Some(format!("{REFUSED}: {reason}"))).await.map_err(PageError::into_retry)?;
            }
            Err(error) => return Err(error.into_retry()),
        }
    }
}

/// The same for a projection by its name.
///
/// # Errors
///
/// As [`retry`].
pub async fn retry_parked(
    log: &EventLog,
    name: ProjectionName,
    only: Option<StreamId>,
) -> Result<Vec<Retried>, RetryError> {
    name.meet(Retry { log, only }).await
}

struct Retry<'a> {
    log: &'a EventLog,
    only: Option<StreamId>,
}

impl Visit for Retry<'_> {
    type Out = Result<Vec<Retried>, RetryError>;

    async fn visit<P: Projection>(self, projection: P) -> Self::Out {
        retry(&projection, self.log, self.only).await
    }
}

struct Run<'a, P> {
    projection: &'a P,
    log: &'a EventLog,
    connection: PgConnection,
    only: Option<StreamId>,
    taken: BTreeMap<StreamId, u64>,
    /// The keys that stay as they are.
    failed: Parked,
}

/// Why a page was not taken in; nothing of it stands.
enum PageError {
    Refused(String),
    Over(RetryError),
}

impl<P: Projection> Run<'_, P> {
    /// Tries the next events; the first of them is refused for a reason when one is given. How many there were.
    async fn page(&mut self, limit: usize, refused: Option<String>) -> Result<usize, PageError> {
        let trying = tokio::time::timeout(STEP_PATIENCE, self.try_page(limit, refused));
        trying.await.unwrap_or_else(|_| Err(RetryError::Unavailable("no answer in time".to_owned()).into()))
    }

    async fn try_page(&mut self, limit: usize, refused: Option<String>) -> Result<usize, PageError> {
        let mut transaction = outgoing(Point::ProjectionBegun, self.connection.begin()).await?;
        let generation = take::<P>(&mut transaction).await?;
        let waiting = if self.only.is_some() {
            Parked::read(&mut *transaction, P::NAME, generation).await?
        } else {
            Parked::default()
        };
        let waiting = waiting.without(self.only).and(&self.failed);
        let rows = next(&mut transaction, P::NAME, generation, self.only, &self.failed, limit).await?;
        let Some((first, _)) = rows.first() else { return Ok(0) };
        let failed = refused.map(|reason| Failed::from([(*first, reason)])).unwrap_or_default();
        let positions: Vec<Position> = rows.iter().map(|(position, _)| *position).collect();
        let events = self.log.read_at(&positions).await.map_err(RetryError::from)?;
        let events: Vec<_> = events.iter().map(|event| Arc::new(Tailed::read(event))).collect();
        let folded = fold_page(self.projection, &mut transaction, &waiting, &events, failed).await?;
        if let Some(mut batch) = folded.batch {
            let mut changes = Changes::none();
            self.projection.flush(&mut batch, Part::All, &mut changes);
            outgoing(Point::ProjectionWritten, changes.make(&mut transaction)).await?;
        }
        replace(&mut transaction, P::NAME, generation, &positions, &folded.letters).await?;
        outgoing(Point::ProjectionCommitted, transaction.commit()).await?;
        self.failed.add(&folded.letters);
        for (position, key) in &rows {
            let taken = self.taken.entry(*key).or_default();
            *taken += u64::from(folded.letters.iter().all(|letter| letter.position != *position));
        }
        Ok(rows.len())
    }

    /// What became of all keys that were tried.
    async fn outcome(mut self) -> Result<Vec<Retried>, RetryError> {
        let asked = sqlx::query(
            "SELECT l.key, count(*) AS waiting, (array_agg(l.reason ORDER BY l.position) FILTER (WHERE l.reason IS NOT NULL))[1] AS reason \
               FROM projection_dead_letters l JOIN projection_checkpoints c ON c.name = l.name AND c.generation = l.generation \
              WHERE l.name = $1 AND l.key = ANY($2) GROUP BY l.key",
        );
        let keys: Vec<String> = self.taken.keys().chain(self.failed.keys()).map(ToString::to_string).collect();
        let rows = outgoing(Point::DeadLettersRead, asked.bind(P::NAME).bind(keys).fetch_all(&mut self.connection));
        let mut left = BTreeMap::new();
        for row in rows.await.map_err(unavailable)? {
            let key = dead_letters::stream(row.get("key")).map_err(unavailable)?;
            left.insert(key, (row.get::<i64, _>("waiting").unsigned_abs(), row.get::<Option<String>, _>("reason")));
        }
        let mut taken = self.taken;
        for key in left.keys() {
            taken.entry(*key).or_default();
        }
        let outcome = taken.into_iter().map(|(key, taken_in)| {
            let (left, reason) = left.remove(&key).unwrap_or_default();
            Retried { key, taken_in, left, reason }
        });
        Ok(outcome.collect())
    }
}

/// Locks the checkpoint and takes it away from its owner. The generation of its rows.
async fn take<P: Projection>(connection: &mut PgConnection) -> Result<i64, PageError> {
    let take = sqlx::query(
        "UPDATE projection_checkpoints SET epoch = epoch + 1, stopped_reason = NULL WHERE name = $1 RETURNING version, generation",
    )
    .bind(P::NAME);
    let row = outgoing(Point::DeadLettersRetried, take.fetch_optional(connection)).await?;
    let row = row.ok_or(RetryError::Unknown(P::NAME))?;
    let found = row.get::<i32, _>("version").unsigned_abs();
    if found != P::VERSION {
        return Err(RetryError::OtherVersion { name: P::NAME, found, known: P::VERSION }.into());
    }
    Ok(row.get("generation"))
}

/// The next events of keys that have not failed.
async fn next(
    connection: &mut PgConnection,
    name: &str,
    generation: i64,
    only: Option<StreamId>,
    failed: &Parked,
    limit: usize,
) -> Result<Vec<(Position, StreamId)>, sqlx::Error> {
    let next = sqlx::query(
        "SELECT position, key FROM projection_dead_letters \
          WHERE name = $1 AND generation = $2 AND ($3 IS NULL OR key = $3) AND key <> ALL($4) ORDER BY position LIMIT $5",
    )
    .bind(name)
    .bind(generation)
    .bind(only.map(|key| key.to_string()))
    .bind(failed.keys().map(ToString::to_string).collect::<Vec<_>>())
    .bind(limit as i64);
    let rows = outgoing(Point::DeadLettersRead, next.fetch_all(connection)).await?;
    let row = |row: &sqlx::postgres::PgRow| {
        let position = Position(row.try_get::<i64, _>("position")?.unsigned_abs());
        Ok((position, dead_letters::stream(row.try_get("key")?)?))
    };
    rows.iter().map(row).collect()
}

/// What was taken in goes; what failed again keeps its place, with what is known of it now.
async fn replace(
    connection: &mut PgConnection,
    name: &str,
    generation: i64,
    tried: &[Position],
    letters: &[Letter],
) -> Result<(), sqlx::Error> {
    let (kept, keys, reasons) = dead_letters::columns(letters);
    let taken: Vec<i64> =
        tried.iter().map(|tried| tried.0.cast_signed()).filter(|tried| !kept.contains(tried)).collect();
    let delete = "DELETE FROM projection_dead_letters WHERE name = $1 AND generation = $2 AND position = ANY($3)";
    let delete = sqlx::query(delete).bind(name).bind(generation).bind(taken);
    outgoing(Point::DeadLettersRetried, delete.execute(&mut *connection)).await?;
    let keep = sqlx::query(
        "UPDATE projection_dead_letters l SET key = k.key, reason = k.reason \
           FROM unnest($3::bigint[], $4::text[], $5::text[]) AS k(position, key, reason) \
          WHERE l.name = $1 AND l.generation = $2 AND l.position = k.position",
    );
    let keep = keep.bind(name).bind(generation).bind(kept).bind(keys).bind(reasons);
    outgoing(Point::DeadLettersRetried, keep.execute(connection)).await?;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "stands in map_err")]
fn unavailable(error: sqlx::Error) -> RetryError {
    RetryError::Unavailable(describe(&error))
}

impl PageError {
    fn into_retry(self) -> RetryError {
        match self {
            Self::Refused(reason) => RetryError::Unavailable(reason),
            Self::Over(error) => error,
        }
    }
}

impl From<RetryError> for PageError {
    fn from(error: RetryError) -> Self {
        Self::Over(error)
    }
}

impl From<sqlx::Error> for PageError {
    fn from(error: sqlx::Error) -> Self {
        if is_refusal(&error) { Self::Refused(describe(&error)) } else { unavailable(error).into() }
    }
}
