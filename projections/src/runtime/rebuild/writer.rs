//! Rows written into shadow tables: by COPY as long as they are new, merged by a statement once they may meet others.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::error::RebuildError;
use super::shadow::Shadow;
use crate::runtime::changes::Change;
use crate::runtime::rows::Rows;

/// Bytes that are handed to the connection at once, which copies them.
const SEND_BYTES: usize = 64 << 10;
/// What begins a COPY in binary form: its signature, no flags, no extension.
const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What ends it: no further row.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Writes the rows of one projection.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: PgConnection,
    pub(super) shadow: Shadow,
    gathered: BTreeMap<&'static str, Vec<Rows>>,
    /// Tables that rows were written into.
    begun: BTreeSet<&'static str>,
    /// Bytes of a table's rows that are gathered for one COPY.
    copy_bytes: usize,
}

impl Writer {
    pub(super) const fn new(connection: PgConnection, shadow: Shadow, copy_bytes: usize) -> Self {
        Self { connection, shadow, gathered: BTreeMap::new(), begun: BTreeSet::new(), copy_bytes }
    }

    /// Takes changes in their order.
    pub(super) async fn take(&mut self, changes: Vec<Change>) -> Result<(), RebuildError> {
        for change in changes {
            let name = change.rows().table().name;
            let is_first = !self.begun.contains(name);
            match change {
                Change::WriteNew(rows) => self.gather(rows).await?,
                Change::Write(rows) if is_first => self.gather(rows).await?,
                // There is nothing to delete.
                Change::Delete(_) if is_first => {}
                Change::Write(_) | Change::Delete(_) => {
                    self.write_gathered().await?;
                    self.shadow.give_keys(&mut self.connection).await?;
                    outgoing(Point::Rebuilt, change.make(&mut self.connection)).await?;
                }
            }
        }
        Ok(())
    }

    async fn gather(&mut self, rows: Rows) -> Result<(), RebuildError> {
        let name = rows.table().name;
        self.begun.insert(name);
        let gathered = self.gathered.entry(name).or_default();
        gathered.push(rows);
        if gathered.iter().map(|rows| rows.bytes().len()).sum::<usize>() >= self.copy_bytes {
            let gathered = std::mem::take(gathered);
            self.copy(gathered).await?;
        }
        Ok(())
    }

    /// Writes what was gathered; then a query on this connection sees all rows.
    pub(super) async fn write_gathered(&mut self) -> Result<(), RebuildError> {
        for gathered in std::mem::take(&mut self.gathered).into_values() {
            self.copy(gathered).await?;
        }
        Ok(())
    }

    async fn copy(&mut self, gathered: Vec<Rows>) -> Result<(), RebuildError> {
        let Some(table) = gathered.first().map(Rows::table) else { return Ok(()) };
        let statement = format!("COPY {} ({}) FROM STDIN (FORMAT BINARY)", table.name, table.column_list());
        outgoing(Point::RebuildCopied, async {
            let mut copy = self.connection.copy_in_raw(&statement).await?;
            copy.send(HEADER.as_slice()).await?;
            for rows in gathered {
                for bytes in rows.bytes().chunks(SEND_BYTES) {
                    copy.send(bytes).await?;
                }
            }
            copy.send(TRAILER.as_slice()).await?;
            copy.finish().await
        })
        .await?;
        Ok(())
    }
}
