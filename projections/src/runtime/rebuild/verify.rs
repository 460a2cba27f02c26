//! Live rows held against rows made anew, as of the same position.
//!
//! Rows and checkpoint commit together (L19), so one snapshot of the database shows the live rows exactly as of the checkpoint that it shows.
//! The new rows are brought to that very position inside the transaction that has this snapshot, and are compared there.

use sqlx::{Executor, PgConnection, Row};
use tokio::sync::watch;
use traveladvisor_infra::event_log::{EventLog, Position, Stretch};
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::error::RebuildError;
use super::making::{Made, Making, Purpose};
use super::progress::{Phase, Progress};
use super::shadow::quoted;
use super::{Rebuild, Schemas, catch_up};
use crate::runtime::projectors::ProjectionName;
use crate::runtime::table::{Holds, Table};

/// Differing rows that are told of each table.
pub const DIFFERENCES_TOLD_MAX: i64 = 10;

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Which projection.
    pub name: &'static str,
    /// As of which position.
    pub position: Position,
    /// Its tables.
    pub tables: Vec<VerifiedTable>,
    /// Events that rows made anew could not take in, with those that wait behind them.
    pub dead_letters: usize,
}

/// What came of the comparison of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows the log makes.
    pub rows: u64,
    /// How many rows differ, are missing or are too many.
    pub differences: u64,
    /// The first of them, by key.
    pub first: Vec<Difference>,
}

/// A row that is not as the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The live row as JSON; absent when it is missing.
    pub live: Option<String>,
    /// The row that the log makes; absent when the live one is too many.
    pub log: Option<String>,
}

impl Verified {
    /// Whether some row is not as the log says.
    pub fn has_drifted(&self) -> bool {
        self.tables.iter().any(|table| table.differences > 0)
    }
}

/// Compares the live rows of a projection with what the log makes of them today. Reads and writes go on meanwhile.
///
/// # Errors
///
/// See [`RebuildError`]; [`RebuildError::UnknownVersion`] when the live rows are of another version than this program's.
pub async fn verify(
    log: &EventLog,
    name: ProjectionName,
    how: Rebuild,
    progress: &watch::Sender<Progress>,
) -> Result<Verified, RebuildError> {
    let schemas = Schemas::of(log.pool()).await?;
    let mut making = Making::begin(log, &[name], how, Purpose::Live, &schemas.verify).await?;
    let compared = compare(log, &mut making, &schemas, progress).await;
    making.leave_nothing().await;
    compared
}

async fn compare(
    log: &EventLog,
    making: &mut Making,
    schemas: &Schemas,
    progress: &watch::Sender<Progress>,
) -> Result<Verified, RebuildError> {
    let live = quoted(&schemas.live);
    let reached = checkpoint(&mut making.parts[0], &live).await?;
    making.read(Stretch { after: Position::START, until: reached }, progress).await?;
    making.complete(progress).await?;
    progress.send_modify(|told| told.phase = Phase::Comparing);
    let part = &mut making.parts[0];
    // Pages that change nothing leave the connection idle for as long as they are read; nobody waits for this transaction.
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL idle_in_transaction_session_timeout = 0";
    outgoing(Point::Rebuilt, part.builds.writer().connection.execute(sqlx::raw_sql(begin))).await?;
    let position = checkpoint(part, &live).await?;
    if position < reached {
        return Err(RebuildError::RolledBack { name: part.name });
    }
    catch_up::within(log, part, position).await?;
    let (verify, tables) = (quoted(&schemas.verify), part.builds.writer().shadow.tables);
    let mut compared = Vec::new();
    for table in tables {
        compared.push(compare_table(&mut part.builds.writer().connection, table, &live, &verify).await?);
    }
    outgoing(Point::Rebuilt, part.builds.writer().connection.execute("ROLLBACK")).await?;
    Ok(Verified { name: part.name, position, tables: compared, dead_letters: part.builds.dead_letters().len() })
}

/// Where the live rows stand.
async fn checkpoint(part: &mut Made, live: &str) -> Result<Position, RebuildError> {
    let asked = format!("SELECT version, position FROM {live}.projection_checkpoints WHERE name = $1");
    let asked = sqlx::query(&asked).bind(part.name);
    let row = outgoing(Point::Rebuilt, asked.fetch_optional(&mut part.builds.writer().connection)).await?;
    let Some(row) = row else { return Ok(Position::START) };
    let found = row.get::<i32, _>("version").unsigned_abs();
    if found != part.version {
        return Err(RebuildError::OtherVersion { name: part.name, found, known: part.version });
    }
    Ok(Position(row.get::<i64, _>("position").unsigned_abs()))
}

async fn compare_table(
    connection: &mut PgConnection,
    table: &'static Table,
    live: &str,
    verify: &str,
) -> Result<VerifiedTable, RebuildError> {
    let key = key_of(connection, table, live).await?;
    if key.is_empty() {
        return Err(RebuildError::LostTable(table.name));
    }
    let same: Vec<_> = key.iter().map(|column| format!("l.{column} = v.{column}")).collect();
    let order: Vec<_> = key.iter().map(|column| format!("coalesce(l.{column}, v.{column})")).collect();
    let values = |side: &str| {
        let text = |column: &crate::runtime::table::Column| match column.holds {
            Holds::Json => format!("{side}.{}::text", column.name),
            _ => format!("{side}.{}", column.name),
        };
        table.columns.iter().map(text).collect::<Vec<_>>().join(", ")
    };
    let query = format!(
        "SELECT row_to_json(l)::text AS live, row_to_json(v)::text AS log, count(*) OVER () AS differences \
           FROM {live}.{name} l FULL JOIN {verify}.{name} v ON {same} \
          WHERE ROW({ours}) IS DISTINCT FROM ROW({theirs}) ORDER BY {order} LIMIT {DIFFERENCES_TOLD_MAX}",
        name = table.name,
        same = same.join(" AND "),
        ours = values("l"),
        theirs = values("v"),
        order = order.join(", "),
    );
    let rows = outgoing(Point::Rebuilt, sqlx::query(&query).fetch_all(&mut *connection)).await?;
    let count = format!("SELECT count(*) FROM {verify}.{}", table.name);
    let count: i64 = outgoing(Point::Rebuilt, sqlx::query_scalar(&count).fetch_one(connection)).await?;
    Ok(VerifiedTable {
        name: table.name,
        rows: count.unsigned_abs(),
        differences: rows.first().map_or(0, |row| row.get::<i64, _>("differences").unsigned_abs()),
        first: rows.iter().map(|row| Difference { live: row.get("live"), log: row.get("log") }).collect(),
    })
}

/// The columns of a table's primary key.
async fn key_of(connection: &mut PgConnection, table: &Table, live: &str) -> Result<Vec<String>, RebuildError> {
    let key = sqlx::query_scalar(
        "SELECT quote_ident(a.attname) FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place) \
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number \
          WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY k.place",
    );
    let name = format!("{live}.{}", table.name);
    Ok(outgoing(Point::Rebuilt, key.bind(name).fetch_all(connection)).await?)
}
