//! How far a connector has carried what appends have for other logs (the table `outbox`), and whether that is its business at all.

use sqlx::Row;

use super::{EventLog, LogError, in_time};
use crate::fail_points::Point;

/// The source in `consumed_offsets` that stands for the table: it is there while a connector carries.
const OUTBOX: &str = "outbox";
/// What the server says of a slot whose write-ahead log it has thrown away.
const LOST: &str = "lost";

/// How far a connector has come. Places are those of the server's write-ahead log, in bytes from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// There is no slot of that name in this database.
    NoSlot,
    /// The server has thrown away what the slot had not read.
    Lost,
    /// It reads.
    Known {
        /// Behind the last rows that were written for it; 0 while there are none.
        written: u64,
        /// Up to where it says that it has them.
        confirmed: u64,
    },
}

impl Carried {
    /// Bytes of the write-ahead log between what the connector has and the last rows for it.
    pub const fn unconfirmed_bytes(self) -> u64 {
        match self {
            Self::Known { written, confirmed } => written.saturating_sub(confirmed),
            Self::NoSlot | Self::Lost => 0,
        }
    }
}

impl EventLog {
    /// How far the connector behind this replication slot has come.
    ///
    /// Errors: the database is away.
    pub async fn carried(&self, slot: &str) -> Result<Carried, LogError> {
        // A place that this server has not come to was written by another one, before a restore: nothing of it is to be waited for.
        let query = sqlx::query(
            "SELECT coalesce((SELECT c.\"offset\" FROM consumed_offsets c \
                               WHERE c.source = $2 AND c.\"offset\" <= pg_current_wal_insert_lsn() - '0/0'::pg_lsn), 0) AS written, \
                    (s.confirmed_flush_lsn - '0/0'::pg_lsn)::bigint AS confirmed, s.wal_status \
               FROM (SELECT) AS one \
               LEFT JOIN pg_replication_slots s ON s.slot_name = $1 AND s.database = current_database()",
        )
        .bind(slot)
        .bind(OUTBOX);
        let row = in_time(Point::ConsumedOffset, query.fetch_one(self.lent())).await?;
        let Some(confirmed) = row.get::<Option<i64>, _>("confirmed") else { return Ok(Carried::NoSlot) };
        if row.get::<Option<&str>, _>("wal_status") == Some(LOST) {
            return Ok(Carried::Lost);
        }
        let written = row.get::<i64, _>("written").unsigned_abs();
        Ok(Carried::Known { written, confirmed: confirmed.unsigned_abs() })
    }

    /// Whether a connector carries what appends have for others.
    ///
    /// Errors: the database is away.
    pub async fn leaves_it_to_a_connector(&self) -> Result<bool, LogError> {
        let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM consumed_offsets WHERE source = $1)").bind(OUTBOX);
        in_time(Point::ConsumedOffset, query.fetch_one(self.lent())).await
    }

    /// From now on a connector carries; harmless twice.
    ///
    /// Errors: the database is away.
    pub async fn leave_it_to_a_connector(&self) -> Result<(), LogError> {
        let insert =
            sqlx::query("INSERT INTO consumed_offsets (source, \"offset\") VALUES ($1, 0) ON CONFLICT DO NOTHING");
        in_time(Point::CheckpointMoved, insert.bind(OUTBOX).execute(self.lent())).await?;
        Ok(())
    }

    /// From now on the relay sends; harmless twice.
    ///
    /// Errors: the database is away.
    pub async fn leave_it_to_the_relay(&self) -> Result<(), LogError> {
        let delete = sqlx::query("DELETE FROM consumed_offsets WHERE source = $1").bind(OUTBOX);
        in_time(Point::CheckpointMoved, delete.execute(self.lent())).await?;
        Ok(())
    }
}
