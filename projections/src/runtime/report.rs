//! How all projections are doing, as any process reads it from the database.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{PROJECTIONS, Position};
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::dead_letters;
use super::pause::{is_full, paused};
use super::projectors::ProjectionName;
use super::rebuild::REBUILD_LOCK;
use super::status::ProjectionState;
use crate::reads::ReadError;

/// Events that a projection is behind are counted up to so many.
pub const LAG_COUNTED_MAX: u64 = 10_000;

/// How a projection is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionReport {
    /// Which.
    pub name: ProjectionName,
    /// The version of the fold that made its rows; absent before it has begun.
    pub version: Option<u32>,
    /// Which making of the rows this is; 0 before it has begun.
    pub generation: u64,
    /// `starting`, `live`, `waiting` for the database, `paused`, `stopped`, or `unowned` when no process follows the log.
    pub state: &'static str,
    /// Why it does not move, if it does not. Never quotes an event.
    pub reason: Option<String>,
    /// The last event that it has passed.
    pub position: Position,
    /// The last event of the log.
    pub head: Position,
    /// Events of the log that it has not passed: exact up to [`LAG_COUNTED_MAX`], else at least so many.
    pub lag_events: u64,
    /// How long ago the oldest of these was recorded, by the server's clock, in milliseconds; 0 when there is none.
    pub lag_ms: u64,
    /// Events of the log that it passed in a second, when its owner last told.
    pub events_per_second: f64,
    /// Events that it could not take in.
    pub dead_letters: u64,
    /// Events that wait behind these.
    pub waiting: u64,
    /// What went wrong last, and when.
    pub last_error: Option<(String, DateTime<Utc>)>,
    /// The rows that these replaced, if a rollback can go back to them.
    pub former: Option<Former>,
    /// The rebuild that is under way, or was cut off.
    pub rebuild: Option<RebuildReport>,
}

impl ProjectionReport {
    /// It stays where it is until an operator resumes it or makes room for what waits.
    pub fn is_paused(&self) -> bool {
        self.state == ProjectionState::Paused.as_str()
    }
}

/// The rows that were live before the last rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Former {
    /// The version of the fold that made them.
    pub version: u32,
    /// Which making of the rows.
    pub generation: u64,
    /// How far they had come.
    pub position: Position,
}

/// A rebuild, as whoever makes it last told.
#[derive(Debug, Clone, PartialEq)]
pub struct RebuildReport {
    /// What it is at.
    pub phase: String,
    /// How far it has come, from 0 to 1.
    pub progress: f64,
    /// Events a second.
    pub events_per_second: f64,
    /// No process is at it any more: it ended without a word, and what it has made is of no use.
    pub is_cut_off: bool,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When this was told.
    pub told_at: DateTime<Utc>,
}

/// A key of which events wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedKey {
    /// The row family.
    pub key: StreamId,
    /// How many of its events wait, the first included.
    pub events: u64,
    /// The first of them.
    pub position: Position,
    /// Its name, for example `RoomsReserved`.
    pub event_type: String,
    /// Why it cannot be taken in. Never quotes it.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// How all projections of this program are doing, in their order.
///
/// # Errors
///
/// When the database does not answer.
pub async fn reports(pool: &PgPool) -> Result<Vec<ProjectionReport>, ReadError> {
    let asked = sqlx::query(
        "SELECT c.*, c.name IS NOT NULL AS has_begun, s.state, s.events_per_s, s.last_error, s.last_error_at, \
                r.phase, r.position AS made, r.until, r.events_per_s AS made_per_s, r.started_at, r.told_at AS made_told_at, \
                r.name IS NOT NULL AND NOT EXISTS ( \
                    SELECT FROM pg_locks k \
                     WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2 AND k.classid = $4::oid \
                       AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                       AND k.objid = hashtext(current_schema() || '.' || r.name)::oid) AS is_cut_off, \
                d.dead, d.waiting, lag.events AS lag_events, \
                coalesce(extract(epoch FROM clock_timestamp() - oldest.recorded_at) * 1000, 0)::bigint AS lag_ms, \
                coalesce((SELECT max(position) FROM events), 0) AS head, \
                EXISTS (SELECT FROM owners WHERE name = $2 AND held_until > clock_timestamp()) AS is_owned \
           FROM unnest($1::text[]) WITH ORDINALITY AS known(name, place) \
           LEFT JOIN projection_checkpoints c ON c.name = known.name \
           LEFT JOIN projection_status s ON s.name = known.name \
           LEFT JOIN projection_rebuilds r ON r.name = known.name \
          CROSS JOIN LATERAL (SELECT count(l.reason) AS dead, count(*) - count(l.reason) AS waiting \
                                FROM projection_dead_letters l WHERE l.name = c.name AND l.generation = c.generation) d \
          CROSS JOIN LATERAL (SELECT count(*) AS events \
                                FROM (SELECT FROM events e WHERE e.position > coalesce(c.position, 0) \
                                       ORDER BY e.position LIMIT $3) behind) lag \
           LEFT JOIN LATERAL (SELECT e.recorded_at FROM events e WHERE e.position > coalesce(c.position, 0) \
                               ORDER BY e.position LIMIT 1) oldest ON true \
          ORDER BY known.place",
    )
    .bind(ProjectionName::ALL.map(ProjectionName::as_str))
    .bind(PROJECTIONS)
    .bind(LAG_COUNTED_MAX.cast_signed())
    .bind(REBUILD_LOCK);
    let rows = outgoing(Point::ProjectionsReported, asked.fetch_all(pool)).await?;
    ProjectionName::ALL.into_iter().zip(&rows).map(|(name, row)| report(name, row)).collect()
}

