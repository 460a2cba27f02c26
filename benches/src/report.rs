//! What is printed.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

use crate::Outcome;
use crate::options::ROUNDS;
use crate::statistics::{median, spread};

/// One side of one scenario at one number of clients. Medians of the rounds.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    /// Which part of the scenario, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) what: Option<String>,
    pub(crate) clients: u32,
    pub(crate) ops_per_s: f64,
    /// Slowest round.
    pub(crate) slowest: f64,
    /// Fastest round.
    pub(crate) fastest: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of all rounds.
    pub(crate) max_ms: f64,
    /// Of a hundred trips by card so many were declined at the last step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fail_percent: Option<u32>,
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
    /// Failing trips in terms of the same trips that succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) beside_happy: Option<BesideHappy>,
    /// What a kill costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery: Option<Recovery>,
    /// The most memory that the process which rebuilds had at a time, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_memory_bytes: Option<f64>,
    /// What was asked of it, and whether it holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) bounds: Vec<Bound>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// What a figure may be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// A figure that is judged.
#[derive(Debug, Serialize)]
pub(crate) struct Bound {
    what: &'static str,
    measured: f64,
    limit: Limit,
    is_met: bool,
}

impl Bound {
    /// Judged by the limit.
    pub(crate) fn of(what: &'static str, measured: f64, limit: Limit) -> Self {
        let is_met = match limit {
            Limit::AtLeast(least) => measured >= least,
            Limit::AtMost(most) => measured <= most,
        };
        Self { what, measured, limit, is_met }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_met { "met" } else { "NOT MET" };
        let (side, limit) = match self.limit {
            Limit::AtLeast(limit) => ("at least", limit),
            Limit::AtMost(limit) => ("at most", limit),
        };
        write!(f, "{} {}: {verdict}, {side} {} is asked", self.what, figure(self.measured), figure(limit))
    }
}

/// With as many places as tell something.
fn figure(value: f64) -> String {
    let places = if value.abs() >= 1_000.0 || value.fract() == 0.0 { 0 } else { 2 };
    format!("{value:.places$}")
}

/// What trips cost in terms of the same trips that succeed, or are not paid, in the same rounds.
#[derive(Debug, Serialize)]
pub(crate) struct BesideHappy {
    /// What the others are called.
    of: &'static str,
    /// Time for one trip at the rate of all clients.
    pub(crate) time: f64,
    /// Processor time for one trip.
    pub(crate) cpu: f64,
    /// Median latency.
    pub(crate) p50: f64,
    /// What each may be at most.
    bound: f64,
    is_within: bool,
}

impl BesideHappy {
    /// Judged by the bound.
    pub(crate) fn of([time, cpu, p50]: [f64; 3], (bound, of): (f64, &'static str)) -> Self {
        let is_within = [time, cpu, p50].into_iter().all(|times| times <= bound);
        Self { of, time, cpu, p50, bound, is_within }
    }
}

/// How long it takes after kills until all that was unfinished has ended.
#[derive(Debug, Serialize)]
pub(crate) struct Recovery {
    pub(crate) kills: usize,
    /// Sagas that the killed process left unfinished.
    pub(crate) unfinished: Spread,
    /// From the kill until the last of them has ended.
    pub(crate) from_kill_ms: Spread,
    /// From the start of the next engine.
    pub(crate) from_start_ms: Spread,
    /// From when it may deliver, as the lease of the dead one has run out.
    pub(crate) from_turn_ms: Spread,
}

/// The median of a few values, and the outermost of them.
#[derive(Debug, Serialize)]
pub(crate) struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Of these.
    pub(crate) fn of(values: &[f64]) -> Self {
        let (min, max) = spread(values);
        Self { median: median(values), min, max }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ({:.0}–{:.0})", self.median, self.min, self.max)
    }
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
    for row in rows {
        write!(out, "{}", outcomes(row))?;
    }
    for note in rows.iter().flat_map(|row| &row.notes) {
        writeln!(out, "{note}")?;
    }
    Ok(())
}

/// The scenario, and which part of it.
fn name(row: &Row) -> String {
    row.what.as_ref().map_or_else(|| row.scenario.clone(), |what| format!("{}: {what}", row.scenario))
}

