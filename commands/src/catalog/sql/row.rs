//! A row of an insert.

use std::collections::HashMap;

/// One row as an insert gives it, or why it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) struct Row {
    /// The line on which it begins, from 1.
    pub(in crate::catalog) line: u64,
    /// With its schema, such as `hotel.hotels`; empty when the statement could not be read so far.
    pub(in crate::catalog) table: String,
    /// Values by column; each `None` is NULL. A value can be unreadable by itself.
    pub(super) cells: Result<HashMap<String, Result<Option<String>, String>>, String>,
}

impl Row {
    /// A row that cannot be read.
    pub(super) fn damaged(line: u64, table: &str, reason: impl Into<String>) -> Self {
        Self { line, table: table.to_owned(), cells: Err(reason.into()) }
    }

    /// Why the row as a whole cannot be read.
    pub(in crate::catalog) fn damage(&self) -> Option<&str> {
        self.cells.as_ref().err().map(String::as_str)
    }

    /// The text of a column that must be there.
    pub(in crate::catalog) fn text(&self, column: &str) -> Result<&str, String> {
        let cells = self.cells.as_ref().map_err(Clone::clone)?;
        match cells.get(column) {
            None => Err(format!("{column}: the column is missing")),
            Some(Ok(None)) => Err(format!("{column}: must not be NULL")),
            Some(Ok(Some(value))) => Ok(value),
            Some(Err(reason)) => Err(format!("{column}: {reason}")),
        }
    }

    /// Whether a column is there and holds nothing.
    pub(in crate::catalog) fn is_null(&self, column: &str) -> bool {
        self.cells.as_ref().is_ok_and(|cells| matches!(cells.get(column), Some(Ok(None))))
    }

    /// The number of a column that must be there.
    pub(in crate::catalog) fn number<T: std::str::FromStr>(&self, column: &str) -> Result<T, String> {
        self.text(column)?.parse().map_err(|_| format!("{column}: not a number"))
    }
}
