//! Read models made again by the program, beside the peer's way, without other load.

use std::time::Duration;

use traveladvisor_projections::runtime::ProjectionName;

use super::long_log::LongLog;
use super::peer::Peer;
use crate::Outcome;
use crate::cost::Spent;
use crate::options::ROUNDS;
use crate::program::{Program, Ran};
use crate::report::{Bound, Limit, Row, progress};
use crate::statistics::{median, spread};

/// Least events a second from which `booking` is made again.
const EVENTS_PER_S_MIN: f64 = 100_000.0;
/// How many times what the peer does, at least.
const PEER_TIMES_MIN: f64 = 50.0;
/// How many times the time of one read model three may take in one pass, at most.
const THREE_TIMES_MAX: f64 = 2.0;
/// Most memory of the process that rebuilds, in MiB.
const MEMORY_MIB_MAX: f64 = 512.0;
/// How many times the memory on the shorter log it may be on the longer, at most: allocators do not repeat themselves to the page.
const MEMORY_GROWTH_MAX: f64 = 1.25;
const MIB: f64 = 1_048_576.0;

/// The read model that is measured.
const ONE: &str = "booking";
/// What is made again beside it in one pass: the first two that this program has.
const BESIDE: [&str; 4] = ["payment_ledger", "traveller_bookings", "hotel_availability", "flight_availability"];

/// Without the pause that spares others.
const UNLIMITED: [&str; 2] = ["--rate", "unlimited"];

/// One pass over the log.
struct Pass {
    events: f64,
    elapsed: Duration,
    cpu_ms: f64,
    wal_bytes: f64,
    peak_memory_bytes: f64,
}

impl Pass {
    fn rate(&self) -> f64 {
        self.events / self.elapsed.as_secs_f64()
    }
}

/// What one number of events came to.
#[derive(Default)]
pub(super) struct Passes {
    one: Vec<Pass>,
    three: Vec<Pass>,
    peer: Vec<Pass>,
}

/// All read models, so that a `serve` that starts afterwards has nothing to take in.
pub(super) async fn everything(program: &Program, log: &LongLog<'_>) -> Outcome<()> {
    let names = ProjectionName::ALL.map(ProjectionName::as_str);
    rebuild(program, log, &names).await.map(|_| ())
}

/// On the shorter log, for its memory: nothing is rated by it.
pub(super) async fn once(program: &Program, log: &LongLog<'_>) -> Outcome<Passes> {
    let mut passes = Passes::default();
    passes.one.push(rebuild(program, log, &[ONE]).await?);
    Ok(passes)
}

/// In turn, round by round.
pub(super) async fn rounds(program: &Program, log: &LongLog<'_>, peer: Option<&Peer>) -> Outcome<Passes> {
    let mut passes = Passes::default();
    for round in 1..=ROUNDS {
        progress(&format!("rebuild, round {round}"));
        passes.one.push(rebuild(program, log, &[ONE]).await?);
        passes.three.push(rebuild(program, log, &three()).await?);
        if let Some(peer) = peer {
            let before = Spent::read(log.server()).await?;
            let (events, elapsed) = peer.replay().await?;
            let (cpu_ms, wal_bytes) = Spent::read(log.server()).await?.since(before);
            passes.peer.push(Pass { events: events as f64, elapsed, cpu_ms, wal_bytes, peak_memory_bytes: 0.0 });
        }
    }
    Ok(passes)
}

/// One read model and two more.
fn three() -> Vec<&'static str> {
    let known = ProjectionName::ALL.map(ProjectionName::as_str);
    let beside = BESIDE.into_iter().filter(|name| known.contains(name)).take(2);
    [ONE].into_iter().chain(beside).collect()
}