/// The keys of which events wait, in the order in which they began to, at most `limit`.
///
/// # Errors
///
/// When the database does not answer.
pub async fn parked_keys(pool: &PgPool, name: ProjectionName, limit: usize) -> Result<Vec<ParkedKey>, ReadError> {
    let asked = sqlx::query(
        "WITH keys AS ( \
            SELECT l.key, count(*) AS events, min(l.position) AS position, min(l.parked_at) AS since \
              FROM projection_dead_letters l JOIN projection_checkpoints c ON c.name = l.name AND c.generation = l.generation \
             WHERE l.name = $1 GROUP BY l.key ORDER BY min(l.position) LIMIT $2) \
         SELECT k.*, coalesce(e.event_type, '') AS event_type, \
                coalesce((SELECT l.reason FROM projection_dead_letters l \
                           JOIN projection_checkpoints c ON c.name = l.name AND c.generation = l.generation \
                          WHERE l.name = $1 AND l.position = k.position), 'it waits behind another') AS reason \
           FROM keys k LEFT JOIN events e ON e.position = k.position ORDER BY k.position",
    )
    .bind(name.as_str())
    .bind(limit as i64);
    let rows = outgoing(Point::DeadLettersRead, asked.fetch_all(pool)).await?;
    rows.iter().map(parked_key).collect()
}

fn parked_key(row: &PgRow) -> Result<ParkedKey, ReadError> {
    Ok(ParkedKey {
        key: dead_letters::stream(row.try_get("key")?)?,
        events: row.try_get::<i64, _>("events")?.unsigned_abs(),
        position: position(row.try_get("position")?),
        event_type: row.try_get("event_type")?,
        reason: row.try_get("reason")?,
        since: row.try_get("since")?,
    })
}

const fn position(stored: i64) -> Position {
    Position(stored.unsigned_abs())
}

fn report(name: ProjectionName, row: &PgRow) -> Result<ProjectionReport, ReadError> {
    let (state, reason) = state(row)?;
    let is_owned: bool = row.try_get("is_owned")?;
    let last_error: Option<String> = row.try_get("last_error")?;
    let last_error_at: Option<DateTime<Utc>> = row.try_get("last_error_at")?;
    let told_rate: Option<f64> = row.try_get("events_per_s")?;
    Ok(ProjectionReport {
        name,
        version: row.try_get::<Option<i32>, _>("version")?.map(i32::unsigned_abs),
        generation: row.try_get::<Option<i64>, _>("generation")?.unwrap_or_default().unsigned_abs(),
        state,
        reason,
        position: position(row.try_get::<Option<i64>, _>("position")?.unwrap_or_default()),
        head: position(row.try_get("head")?),
        lag_events: row.try_get::<i64, _>("lag_events")?.unsigned_abs(),
        // A clock that was set back makes nothing younger than now.
        lag_ms: u64::try_from(row.try_get::<i64, _>("lag_ms")?).unwrap_or_default(),
        // Whoever was killed could not tell that it stands still.
        events_per_second: told_rate.filter(|_| is_owned).unwrap_or_default(),
        dead_letters: row.try_get::<i64, _>("dead")?.unsigned_abs(),
        waiting: row.try_get::<i64, _>("waiting")?.unsigned_abs(),
        last_error: last_error.zip(last_error_at),
        former: former(row)?,
        rebuild: rebuild(row)?,
    })
}

/// What stands in the checkpoint goes before what its owner told last.
fn state(row: &PgRow) -> Result<(&'static str, Option<String>), ReadError> {
    if let Some(since) = row.try_get("paused_since")? {
        return Ok((ProjectionState::Paused.as_str(), Some(paused(since))));
    }
    if let Some(reason) = row.try_get::<Option<String>, _>("stopped_reason")? {
        let state = if is_full(&reason) { ProjectionState::Paused } else { ProjectionState::Stopped };
        return Ok((state.as_str(), Some(reason)));
    }
    if !row.try_get::<bool, _>("is_owned")? {
        return Ok((UNOWNED, Some("no process follows the log: start `traveladvisor serve`".to_owned())));
    }
    if !row.try_get::<bool, _>("has_begun")? {
        return Ok((ProjectionState::Starting.as_str(), None));
    }
    // An owner that has paused or stopped has written that down; what it told before has passed.
    let is_waiting = row.try_get::<Option<&str>, _>("state")? == Some(ProjectionState::Waiting.as_str());
    Ok((if is_waiting { ProjectionState::Waiting } else { ProjectionState::Live }.as_str(), None))
}

/// Nobody follows the log.
const UNOWNED: &str = "unowned";

fn former(row: &PgRow) -> Result<Option<Former>, ReadError> {
    let version: Option<i32> = row.try_get("former_version")?;
    let generation: Option<i64> = row.try_get("former_generation")?;
    let reached: Option<i64> = row.try_get("former_position")?;
    Ok(version.zip(generation).zip(reached).map(|((version, generation), reached)| Former {
        version: version.unsigned_abs(),
        generation: generation.unsigned_abs(),
        position: position(reached),
    }))
}

fn rebuild(row: &PgRow) -> Result<Option<RebuildReport>, ReadError> {
    let Some(phase) = row.try_get::<Option<String>, _>("phase")? else { return Ok(None) };
    let (made, until): (i64, i64) = (row.try_get("made")?, row.try_get("until")?);
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let progress = if until > 0 { (made as f64 / until as f64).min(1.0) } else { 1.0 };
    Ok(Some(RebuildReport {
        phase,
        progress,
        events_per_second: row.try_get("made_per_s")?,
        is_cut_off: row.try_get("is_cut_off")?,
        started_at: row.try_get("started_at")?,
        told_at: row.try_get("made_told_at")?,
    }))
}
