//! How fast a live projector takes in a log that it has not seen.

use std::time::{Duration, Instant};

use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_projections::booking::BookingProjection;
use traveladvisor_projections::runtime::{Projector, Projectors, Tail};

use crate::Outcome;
use crate::cost::Spent;
use crate::report::{Bound, Limit, Row, progress};
use crate::server::BenchServer;

/// Least events a second that a live projection takes in.
const APPLY_MIN: f64 = 30_000.0;
/// Longest that one is measured.
const APPLY_MAX: Duration = Duration::from_secs(20);
/// How often it is looked how far it has come.
const POLL: Duration = Duration::from_millis(2);

/// The projection `booking` by itself.
pub(super) async fn booking(server: &BenchServer, log: &EventLog) -> Outcome<Row> {
    progress("rebuild, a live projector on a log that it has not seen");
    let before = Spent::read(server).await?;
    let projector = Projector::start(BookingProjection, Tail::new(log.clone()));
    let (events, elapsed) = taken_in(log, || vec![projector.status().position]).await?;
    let spent = Spent::read(server).await?.since(before);
    projector.stop().await;
    let mut row = row("rebuild:apply", events, elapsed, spent);
    row.bounds.push(Bound::of("events/s taken in live", row.ops_per_s, Limit::AtLeast(APPLY_MIN)));
    Ok(row)
}

/// All read models, as `serve` has them; rated by the slowest.
pub(super) async fn all(server: &BenchServer, log: &EventLog) -> Outcome<Row> {
    progress("rebuild, all live projectors on a log that they have not seen");
    let before = Spent::read(server).await?;
    let projectors = Projectors::start(log.clone());
    let positions = || projectors.positions().into_iter().map(|(_, position)| position).collect();
    let (events, elapsed) = taken_in(log, positions).await?;
    let spent = Spent::read(server).await?.since(before);
    projectors.stop().await;
    Ok(row("rebuild:apply:all", events, elapsed, spent))
}

/// How many events the slowest has taken in, and how long that took.
async fn taken_in(log: &EventLog, positions: impl Fn() -> Vec<Position>) -> Outcome<(f64, Duration)> {
    let head = log.head().await?;
    let begun = Instant::now();
    loop {
        let slowest = positions().into_iter().min().ok_or("there is no projection")?;
        let elapsed = begun.elapsed();
        if slowest >= head || elapsed > APPLY_MAX {
            return Ok((slowest.0 as f64, elapsed));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Latencies are those of the whole: an operation is one event.
fn row(scenario: &str, events: f64, elapsed: Duration, (cpu_ms, wal_bytes): (f64, f64)) -> Row {
    let rate = events / elapsed.as_secs_f64();
    let elapsed_ms = elapsed.as_secs_f64() * 1_000.0;
    Row {
        scenario: scenario.to_owned(),
        clients: 1,
        ops_per_s: rate,
        slowest: rate,
        fastest: rate,
        p50_ms: elapsed_ms,
        p99_ms: elapsed_ms,
        max_ms: elapsed_ms,
        events_per_op: Some(1.0),
        wal_bytes_per_op: wal_bytes / events,
        cpu_ms_per_op: cpu_ms / events,
        ..Row::default()
    }
}
