//! The switch (L20): one short transaction in which new rows take the place of the live ones.
//!
//! The tables change places by schema: the live ones go to the schema of former rows, the new ones come to the log's. Names, keys and
//! indexes stay as they are, and whoever asks for a table by its name finds the new one with the next statement.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{Executor, PgConnection, Row};
use tokio::sync::watch;
use tokio::time::Instant;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::error::RebuildError;
use super::making::Made;
use super::progress::Progress;
use super::reading::end_of;
use super::shadow::quoted;
use super::writer::Writer;
use super::{Schemas, catch_up};
use crate::runtime::dead_letters::{Letter, columns};
use crate::runtime::step::describe;
use crate::runtime::table::Table;

/// Events that the switch itself takes in at most, while the live projector waits.
pub const SWITCH_EVENTS_MAX: usize = 200;
/// How long the switch waits for a lock, in milliseconds: so long at most those who read wait behind it.
pub const SWITCH_LOCK_MS: u64 = 50;
/// How often it is tried before it is given up.
pub const SWITCH_TRIES_MAX: u32 = 600;
/// Pause before it is tried again.
pub(super) const SWITCH_PAUSE: Duration = Duration::from_millis(100);

/// How long it waits for a vacuum of the server's own to give way, in milliseconds: that hears of it after `deadlock_timeout`, a second.
const VACUUM_YIELDS_MS: u64 = 2_000;
/// How long a switch waits for those who still read rows that an earlier one could not drop, in milliseconds.
const DROP_PATIENCE_MS: u64 = 10_000;

/// SQLSTATE of a lock that did not come in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// What a switch did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Switched {
    pub(super) generation: u64,
    /// For how long readers may have waited.
    pub(super) blocked: Duration,
    pub(super) tries: u32,
}

/// Why a try came to nothing.
pub(super) enum Refused {
    /// Somebody holds what it needs.
    Locked,
    /// More has come than is little.
    Behind,
    /// It will not get better.
    Failed(RebuildError),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if code.as_deref() == Some(LOCK_NOT_AVAILABLE) { Self::Locked } else { Self::Failed(error.into()) }
    }
}

impl From<RebuildError> for Refused {
    fn from(error: RebuildError) -> Self {
        Self::Failed(error)
    }
}

/// Switches a projection to its new rows. The live ones become the former ones; those that were former until now are dropped after that.
pub(super) async fn switch(
    log: &EventLog,
    part: &mut Made,
    schemas: &Schemas,
    progress: &watch::Sender<Progress>,
) -> Result<Switched, RebuildError> {
    make_ready(part, schemas).await?;
    for tries in 1..=SWITCH_TRIES_MAX {
        outgoing(Point::Switched, part.builds.writer().connection.execute("BEGIN")).await?;
        match attempt(log, part, schemas).await {
            Ok(Attempted { position, generation, blocked }) => {
                part.position = position;
                drop_gone(part, schemas).await;
                return Ok(Switched { generation, blocked, tries });
            }
            Err(Refused::Failed(error)) => return Err(error),
            Err(refused) => {
                outgoing(Point::Switched, part.builds.writer().connection.execute("ROLLBACK")).await?;
                if matches!(refused, Refused::Locked) {
                    tokio::time::sleep(SWITCH_PAUSE).await;
                }
                catch_up::to_the_end(log, part, progress).await?;
            }
        }
    }
    Err(RebuildError::InUse { name: part.name, tries: SWITCH_TRIES_MAX })
}

/// What the switch needs stands there, and what a former one could not drop is gone.
async fn make_ready(part: &mut Made, schemas: &Schemas) -> Result<(), RebuildError> {
    let (live, former, gone) = (quoted(&schemas.live), quoted(&schemas.former), quoted(&schemas.gone));
    let Writer { connection, shadow, .. } = part.builds.writer();
    let dropped = drop_tables(shadow.tables, &gone);
    let statements = format!("CREATE SCHEMA IF NOT EXISTS {former}; CREATE SCHEMA IF NOT EXISTS {gone}; {dropped}");
    let in_time = format!("SET lock_timeout = '{DROP_PATIENCE_MS}ms'; {statements} RESET lock_timeout");
    let ready = outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&in_time))).await;
    if let Err(error) = ready {
        return Err(match Refused::from(error) {
            Refused::Failed(error) => error,
            Refused::Locked | Refused::Behind => RebuildError::InUse { name: part.name, tries: 1 },
        });
    }
    let checkpoint = format!(
        "INSERT INTO {live}.projection_checkpoints (name, version, position, epoch) VALUES ($1, $2, 0, 1) \
         ON CONFLICT (name) DO NOTHING"
    );
    let checkpoint = sqlx::query(&checkpoint).bind(part.name).bind(part.version.cast_signed());
    outgoing(Point::Switched, checkpoint.execute(connection)).await?;
    Ok(())
}

