//! A rebuild while trips are booked and looked at, at fixed rates, over HTTP.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use tokio::sync::watch;
use traveladvisor_domain::id::{BookingId, StreamId};
use traveladvisor_infra::event_log::EventLog;

use super::checkpoint::{self, Seen};
use super::long_log::LongLog;
use super::passes;
use super::travellers::{Booking, Looking};
use crate::Outcome;
use crate::graphql::Connection;
use crate::open_loop::{Asked, Asking, Window, ask_every};
use crate::program::{Program, Ran, Serving};
use crate::report::{Bound, Limit, Row, progress};

/// Between two commands: 500 a second.
const COMMAND_EVERY: Duration = Duration::from_millis(2);
/// Least commands a second that must be answered for the latencies to be those of the program and not of a queue before it.
const COMMANDS_PER_S_MIN: f64 = 490.0;
/// Connections of those who book: as many commands are under way at most.
const BOOKING_CONNECTIONS: usize = 64;
/// Between two looks at a booking.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Connections of those who look.
const LOOKING_CONNECTIONS: usize = 8;
/// Bookings that are looked at.
const BOOKINGS_LOOKED_AT: i64 = 1_000;

/// Load that nobody counts.
const WARM_UP: Duration = Duration::from_secs(3);
/// After a rebuild, so that what waited during it is answered and counted.
const AFTERMATH: Duration = Duration::from_millis(500);
/// To either side of a switch.
const AROUND_SWITCH: Duration = Duration::from_millis(500);

/// How many times their p99 without rebuild commands may take during one, at most.
const P99_TIMES_MAX: f64 = 3.0;
/// What a switch may hold somebody up, in milliseconds.
const SWITCH_MS_MAX: f64 = 50.0;
/// From a commit until it can be read, in milliseconds, 99 of a hundred.
const VISIBLE_MS_MAX: f64 = 25.0;

/// All that was seen.
struct Record {
    commands: Asking,
    looks: Asking,
    own_writes: Vec<Asked>,
    checkpoint: Vec<Seen>,
    marks: Marks,
    rebuilt: Ran,
}

/// When what began and ended.
struct Marks {
    quiet: [(Instant, Instant); 2],
    rebuild: (Instant, Instant),
    /// Milliseconds of processor time of the program without rebuild, and during it.
    cpu_ms: (f64, f64),
}

/// Serves, books and looks; after a while rebuilds; goes on for a while.
pub(super) async fn run(program: &Program, log: &LongLog<'_>, quiet: Duration) -> Outcome<Vec<Row>> {
    progress("rebuild, under load");
    let serving = program.serve(&log.url()).await?;
    let own = log.connect();
    let bookings = Arc::new(some_bookings(&own).await?);
    let record = record(program, log, &serving, &bookings, quiet).await?;
    serving.stop().await?;
    let lags = checkpoint::lags_ms(own.pool(), &record.checkpoint, &record.marks.quiet).await?;
    own.pool().close().await;
    rows(&record, &lags)
}

async fn record(
    program: &Program,
    log: &LongLog<'_>,
    serving: &Serving,
    bookings: &Arc<Vec<BookingId>>,
    quiet: Duration,
) -> Outcome<Record> {
    let own_writes = Arc::default();
    let booking = Booking::at(Connection::several(serving.address, BOOKING_CONNECTIONS).await?, &own_writes);
    let looking = Looking::at(Connection::several(serving.address, LOOKING_CONNECTIONS).await?, bookings);
    let (stop, stopped) = watch::channel(false);
    let commands = tokio::spawn(ask_every(COMMAND_EVERY, booking, stopped.clone()));
    let looks = tokio::spawn(ask_every(LOOK_EVERY, looking, stopped.clone()));
    let watched = tokio::spawn(checkpoint::watch(log.connect_options().disable_statement_logging(), stopped));
    let marked = course(program, log, serving, quiet).await;
    // Also when the rebuild has failed: nobody may go on asking.
    stop.send_replace(true);
    let (commands, looks, checkpoint) = (commands.await??, looks.await??, watched.await??);
    let (marks, rebuilt) = marked?;
    let own_writes: Arc<Mutex<Vec<Asked>>> = own_writes;
    let own_writes = std::mem::take(&mut *own_writes.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Record { commands, looks, own_writes, checkpoint, marks, rebuilt })
}

/// Without rebuild, with it at the rate that it has by itself, and without it again.
async fn course(program: &Program, log: &LongLog<'_>, serving: &Serving, quiet: Duration) -> Outcome<(Marks, Ran)> {
    tokio::time::sleep(WARM_UP).await;
    let (begun, cpu_begun) = (Instant::now(), serving.cpu_ms());
    tokio::time::sleep(quiet).await;
    let (rebuild, cpu_rebuild) = (Instant::now(), serving.cpu_ms());
    let ran = program.run(&log.url(), &["projections", "rebuild", "booking"]).await?;
    tokio::time::sleep(AFTERMATH).await;
    let (again, cpu_again) = (Instant::now(), serving.cpu_ms());
    tokio::time::sleep(quiet).await;
    let (ended, cpu_ended) = (Instant::now(), serving.cpu_ms());
    let marks = Marks {
        quiet: [(begun, rebuild), (again, ended)],
        rebuild: (rebuild, again),
        cpu_ms: ((cpu_rebuild - cpu_begun) + (cpu_ended - cpu_again), cpu_again - cpu_rebuild),
    };
    Ok((marks, ran))
}

