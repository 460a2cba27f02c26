//! Trips with all engines in the bench's own process: from the request to the end of their saga, every message over the broker, no HTTP and no
//! read models.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use traveladvisor_commands::engine::Delivery;
use traveladvisor_commands::{CallerCommand, Engine};
use traveladvisor_domain::context::Context;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip::PaymentPlan;

use super::SCENARIO;
use super::installation::Installation;
use crate::Outcome;
use crate::broker::BenchBroker;
use crate::cost::Spent;
use crate::load::{Client, Slice, drive};
use crate::options::ROUNDS;
use crate::report::Row;
use crate::server::BenchServer;
use crate::sides::course::Ending;
use crate::sides::ends::Ends;
use crate::sides::supply;
use crate::sides::trips::{FLIGHTS, traveller, wanted};
use crate::statistics::{median, spread};

/// Slice that nobody counts, as a part of a slice.
const WARM_UP_PART: f64 = 0.5;

/// Books one trip after the other, each to its end.
struct Booker {
    engine: Engine,
    ends: Arc<Ends>,
    next: Arc<AtomicU64>,
}

impl Client for Booker {
    async fn once(&mut self) -> Outcome<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let wanted = wanted(number, FLIGHTS, PaymentPlan::None)?;
        let command = CallerCommand::BookTrip { traveller: traveller(number), wanted };
        let receipt = self.engine.submit(supply::request(command, Some(format!("cluster-{number}")))).await?;
        let ended = self.ends.of(BookingId(receipt.subject.uuid)).await?;
        if ended != Ending::Succeeded {
            return Err(format!("{} has ended as {ended:?}", receipt.subject).into());
        }
        Ok(1)
    }
}

/// What was done, and the CPU time in milliseconds and bytes of WAL that it took.
type Round = (Slice, (f64, f64));

/// So many clients, and so many engines for each role.
pub(super) async fn run(
    server: &BenchServer,
    broker: &BenchBroker,
    (clients, engines): (u32, usize),
    slice: Duration,
) -> Outcome<Row> {
    let name = format!("cluster_{engines}_{clients}");
    let mut installation = Installation::open(server, broker, (&name, &Context::ALL)).await?;
    for context in Context::ALL {
        for _ in 0..engines {
            installation.start(context, Delivery::Here).await?;
        }
    }
    installation.list_supply().await?;
    let log = &installation.logs[&Context::Booking];
    let ends = Arc::new(Ends::after(log.head().await?, log));
    let next = Arc::new(AtomicU64::new(0));
    let gates = installation.engines(Context::Booking);
    let client = |at: usize| {
        let engine = gates[at % gates.len()].clone();
        Booker { engine, ends: ends.clone(), next: next.clone() }
    };
    let (_, mut bookers) = drive((0..clients as usize).map(client).collect(), slice.mul_f64(WARM_UP_PART)).await?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let before = Spent::read(server).await?;
        let (done, back) = drive(bookers, slice).await?;
        bookers = back;
        rounds.push((done, Spent::read(server).await?.since(before)));
    }
    let conflicts: u64 = Context::ALL
        .into_iter()
        .flat_map(|context| installation.engines(context))
        .map(|engine| engine.gauges().conflicts())
        .sum();
    installation.end().await;
    let of = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
    let rates = of(|(slice, _)| slice.rate());
    let (slowest, fastest) = spread(&rates);
    Ok(Row {
        scenario: SCENARIO.to_owned(),
        what: Some(format!("engines, {engines} for each role")),
        clients,
        ops_per_s: median(&rates),
        slowest,
        fastest,
        p50_ms: median(&of(|(slice, _)| slice.quantile_ms(0.5))),
        p99_ms: median(&of(|(slice, _)| slice.quantile_ms(0.99))),
        max_ms: spread(&of(|(slice, _)| slice.quantile_ms(1.0))).1,
        cpu_ms_per_op: median(&of(|(slice, (cpu_ms, _))| cpu_ms / slice.ops as f64)),
        wal_bytes_per_op: median(&of(|(slice, (_, wal))| wal / slice.ops as f64)),
        notes: vec![format!(
            "cluster, engines, {engines} for each role: {conflicts} appends were refused for a conflict"
        )],
        ..Row::default()
    })
}
