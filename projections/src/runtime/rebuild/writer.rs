//! Rows written into shadow tables: by COPY as long as they are new, merged by a statement once they may meet others.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::error::RebuildError;
use super::shadow::Shadow;
use crate::runtime::changes::Change;
use crate::runtime::rows::Rows;
use crate::runtime::table::Table;

/// Bytes of a table's rows that are gathered for one COPY.
const COPY_BYTES: usize = 4 << 20;
/// What begins a COPY in binary form: its signature, no flags, no extension.
const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What ends it: no further row.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Writes the rows of one projection.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: PgConnection,
    pub(super) shadow: Shadow,
    gathered: BTreeMap<&'static str, (&'static Table, Vec<u8>)>,
    /// Tables that rows were written into.
    begun: BTreeSet<&'static str>,
}

impl Writer {
    pub(super) const fn new(connection: PgConnection, shadow: Shadow) -> Self {
        Self { connection, shadow, gathered: BTreeMap::new(), begun: BTreeSet::new() }
    }

    /// Takes changes in their order.
    pub(super) async fn take(&mut self, changes: Vec<Change>) -> Result<(), RebuildError> {
        for change in changes {
            let name = change.rows().table().name;
            let is_first = !self.begun.contains(name);
            match change {
                Change::WriteNew(rows) => self.gather(&rows).await?,
                Change::Write(rows) if is_first => self.gather(&rows).await?,
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

    async fn gather(&mut self, rows: &Rows) -> Result<(), RebuildError> {
        let table = rows.table();
        self.begun.insert(table.name);
        let (_, bytes) = self.gathered.entry(table.name).or_insert_with(|| (table, HEADER.to_vec()));
        bytes.extend_from_slice(rows.bytes());
        if bytes.len() >= COPY_BYTES {
            let bytes = std::mem::replace(bytes, HEADER.to_vec());
            self.copy(table, bytes).await?;
        }
        Ok(())
    }

    /// Writes what was gathered; then a query on this connection sees all rows.
    pub(super) async fn write_gathered(&mut self) -> Result<(), RebuildError> {
        for (table, bytes) in std::mem::take(&mut self.gathered).into_values() {
            if bytes.len() > HEADER.len() {
                self.copy(table, bytes).await?;
            }
        }
        Ok(())
    }

    async fn copy(&mut self, table: &'static Table, mut bytes: Vec<u8>) -> Result<(), RebuildError> {
        bytes.extend_from_slice(&TRAILER);
        let statement = format!("COPY {} ({}) FROM STDIN (FORMAT BINARY)", table.name, table.column_list());
        outgoing(Point::RebuildCopied, async {
            let mut copy = self.connection.copy_in_raw(&statement).await?;
            copy.send(bytes).await?;
            copy.finish().await
        })
        .await?;
        Ok(())
    }
}
