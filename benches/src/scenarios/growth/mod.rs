//! The cost of an append, and the start, on logs of growing length.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use traveladvisor_commands::CallerCommand;
use traveladvisor_infra::event_log::EventLog;

use super::fill::{Teller, committed, skip_messages};
use crate::Outcome;
use crate::cost::Spent;
use crate::database::{self, beginning};
use crate::load::{Client, Slice, drive};
use crate::options::{Growth, ROUNDS};
use crate::report::{Row, progress};
use crate::server::BenchServer;
use crate::sides::course::Course;
use crate::sides::own::FreshCar;
use crate::sides::supply;
use crate::statistics::{median, spread};

/// Clients of the engine unless others are asked for.
const CLIENTS: [u32; 1] = [64];
/// Seconds for each length, for the appends and for the engine.
const SECONDS: f64 = 15.0;
/// The same in a short run.
const QUICK_SECONDS: f64 = 3.0;

/// Rounds of appends: many and short, so that the shortest log hardly grows while it is measured.
const APPEND_ROUNDS: u32 = 9;
/// Longest slice of appends.
const APPEND_SLICE_MAX: Duration = Duration::from_millis(250);

/// One client that appends one trip after the other, without an engine.
struct Appender {
    log: EventLog,
    teller: Teller,
}

impl Client for Appender {
    async fn once(&mut self) -> Outcome<u64> {
        committed(&self.log, &self.teller.append_of(1)?).await?;
        Ok(1)
    }
}

/// A log of some length and what was measured on it.
struct Length {
    events: u64,
    log: EventLog,
    appender: Option<Appender>,
    cars: Arc<AtomicU64>,
    appends: Vec<Sample>,
    engine: Vec<Sample>,
    first_answers_ms: Vec<f64>,
}

struct Sample {
    slice: Slice,
    cpu_ms: f64,
    wal_bytes: f64,
}

/// Fills a log for each length, then measures them in turn.
pub(crate) async fn run(server: &BenchServer, growth: &Growth) -> Outcome<Vec<Row>> {
    let slice = growth.common.slice(SECONDS, QUICK_SECONDS);
    let mut lengths = Vec::new();
    for events in growth.lengths() {
        progress(&format!("growth, filling a log with {events} events"));
        let log = database::own(server, &format!("growth_{events}")).await?;
        let mut teller = Teller::open(&log, &[Course::Unpaid]).await?;
        teller.fill(&log, events).await?;
        let appender = Some(Appender { log: log.clone(), teller });
        lengths.push(Length {
            events,
            log,
            appender,
            cars: Arc::default(),
            appends: Vec::new(),
            engine: Vec::new(),
            first_answers_ms: Vec::new(),
        });
    }
    progress(&format!("growth, Postgres {}", server.version()));
    let mut rows = append_rows(server, &mut lengths, slice).await?;
    for clients in growth.common.clients(&CLIENTS) {
        rows.extend(engine_rows(server, &mut lengths, clients, slice).await?);
    }
    for length in lengths {
        length.log.pool().close().await;
    }
    Ok(rows)
}

async fn append_rows(server: &BenchServer, lengths: &mut [Length], slice: Duration) -> Outcome<Vec<Row>> {
    for _ in 0..APPEND_ROUNDS {
        for length in &mut *lengths {
            length.append(server, slice.min(APPEND_SLICE_MAX)).await?;
        }
    }
    let mut rows = Vec::new();
    for length in &*lengths {
        let mut row = length.append_row(&lengths[0]);
        row.notes.push(sizes(length).await?);
        rows.push(row);
    }
    Ok(rows)
}

/// After the appends, because the engine makes the logs longer.
async fn engine_rows(server: &BenchServer, lengths: &mut [Length], clients: u32, slice: Duration) -> Outcome<Vec<Row>> {
    for length in &mut *lengths {
        length.engine.clear();
        skip_messages(&length.log).await?;
    }
    for _ in 0..ROUNDS {
        for length in &mut *lengths {
            length.engine(server, clients, slice).await?;
        }
    }
    Ok(lengths.iter().map(|length| length.engine_row(&lengths[0], clients)).collect())
}

impl Length {
    async fn append(&mut self, server: &BenchServer, slice: Duration) -> Outcome<()> {
        if let Some(appender) = self.appender.take() {
            let (sample, mut appenders) = sample(server, vec![appender], slice).await?;
            self.appends.push(sample);
            self.appender = appenders.pop();
        }
        Ok(())
    }

