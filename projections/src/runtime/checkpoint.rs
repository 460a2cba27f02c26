//! How far a projection has come, and who may move it: one row each.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use traveladvisor_infra::event_log::{PROJECTIONS, Position};
use traveladvisor_infra::fail_points::{Point, outgoing};

/// A checkpoint as its owner found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) position: Position,
    pub(super) epoch: i64,
    pub(super) version: u32,
    /// Which making of the rows this is.
    pub(super) generation: i64,
    /// Since when an operator has it paused.
    pub(super) paused_since: Option<DateTime<Utc>>,
}

/// Takes a checkpoint over: raises its epoch, so that nothing of a former owner can follow. Makes it when it is new. None when the turn
/// in which it is taken over has passed.
pub(super) async fn claim(
    pool: &PgPool,
    name: &str,
    version: u32,
    turn: Option<u64>,
) -> Result<Option<Checkpoint>, sqlx::Error> {
    let claim = sqlx::query(
        "INSERT INTO projection_checkpoints AS c (name, version, position, epoch) SELECT $1, $2, 0, 1 \
          WHERE $3 IS NULL OR EXISTS (SELECT FROM owners WHERE name = $4 AND epoch = $3) \
         ON CONFLICT (name) DO UPDATE SET epoch = c.epoch + 1, stopped_reason = NULL \
         RETURNING position, epoch, version, generation, paused_since",
    )
    .bind(name)
    .bind(version.cast_signed())
    .bind(turn.map(u64::cast_signed))
    .bind(PROJECTIONS);
    let row = outgoing(Point::ProjectionClaimed, claim.fetch_optional(pool)).await?;
    Ok(row.map(|row| Checkpoint {
        position: Position(row.get::<i64, _>("position").unsigned_abs()),
        epoch: row.get("epoch"),
        version: row.get::<i32, _>("version").unsigned_abs(),
        generation: row.get("generation"),
        paused_since: row.get("paused_since"),
    }))
}

/// A checkpoint as others see it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) position: Position,
    pub(super) stopped_reason: Option<String>,
    pub(super) paused_since: Option<DateTime<Utc>>,
}

/// Where a checkpoint stands, whoever moves it, and why it stays there if it does; absent before its first owner.
pub(super) async fn look(pool: &PgPool, name: &str) -> Result<Option<Seen>, sqlx::Error> {
    let look = sqlx::query("SELECT position, stopped_reason, paused_since FROM projection_checkpoints WHERE name = $1");
    let row = outgoing(Point::ProjectionLooked, look.bind(name).fetch_optional(pool)).await?;
    Ok(row.map(|row| Seen {
        position: Position(row.get::<i64, _>("position").unsigned_abs()),
        stopped_reason: row.get("stopped_reason"),
        paused_since: row.get("paused_since"),
    }))
}

/// Where the checkpoint of an owner stands; absent when another has taken it over.
pub(super) async fn position(
    executor: impl PgExecutor<'_>,
    name: &str,
    epoch: i64,
) -> Result<Option<Position>, sqlx::Error> {
    let asked = sqlx::query_scalar("SELECT position FROM projection_checkpoints WHERE name = $1 AND epoch = $2")
        .bind(name)
        .bind(epoch);
    let found: Option<i64> = outgoing(Point::ProjectionPosition, asked.fetch_optional(executor)).await?;
    Ok(found.map(|position| Position(position.unsigned_abs())))
}

/// What came of moving a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// It stands where its owner wanted it.
    Yes,
    /// It is its owner's and stands elsewhere: a commit whose answer was lost had moved it. Nothing was changed.
    Elsewhere(Position),
    /// It is another's. Nothing was changed.
    Deposed,
}

/// Moves the checkpoint, inside the caller's transaction if there is one, if it is where its owner left it.
pub(super) async fn advance(
    connection: &mut PgConnection,
    name: &str,
    epoch: i64,
    from: Position,
    to: Position,
) -> Result<Moved, sqlx::Error> {
    let update =
        sqlx::query("UPDATE projection_checkpoints SET position = $4 WHERE name = $1 AND epoch = $2 AND position = $3")
            .bind(name)
            .bind(epoch)
            .bind(from.0.cast_signed())
            .bind(to.0.cast_signed());
    let moved = outgoing(Point::ProjectionMoved, update.execute(&mut *connection)).await?;
    if moved.rows_affected() == 1 {
        return Ok(Moved::Yes);
    }
    // The update may have waited for a commit that its snapshot did not see; this statement sees it.
    Ok(position(connection, name, epoch).await?.map_or(Moved::Deposed, Moved::Elsewhere))
}

/// Writes down why a projection stays where it is.
pub(super) async fn stop(pool: &PgPool, name: &str, epoch: i64, reason: &str) -> Result<(), sqlx::Error> {
    let update = sqlx::query("UPDATE projection_checkpoints SET stopped_reason = $3 WHERE name = $1 AND epoch = $2")
        .bind(name)
        .bind(epoch)
        .bind(reason);
    outgoing(Point::ProjectionStopped, update.execute(pool)).await?;
    Ok(())
}
