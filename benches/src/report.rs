//! What is printed.

use std::error::Error;
use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

use crate::Outcome;
use crate::options::ROUNDS;

/// One side of one scenario at one number of clients. Medians of the rounds.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) clients: u32,
    pub(crate) ops_per_s: f64,
    /// Slowest round.
    pub(crate) slowest: f64,
    /// Fastest round.
    pub(crate) fastest: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) ratio_to_floor: Option<f64>,
    pub(crate) ratio_to_ceiling: Option<f64>,
    pub(crate) ratio_to_postgres_es: Option<f64>,
    pub(crate) events_per_op: Option<f64>,
    pub(crate) commits_per_op: Option<f64>,
    pub(crate) wal_bytes_per_op: f64,
    pub(crate) cpu_ms_per_op: f64,
    /// Median latency in terms of the floor's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p50_to_floor: Option<f64>,
    /// Trips in terms of their four bare writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio_to_bare: Option<f64>,
    /// One hotel in terms of fresh aggregates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio_to_engine: Option<f64>,
    /// The time of one operation in terms of the shortest log's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio_to_first: Option<f64>,
    /// From the start of the engine to its first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_answer_ms: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// Prints the rows as JSON or for people.
pub(crate) fn print(rows: &[Row], json: bool) -> Outcome<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, rows)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "{}", table(rows))?;
    writeln!(out, "medians of {ROUNDS} rounds, sides in turn; ×: times what the column names, in the same round")?;
    for (scenario, ms) in rows.iter().filter_map(|row| Some((&row.scenario, row.first_answer_ms?))) {
        writeln!(out, "{scenario}: the engine's first answer came {ms:.1} ms after its start")?;
    }
    for note in rows.iter().flat_map(|row| &row.notes) {
        writeln!(out, "{note}")?;
    }
    Ok(())
}

/// Says on standard error what went wrong.
pub(crate) fn complain(error: &(dyn Error + 'static)) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "error: {error}");
}

/// Says on standard error what is being measured.
pub(crate) fn progress(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "scenario",
        "clients",
        "ops/s",
        "min–max",
        "p50 ms",
        "p99 ms",
        "×floor",
        "p50 ×floor",
        "×ceiling",
        "×postgres-es",
        "×other",
        "events/op",
        "commits/op",
        "WAL B/op",
        "CPU ms/op",
    ]);
    for row in rows {
        let other = [("bare", row.ratio_to_bare), ("engine", row.ratio_to_engine), ("first", row.ratio_to_first)];
        let other = other.into_iter().find_map(|(name, ratio)| Some(format!("{:.2} {name}", ratio?)));
        let cells = [
            row.scenario.clone(),
            row.clients.to_string(),
            format!("{:.0}", row.ops_per_s),
            format!("{:.0}–{:.0}", row.slowest, row.fastest),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
            times(row.ratio_to_floor),
            times(row.p50_to_floor),
            times(row.ratio_to_ceiling),
            times(row.ratio_to_postgres_es),
            other.unwrap_or_default(),
            times(row.events_per_op),
            row.commits_per_op.map(|value| format!("{value:.3}")).unwrap_or_default(),
            format!("{:.0}", row.wal_bytes_per_op),
            format!("{:.3}", row.cpu_ms_per_op),
        ];
        let mut cells: Vec<Cell> =
            cells.into_iter().map(|text| Cell::new(text).set_alignment(CellAlignment::Right)).collect();
        if let Some(first) = cells.first_mut() {
            *first = first.clone().set_alignment(CellAlignment::Left);
        }
        table.add_row(cells);
    }
    table
}

fn times(ratio: Option<f64>) -> String {
    ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default()
}