/// The rows that were former ones until now. Whoever still reads them is not waited for long: the next switch drops them then.
async fn drop_gone(part: &mut Made, schemas: &Schemas) {
    let Writer { connection, shadow, .. } = part.builds.writer();
    let dropped = drop_tables(shadow.tables, &quoted(&schemas.gone));
    let statements = format!("SET lock_timeout = '{SWITCH_LOCK_MS}ms'; {dropped} RESET lock_timeout");
    if let Err(error) = outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&statements))).await {
        tracing::warn!(
            projection = part.name,
            error = describe(&error),
            "former rows are left to the next rebuild to drop"
        );
    }
}

/// A switch that was made.
struct Attempted {
    position: Position,
    generation: u64,
    blocked: Duration,
}

/// One transaction. Readers are only in its way, and it in theirs, from the live tables' locks on.
async fn attempt(log: &EventLog, part: &mut Made, schemas: &Schemas) -> Result<Attempted, Refused> {
    let live = quoted(&schemas.live);
    set_aside_the_rest(part, schemas).await?;
    let checkpoint = lock_checkpoint(&mut part.builds.writer().connection, &live, part.name).await?;
    let rest = catch_up::page_after(log, part.position, SWITCH_EVENTS_MAX + 1).await?;
    if rest.len() > SWITCH_EVENTS_MAX {
        return Err(Refused::Behind);
    }
    part.builds.follow(&rest).await?;
    let position = end_of(&rest).max(part.position);
    let letters = part.builds.dead_letters().to_vec();
    let Writer { connection, shadow, .. } = part.builds.writer();
    let generation = next_generation(checkpoint.as_ref());
    keep_dead_letters(connection, &live, part.name, generation, &letters).await?;
    let checkpoint = format!(
        "UPDATE {live}.projection_checkpoints SET epoch = epoch + 1, stopped_reason = NULL, \
                former_version = version, former_generation = generation, former_position = position, \
                version = $2, generation = $3, position = $4 WHERE name = $1"
    );
    let checkpoint = sqlx::query(&checkpoint)
        .bind(part.name)
        .bind(part.version.cast_signed())
        .bind(generation)
        .bind(position.0.cast_signed());
    outgoing(Point::Switched, checkpoint.execute(&mut *connection)).await?;
    let begun = Instant::now();
    lock_tables(connection, shadow.tables, &live, begun).await?;
    let moves = [(&*schemas.live, &*schemas.former), (&*schemas.rebuild, &*schemas.live)];
    let statements = format!("{} COMMIT", moves.map(|(from, to)| move_tables(shadow.tables, from, to)).concat());
    outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&statements))).await?;
    Ok(Attempted { position, generation: generation.unsigned_abs(), blocked: begun.elapsed() })
}

/// First whatever may take its time and is in nobody's way, that a vacuum gives way. Then the rows that are former ones until now make room, for
/// which nobody should wait who follows the log: the checkpoint is not locked yet.
async fn set_aside_the_rest(part: &mut Made, schemas: &Schemas) -> Result<(), Refused> {
    let Writer { connection, shadow, .. } = part.builds.writer();
    let (live, rebuild) = (quoted(&schemas.live), quoted(&schemas.rebuild));
    let mut tables = present(connection, shadow.tables, &live).await?;
    tables.extend(names(shadow.tables, &rebuild));
    make_vacuum_yield(connection, &tables).await?;
    let statements = format!(
        "SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '{SWITCH_LOCK_MS}ms'; {}",
        move_tables(shadow.tables, &schemas.former, &schemas.gone),
    );
    outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&statements))).await?;
    Ok(())
}

