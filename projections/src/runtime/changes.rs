//! What a flush changes: rows of tables, written live by a statement for each table, by a rebuild as whole tables.

use sqlx::PgConnection;

use super::rows::Rows;
use super::table::Table;

/// Changes in the order in which they are made.
#[derive(Debug, Default)]
pub struct Changes(Vec<Change>);

/// A change of one table.
#[derive(Debug)]
pub enum Change {
    /// Rows are written; those that are there already are met as the table says.
    Write(Rows),
    /// Rows are written of keys that are in no row yet, however much was flushed before.
    WriteNew(Rows),
    /// The rows of these keys go. The table of the keys names its columns.
    Delete(Rows),
}

impl Changes {
    /// None yet.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Rows are written; those that are there already are met as the table says.
    pub fn write(&mut self, rows: Rows) {
        self.push(Change::Write(rows));
    }

    /// Rows are written of keys that are in no row yet.
    pub fn write_new(&mut self, rows: Rows) {
        self.push(Change::WriteNew(rows));
    }

    /// The rows of these keys go.
    pub fn delete(&mut self, keys: Rows) {
        self.push(Change::Delete(keys));
    }

    fn push(&mut self, change: Change) {
        if change.rows().count() > 0 {
            self.0.push(change);
        }
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<Change> {
        self.0
    }

    /// Makes them, each by one statement.
    pub(super) async fn make(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        for change in self.0 {
            change.make(connection).await?;
        }
        Ok(())
    }
}

impl Change {
    /// What is written, or the keys of what goes.
    pub(super) const fn rows(&self) -> &Rows {
        match self {
            Self::Write(rows) | Self::WriteNew(rows) | Self::Delete(rows) => rows,
        }
    }

    /// Makes it by one statement.
    pub(super) async fn make(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let table: &Table = self.rows().table();
        let statement = match self {
            Self::Write(_) | Self::WriteNew(_) => table.write_statement(),
            Self::Delete(_) => table.delete_statement(),
        };
        let mut query = sqlx::query(&statement);
        for array in self.rows().arrays() {
            query = query.bind(array);
        }
        query.execute(connection).await?;
        Ok(())
    }
}