/// What a row's failing path and its kills came to, a line each.
fn outcomes(row: &Row) -> String {
    let share = row.fail_percent.map(|percent| format!(", {percent} % failing")).unwrap_or_default();
    let name = format!("{} at {} clients{share}", name(row), row.clients);
    let beside = row.beside_happy.as_ref().map(|BesideHappy { of, time, cpu, p50, bound, is_within }| {
        let verdict = if *is_within { "within" } else { "BEYOND" };
        format!("{name}: a trip takes {time:.2} × the time, {cpu:.2} × the CPU, {p50:.2} × the p50 of {of}: {verdict} the bound of {bound:.1}\n")
    });
    let recovery = row.recovery.as_ref().map(|Recovery { kills, unfinished, from_kill_ms, from_start_ms, from_turn_ms }| {
        format!("{name}: {kills} kills left {unfinished} sagas unfinished; the last had ended {from_kill_ms} ms after the kill, {from_start_ms} after the next engine's start, {from_turn_ms} after its turn began\n")
    });
    let bounds = row.bounds.iter().map(|bound| format!("{name}: {bound}\n"));
    beside.into_iter().chain(recovery).chain(bounds).collect()
}

/// Says on standard output that something has come to pass.
pub(crate) fn line(text: &str) -> Outcome<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
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
        "fail %",
        "ops/s",
        "min–max",
        "p50 ms",
        "p99 ms",
        "max ms",
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
        let other = [
            ("bare", row.ratio_to_bare),
            ("engine", row.ratio_to_engine),
            ("first", row.ratio_to_first),
            ("happy", row.beside_happy.as_ref().map(|beside| 1.0 / beside.time)),
        ];
        let other = other.into_iter().find_map(|(name, ratio)| Some(format!("{:.2} {name}", ratio?)));
        let cells = [
            name(row),
            row.clients.to_string(),
            row.fail_percent.map(|percent| percent.to_string()).unwrap_or_default(),
            format!("{:.0}", row.ops_per_s),
            format!("{:.0}–{:.0}", row.slowest, row.fastest),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
            format!("{:.2}", row.max_ms),
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

#[cfg(test)]
mod tests {
    use super::{BesideHappy, Bound, Limit, Row, Spread, outcomes};

    #[test]
    fn a_failing_path_beyond_its_bound_is_called_so_whatever_it_is_that_costs_too_much() {
        for (times, bound, verdict) in [
            ([3.0, 3.0, 3.0], 3.0, "within"),
            ([3.1, 1.0, 1.0], 3.0, "BEYOND"),
            ([1.0, 3.1, 1.0], 3.0, "BEYOND"),
            ([1.0, 1.0, 3.1], 3.0, "BEYOND"),
            ([f64::NAN, 1.0, 1.0], 3.0, "BEYOND"),
            ([1.3, 1.3, 1.3], 1.3, "within"),
            ([1.0, 1.31, 1.0], 1.3, "BEYOND"),
        ] {
            let beside = BesideHappy::of(times, (bound, "the happy path"));
            let row = Row { beside_happy: Some(beside), ..Row::default() };
            assert!(outcomes(&row).contains(verdict), "{}", outcomes(&row));
        }
    }

    #[test]
    fn a_bound_that_does_not_hold_is_called_so() {
        for (measured, limit, verdict) in [
            (100_000.0, Limit::AtLeast(100_000.0), "events/s 100000: met, at least 100000 is asked"),
            (99_999.0, Limit::AtLeast(100_000.0), "NOT MET"),
            (2.0, Limit::AtMost(2.0), "events/s 2: met, at most 2 is asked"),
            (2.01, Limit::AtMost(2.0), "events/s 2.01: NOT MET, at most 2 is asked"),
            (f64::NAN, Limit::AtMost(2.0), "NOT MET"),
            (f64::NAN, Limit::AtLeast(2.0), "NOT MET"),
        ] {
            let row = Row { bounds: vec![Bound::of("events/s", measured, limit)], ..Row::default() };
            assert!(outcomes(&row).contains(verdict), "{}", outcomes(&row));
        }
    }

    #[test]
    fn kills_are_told_with_their_spread() {
        assert_eq!(Spread::of(&[3_000.0, 2_600.0, 3_100.0]).to_string(), "3000 (2600–3100)");
    }
}