/// A vacuum that the server makes by itself gives way to whoever waits for this lock for longer than `deadlock_timeout`; readers and writers
/// do not meet it.
pub(super) async fn make_vacuum_yield(connection: &mut PgConnection, tables: &[String]) -> Result<(), sqlx::Error> {
    let statements = format!(
        "SET LOCAL lock_timeout = '{VACUUM_YIELDS_MS}ms'; LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE",
        tables.join(", ")
    );
    outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&statements))).await?;
    Ok(())
}

/// One that no rows have had, neither live nor former ones.
fn next_generation(checkpoint: Option<&PgRow>) -> i64 {
    let known = checkpoint.map(|row| (row.get::<i64, _>("generation"), row.get::<Option<i64>, _>("former_generation")));
    known.map_or(1, |(live, former)| live.max(former.unwrap_or(0))) + 1
}

/// The live projector writes nothing any more until the transaction ends.
pub(super) async fn lock_checkpoint(
    connection: &mut PgConnection,
    live: &str,
    name: &'static str,
) -> Result<Option<PgRow>, sqlx::Error> {
    let lock = format!(
        "SELECT generation, former_version, former_generation FROM {live}.projection_checkpoints WHERE name = $1 FOR UPDATE"
    );
    outgoing(Point::Switched, sqlx::query(&lock).bind(name).fetch_optional(connection)).await
}

/// Locks tables against everyone, all of them within [`SWITCH_LOCK_MS`].
pub(super) async fn lock_tables(
    connection: &mut PgConnection,
    tables: &[&'static Table],
    schema: &str,
    begun: Instant,
) -> Result<(), sqlx::Error> {
    for name in present(connection, tables, schema).await? {
        let left = Duration::from_millis(SWITCH_LOCK_MS).saturating_sub(begun.elapsed()).as_millis().max(1);
        let statement = format!("SET LOCAL lock_timeout = '{left}ms'; LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE");
        outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&statement))).await?;
    }
    Ok(())
}

/// The qualified names of those tables that are there: one that somebody has dropped is made anew like the others.
pub(super) async fn present(
    connection: &mut PgConnection,
    tables: &[&'static Table],
    schema: &str,
) -> Result<Vec<String>, sqlx::Error> {
    let present = sqlx::query_scalar("SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL");
    let present = present.bind(names(tables, schema).collect::<Vec<_>>());
    outgoing(Point::Switched, present.fetch_all(connection)).await
}

/// The statements that move tables from one schema to another.
pub(super) fn move_tables(tables: &[&'static Table], from: &str, to: &str) -> String {
    let (from, to) = (quoted(from), quoted(to));
    names(tables, &from)
        .map(|name| format!("ALTER TABLE IF EXISTS {name} SET SCHEMA {to};"))
        .collect::<Vec<_>>()
        .concat()
}

/// The statements that drop tables of a schema, where they are.
pub(super) fn drop_tables(tables: &[&'static Table], schema: &str) -> String {
    names(tables, schema).map(|name| format!("DROP TABLE IF EXISTS {name};")).collect::<Vec<_>>().concat()
}

/// The qualified names of tables.
pub(super) fn names(tables: &[&'static Table], schema: &str) -> impl Iterator<Item = String> {
    tables.iter().map(move |table| format!("{schema}.{}", table.name))
}

/// Dead letters are those of a generation: of generations that are neither live nor former there are none.
async fn keep_dead_letters(
    connection: &mut PgConnection,
    live: &str,
    name: &'static str,
    generation: i64,
    letters: &[Letter],
) -> Result<(), sqlx::Error> {
    let gone = format!(
        "DELETE FROM {live}.projection_dead_letters d USING {live}.projection_checkpoints c \
          WHERE c.name = $1 AND d.name = $1 AND d.generation <> c.generation"
    );
    outgoing(Point::Switched, sqlx::query(&gone).bind(name).execute(&mut *connection)).await?;
    if letters.is_empty() {
        return Ok(());
    }
    let (positions, keys, reasons) = columns(letters);
    let kept = format!(
        "INSERT INTO {live}.projection_dead_letters (name, generation, position, key, reason) \
         SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[])"
    );
    let kept = sqlx::query(&kept).bind(name).bind(generation).bind(positions).bind(keys).bind(reasons);
    outgoing(Point::Switched, kept.execute(connection)).await?;
    Ok(())
}