/// Of the log, wherever they lie in it.
async fn some_bookings(log: &EventLog) -> Outcome<Vec<BookingId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT aggregate_id FROM events WHERE event_type = 'BookingRequested' AND aggregate_type = 'booking' \
          ORDER BY hashtext(aggregate_id) LIMIT $1",
    )
    .bind(BOOKINGS_LOOKED_AT)
    .fetch_all(log.pool())
    .await?;
    ids.iter().map(|id| Ok(BookingId(id.parse::<StreamId>()?.uuid))).collect()
}

fn rows(record: &Record, lags: &[f64]) -> Outcome<Vec<Row>> {
    if let Some(failure) = &record.commands.first_failure {
        return Err(format!("{} commands have failed, the first: {failure}", record.commands.failed.len()).into());
    }
    let Marks { quiet, rebuild, cpu_ms } = &record.marks;
    let (events, seconds) = (passes::told(&record.rebuilt, "events")?, record.rebuilt.elapsed.as_secs_f64());
    let switch = checkpoint::switched(&record.checkpoint, rebuild.0, rebuild.1)
        .ok_or("a rebuild has ended, and nothing was switched")?;
    let around = [(switch.checked_sub(AROUND_SWITCH).unwrap_or(switch), switch + AROUND_SWITCH)];

    let commands = |spans: &[(Instant, Instant)]| Window::of(&record.commands.answered, spans);
    let (without, during, switching) = (commands(quiet), commands(&[*rebuild]), commands(&around));
    let mut usual = row("rebuild:commands", BOOKING_CONNECTIONS, &without, cpu_ms.0);
    usual.bounds.push(answered(&without));
    usual.notes.push(own_writes(record, quiet));
    let mut beside = row("rebuild:commands:rebuilding", BOOKING_CONNECTIONS, &during, cpu_ms.1);
    beside.bounds.push(answered(&during));
    let times = during.quantile(0.99) / without.quantile(0.99);
    beside.bounds.push(Bound::of("times the p99 without rebuild", times, Limit::AtMost(P99_TIMES_MAX)));
    beside.bounds.push(held_up(&switching, &without));
    let switch_ms = passes::told(&record.rebuilt, "switchMs")?;
    beside.bounds.push(Bound::of("ms of the switch, as the program tells it", switch_ms, Limit::AtMost(SWITCH_MS_MAX)));
    beside.notes.push(format!(
        "rebuild:commands:rebuilding: {:.0} commands/s (without rebuild {:.0}) while {:.0} events/s were rebuilt from, {events:.0} in {seconds:.1} s",
        during.rate(),
        without.rate(),
        events / seconds,
    ));

    let looks = |spans: &[(Instant, Instant)]| Window::of(&record.looks.answered, spans);
    let (without, during, switching) = (looks(quiet), looks(&[*rebuild]), looks(&around));
    let usual_looks = row("rebuild:reads", LOOKING_CONNECTIONS, &without, 0.0);
    let mut looks_beside = row("rebuild:reads:rebuilding", LOOKING_CONNECTIONS, &during, 0.0);
    let failed = record.looks.failed.len() as f64;
    looks_beside.bounds.push(Bound::of("failed reads", failed, Limit::AtMost(0.0)));
    looks_beside.bounds.push(held_up(&switching, &without));
    looks_beside.notes.extend(record.looks.first_failure.clone());

    let mut live = Row {
        scenario: "rebuild:live".to_owned(),
        clients: usual.clients,
        ops_per_s: usual.ops_per_s,
        slowest: usual.ops_per_s,
        fastest: usual.ops_per_s,
        p50_ms: quantile(lags, 0.5),
        p99_ms: quantile(lags, 0.99),
        max_ms: quantile(lags, 1.0),
        ..Row::default()
    };
    live.bounds.push(Bound::of("ms from commit to visible, p99", live.p99_ms, Limit::AtMost(VISIBLE_MS_MAX)));
    Ok(vec![usual, beside, usual_looks, looks_beside, live])
}

fn answered(commands: &Window) -> Bound {
    Bound::of("commands/s of 500 that come", commands.rate(), Limit::AtLeast(COMMANDS_PER_S_MIN))
}

/// The longest around the switch, in terms of the median without rebuild.
fn held_up(switching: &Window, usual: &Window) -> Bound {
    let more = switching.max() - usual.quantile(0.5);
    Bound::of("ms more than usual, the longest around the switch", more, Limit::AtMost(SWITCH_MS_MAX))
}

/// How long those wait who look at what they have just booked.
fn own_writes(record: &Record, quiet: &[(Instant, Instant)]) -> String {
    let window = Window::of(&record.own_writes, quiet);
    let (p50, p99) = (window.quantile(0.5), window.quantile(0.99));
    format!(
        "rebuild:commands: whoever reads the own booking at the answer's position has it after {p50:.2} ms, p99 {p99:.2} ms ({} times)",
        window.count()
    )
}

fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    let place = (sorted.len() as f64 * quantile).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

fn row(scenario: &str, connections: usize, window: &Window, cpu_ms: f64) -> Row {
    Row {
        scenario: scenario.to_owned(),
        clients: connections as u32,
        ops_per_s: window.rate(),
        slowest: window.rate(),
        fastest: window.rate(),
        p50_ms: window.quantile(0.5),
        p99_ms: window.quantile(0.99),
        max_ms: window.max(),
        cpu_ms_per_op: cpu_ms / window.count() as f64,
        ..Row::default()
    }
}
