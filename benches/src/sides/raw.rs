//! Bare inserts over connections of their own, each with a prepared statement: floor, ceiling and bare trips.

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection};

use crate::Outcome;
use crate::database;
use crate::server::BenchServer;

/// Length of a payload, in bytes.
const PAYLOAD_BYTES: usize = 250;
/// Length of metadata, in bytes.
const METADATA_BYTES: usize = 130;

/// One row.
pub(crate) const INSERT_ONE: &str = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
     metadata) VALUES ($1, $2, $3, 'Happened', '1', $4::json, $5::json)";

/// JSON of exactly so many bytes.
pub(crate) fn json(bytes: usize) -> String {
    let frame = r#"{"text":""}"#;
    format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes.saturating_sub(frame.len())))
}

pub(crate) fn payload() -> String {
    json(PAYLOAD_BYTES)
}

pub(crate) fn metadata() -> String {
    json(METADATA_BYTES)
}

/// A connection that inserts.
pub(crate) struct Writer {
    pub(crate) connection: PgConnection,
    /// First part of the ids that this writer makes.
    pub(crate) name: String,
    pub(crate) made: i64,
    pub(crate) payload: String,
    pub(crate) metadata: String,
}

impl Writer {
    /// Inserts one row of a kind with a commit.
    pub(crate) async fn insert_one(&mut self, kind: &str) -> Outcome<()> {
        sqlx::query(INSERT_ONE)
            .bind(kind)
            .bind(format!("{kind}_{}{:010}", self.name, self.made))
            .bind(1_i64)
            .bind(&self.payload)
            .bind(&self.metadata)
            .execute(&mut self.connection)
            .await?;
        self.made += 1;
        Ok(())
    }
}

/// Writers into a new database.
pub(crate) async fn writers(server: &BenchServer, database: &str, count: u32) -> Outcome<Vec<Writer>> {
    database::peer(server, database, 1).await?.close().await;
    let options = server.connect_options(database).disable_statement_logging();
    let mut writers = Vec::new();
    for number in 0..count {
        writers.push(Writer {
            connection: PgConnection::connect_with(&options).await?,
            name: format!("01jd{number:04}"),
            made: 0,
            payload: payload(),
            metadata: metadata(),
        });
    }
    Ok(writers)
}

/// Closes their connections, so that they count no more.
pub(crate) async fn close<T: Into<PgConnection>>(connections: Vec<T>) -> Outcome<()> {
    for connection in connections {
        connection.into().close().await?;
    }
    Ok(())
}

impl From<Writer> for PgConnection {
    fn from(writer: Writer) -> Self {
        writer.connection
    }
}