    async fn engine(&mut self, server: &BenchServer, clients: u32, slice: Duration) -> Outcome<()> {
        let begun = Instant::now();
        let (engine, running) = database::engine(&self.log, beginning()).await?;
        let code = format!("first-{}", self.cars.fetch_add(1, Ordering::Relaxed));
        engine.submit(supply::request(CallerCommand::UpsertCar(supply::car(code)), None)).await?;
        self.first_answers_ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
        let askers = (0..clients).map(|_| FreshCar { engine: engine.clone(), next: self.cars.clone() }).collect();
        let (sample, askers) = sample(server, askers, slice).await?;
        self.engine.push(sample);
        // Before its last handle goes: a loop that ends by itself counts as broken off.
        running.stop().await;
        drop((askers, engine));
        Ok(())
    }

    fn append_row(&self, first: &Self) -> Row {
        let mut row = row(format!("growth:append:{}", self.events), 1, &self.appends);
        let p50 = |sample: &Sample| sample.slice.quantile_ms(0.5);
        row.ratio_to_first = Some(ratio(&self.appends, &first.appends, p50));
        row.events_per_op = Some(TRIP_EVENTS);
        row.commits_per_op = Some(1.0);
        row
    }

    fn engine_row(&self, first: &Self, clients: u32) -> Row {
        let mut row = row(format!("growth:{}", self.events), clients, &self.engine);
        // Of the time for one operation, so that more than 1 is dearer here as well.
        row.ratio_to_first = Some(ratio(&self.engine, &first.engine, |sample| 1.0 / sample.slice.rate()));
        row.events_per_op = Some(1.0);
        row.first_answer_ms = Some(median(&self.first_answers_ms));
        row
    }
}

/// Events of a trip with hotel, flight, car and payment NONE.
const TRIP_EVENTS: f64 = 13.0;

/// What the log takes on disk, for whoever has to plan for more.
async fn sizes(length: &Length) -> Outcome<String> {
    let (events, table, key, position): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM events), pg_table_size('events'), pg_relation_size('events_pkey'), \
                pg_relation_size('events_position')",
    )
    .fetch_one(length.log.pool())
    .await?;
    let each = |bytes: i64| bytes as f64 / events.max(1) as f64;
    Ok(format!(
        "growth:append:{}: medians of {APPEND_ROUNDS} rounds; {events} events at their end; bytes for each: table {:.0}, primary key {:.0}, position {:.0}",
        length.events,
        each(table),
        each(key),
        each(position)
    ))
}

async fn sample<C: Client>(server: &BenchServer, clients: Vec<C>, slice: Duration) -> Outcome<(Sample, Vec<C>)> {
    let before = Spent::read(server).await?;
    let (slice, clients) = drive(clients, slice).await?;
    let (cpu_ms, wal_bytes) = Spent::read(server).await?.since(before);
    Ok((Sample { slice, cpu_ms, wal_bytes }, clients))
}

/// Median over the rounds of the ratio within a round.
fn ratio(samples: &[Sample], first: &[Sample], value: impl Fn(&Sample) -> f64) -> f64 {
    let ratios = samples.iter().zip(first).map(|(sample, first)| value(sample) / value(first));
    median(&ratios.collect::<Vec<_>>())
}

fn row(scenario: String, clients: u32, samples: &[Sample]) -> Row {
    let of = |value: fn(&Sample) -> f64| samples.iter().map(value).collect::<Vec<_>>();
    let rates = of(|sample| sample.slice.rate());
    let (slowest, fastest) = spread(&rates);
    Row {
        scenario,
        clients,
        ops_per_s: median(&rates),
        slowest,
        fastest,
        p50_ms: median(&of(|sample| sample.slice.quantile_ms(0.5))),
        p99_ms: median(&of(|sample| sample.slice.quantile_ms(0.99))),
        max_ms: spread(&of(|sample| sample.slice.quantile_ms(1.0))).1,
        wal_bytes_per_op: median(&of(|sample| sample.wal_bytes / sample.slice.ops as f64)),
        cpu_ms_per_op: median(&of(|sample| sample.cpu_ms / sample.slice.ops as f64)),
        ..Row::default()
    }
}
