//! Output: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, TableComponent, presets};
use serde::Serialize;

/// Width of tables, in characters, where there is no terminal to ask.
const TABLE_WIDTH: u16 = 100;

/// How results are printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
}

impl Printer {
    /// Prints JSON or for people, with or without hints.
    pub(crate) const fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether results are JSON.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Whether a progress bar has somebody to look at it.
    pub(crate) fn shows_bars(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether plain progress lines are wanted.
    pub(crate) const fn shows_hints(self) -> bool {
        !self.quiet
    }

    /// A line of the result.
    #[expect(clippy::unused_self, reason = "all output goes through the printer")]
    pub(crate) fn line(self, text: impl AsRef<str>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_ref().as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// A result as one line of JSON.
    pub(crate) fn json(self, value: &impl Serialize) -> io::Result<()> {
        self.line(serde_json::to_string(value)?)
    }

    /// Something that helps, and is no result.
    pub(crate) fn hint(self, text: impl AsRef<str>) {
        if self.shows_hints() {
            // Standard error may be closed; that is no reason to stop.
            let _ = writeln!(io::stderr(), "{}", text.as_ref());
        }
    }

    /// Why the verb ends.
    #[expect(clippy::unused_self, reason = "all output goes through the printer")]
    pub(crate) fn error(self, text: &str) {
        let _ = writeln!(io::stderr(), "traveladvisor: {text}");
    }
}

/// An empty table that fits the terminal.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    if !io::stdout().is_terminal() {
        table.set_width(TABLE_WIDTH);
    }
    table.set_header(header);
    table
}

/// Keeps a column's words whole, so that they can be copied.
pub(crate) fn unbroken(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}