async fn rebuild(program: &Program, log: &LongLog<'_>, names: &[&str]) -> Outcome<Pass> {
    let before = Spent::read(log.server()).await?;
    let arguments = [&["projections", "rebuild"], names, &UNLIMITED[..]].concat();
    let ran = program.run(&log.url(), &arguments).await?;
    let (cpu_ms, wal_bytes) = Spent::read(log.server()).await?.since(before);
    Ok(Pass {
        events: told(&ran, "events")?,
        elapsed: ran.elapsed,
        cpu_ms: cpu_ms + ran.cpu_ms,
        wal_bytes,
        peak_memory_bytes: ran.peak_memory_bytes,
    })
}

/// A figure that a rebuild tells of the last read model it made.
pub(super) fn told(ran: &Ran, name: &str) -> Outcome<f64> {
    let last = ran.printed.last().ok_or("a rebuild prints what it has done")?;
    last[name].as_f64().ok_or_else(|| format!("a rebuild tells `{name}`, yet: {last}").into())
}

impl Passes {
    /// The rows, judged; `shorter` is what the shorter log came to.
    pub(super) fn rows(&self, shorter: &Self, shorter_events: u64) -> Vec<Row> {
        let times = |others: &[Pass], value: fn(&Pass) -> f64| {
            let ratios = self.one.iter().zip(others).map(|(one, other)| value(one) / value(other));
            median(&ratios.collect::<Vec<_>>())
        };
        let mut one = row("rebuild".to_owned(), &self.one);
        one.bounds.push(Bound::of("events/s", one.ops_per_s, Limit::AtLeast(EVENTS_PER_S_MIN)));
        if !self.peer.is_empty() {
            let ratio = times(&self.peer, Pass::rate);
            one.ratio_to_postgres_es = Some(ratio);
            one.bounds.push(Bound::of("times postgres-es", ratio, Limit::AtLeast(PEER_TIMES_MIN)));
        }
        let (memory, shorter_memory) = (memory(&self.one), memory(&shorter.one));
        one.bounds.push(Bound::of("MiB of memory", memory / MIB, Limit::AtMost(MEMORY_MIB_MAX)));
        let growth =
            Bound::of("times the memory on the shorter log", memory / shorter_memory, Limit::AtMost(MEMORY_GROWTH_MAX));
        one.bounds.push(growth);
        let mut three_of = row("rebuild:three".to_owned(), &self.three);
        let longer = 1.0 / times(&self.three, |pass| pass.elapsed.as_secs_f64());
        three_of.bounds.push(Bound::of("times the time of one", longer, Limit::AtMost(THREE_TIMES_MAX)));
        three_of.notes.push(format!("rebuild:three: {} in one pass", three().join(", ")));
        let mut rows = vec![one, row(format!("rebuild:{shorter_events}"), &shorter.one), three_of];
        if !self.peer.is_empty() {
            let mut peer = row("rebuild:postgres-es".to_owned(), &self.peer);
            peer.peak_memory_bytes = None;
            rows.push(peer);
        }
        rows
    }
}

/// The most of all rounds.
fn memory(passes: &[Pass]) -> f64 {
    spread(&passes.iter().map(|pass| pass.peak_memory_bytes).collect::<Vec<_>>()).1
}

/// Latencies are those of whole passes: an operation is one event.
fn row(scenario: String, passes: &[Pass]) -> Row {
    let of = |value: fn(&Pass) -> f64| passes.iter().map(value).collect::<Vec<_>>();
    let rates = of(Pass::rate);
    let (slowest, fastest) = spread(&rates);
    let elapsed_ms = of(|pass| pass.elapsed.as_secs_f64() * 1_000.0);
    Row {
        scenario,
        clients: 1,
        ops_per_s: median(&rates),
        slowest,
        fastest,
        p50_ms: median(&elapsed_ms),
        p99_ms: spread(&elapsed_ms).1,
        max_ms: spread(&elapsed_ms).1,
        events_per_op: Some(1.0),
        wal_bytes_per_op: median(&of(|pass| pass.wal_bytes / pass.events)),
        cpu_ms_per_op: median(&of(|pass| pass.cpu_ms / pass.events)),
        peak_memory_bytes: Some(memory(passes)),
        ..Row::default()
    }
}
