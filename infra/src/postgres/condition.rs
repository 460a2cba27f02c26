//! How a server is doing: what an operator must know before trusting it.

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::migrate::schema_version;
use crate::event_log::{LogError, Position};
use crate::fail_points::{Point, outgoing};

/// The oldest major version that serves.
pub const SERVER_VERSION_MIN: u32 = 15;
/// `server_version_num` is the major version times this, plus the minor one.
const VERSION_FACTOR: u32 = 10_000;

/// How a server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Major version.
    pub version: u32,
    /// The version as the server writes it.
    pub version_text: String,
    /// Whether what is acknowledged is on disk (L6).
    pub fsync: bool,
    /// Whether a commit waits for the disk (L6).
    pub synchronous_commit: bool,
    /// Version of our schema; absent when there is none.
    pub schema_version: Option<i32>,
}

impl Condition {
    /// Why nothing may be written here, if so: what would be acknowledged might not last (L6).
    pub fn unfit(&self) -> Option<String> {
        if self.version < SERVER_VERSION_MIN {
            return Some(format!("Postgres {} is too old: use {SERVER_VERSION_MIN} or later", self.version_text));
        }
        (!self.fsync)
            .then(|| "the server runs with fsync off and would lose what it has acknowledged: switch it on".to_owned())
    }
}

/// Asks the server.
pub async fn condition(pool: &PgPool) -> Result<Condition, LogError> {
    let asked = sqlx::query(
        "SELECT current_setting('server_version_num')::integer AS number, current_setting('server_version') AS version, \
                current_setting('fsync') = 'on' AS fsync, current_setting('synchronous_commit') <> 'off' AS synchronous",
    );
    let row = outgoing(Point::Condition, asked.fetch_one(pool)).await?;
    Ok(Condition {
        version: row.get::<i32, _>("number").unsigned_abs() / VERSION_FACTOR,
        version_text: row.get("version"),
        fsync: row.get("fsync"),
        synchronous_commit: row.get("synchronous"),
        schema_version: schema_version(pool).await?,
    })
}

/// How far a projection has come, as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The projection's name.
    pub name: String,
    /// The last event it has taken in.
    pub position: Position,
    /// Why it stays there, if it met an event that it cannot take in.
    pub stopped_reason: Option<String>,
}

/// The checkpoints of all projections, by name.
pub async fn checkpoints(pool: &PgPool) -> Result<Vec<Checkpoint>, LogError> {
    let found = sqlx::query("SELECT name, position, stopped_reason FROM projection_checkpoints ORDER BY name");
    let rows = outgoing(Point::Checkpoints, found.fetch_all(pool)).await?;
    let checkpoint = |row: &PgRow| Checkpoint {
        name: row.get("name"),
        position: Position(row.get::<i64, _>("position").unsigned_abs()),
        stopped_reason: row.get("stopped_reason"),
    };
    Ok(rows.iter().map(checkpoint).collect())
}

/// The schema that unqualified names of a connection live in: the name of its log (L7).
pub async fn schema_name(pool: &PgPool) -> Result<String, LogError> {
    let name = sqlx::query_scalar("SELECT coalesce(current_schema(), 'public')::text");
    Ok(outgoing(Point::SchemaName, name.fetch_one(pool)).await?)
}
