//! Trips as callers book them: asked at the gateway over HTTP, every role a process of its own, every message over the broker. A trip ends when
//! the log of bookings has the end of its saga.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use traveladvisor_domain::context::Context;
use traveladvisor_domain::id::{BookingId, HotelId};
use traveladvisor_domain::trip::PaymentPlan;

use super::processes::{Appends, Processes};
use super::{GENERATIONS, SCENARIO};
use crate::Outcome;
use crate::broker::BenchBroker;
use crate::cost::Spent;
use crate::graphql::Connection;
use crate::load::{Client, Slice, drive};
use crate::options::ROUNDS;
use crate::program::Program;
use crate::report::{Bound, Limit, Row};
use crate::scenarios::http::asked;
use crate::server::BenchServer;
use crate::sides::course::Ending;
use crate::sides::ends::Ends;
use crate::sides::supply::SUPPLIER;
use crate::sides::trips::{FLIGHTS, wanted};
use crate::statistics::{median, spread};

/// Slice that nobody counts, as a part of a slice.
const WARM_UP_PART: f64 = 0.5;
/// How often the log of bookings is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Of a hundred appends so many may be refused where everybody wants the same hotel.
const REFUSED_PERCENT_MAX: f64 = 1.0;

/// Where trips go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    /// Round many hotels.
    Everywhere,
    /// All in one.
    OneHotel,
}

/// Books one trip after the other, each to its end.
struct Booker {
    connection: Connection,
    stays: Stays,
    ends: Arc<Ends>,
    next: Arc<AtomicU64>,
}

impl Client for Booker {
    async fn once(&mut self) -> Outcome<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut trip = wanted(number, FLIGHTS * GENERATIONS, PaymentPlan::None)?;
        if let (Stays::OneHotel, Some(rooms)) = (self.stays, &mut trip.hotel) {
            rooms.hotel = HotelId::of(SUPPLIER, "H0");
        }
        let id = asked::book_this(&mut self.connection, number, trip).await?;
        let booking: BookingId = id.parse().map_err(|_| format!("{id} is no booking's id"))?;
        let ended = self.ends.of(booking).await?;
        if ended != Ending::Succeeded {
            return Err(format!("{id} has ended as {ended:?}").into());
        }
        Ok(1)
    }
}

/// What was done, and the CPU time in milliseconds (of processes, of the broker, of server and bench) and bytes of WAL that it took.
struct Round {
    slice: Slice,
    cpu_ms: [f64; 3],
    wal_bytes: f64,
}

/// So many clients, and so many processes of each role.
pub(super) async fn run(
    (server, broker, program): (&BenchServer, &BenchBroker, &Program),
    (clients, each, stays): (u32, usize, Stays),
    slice: Duration,
) -> Outcome<Row> {
    let one_hotel = if stays == Stays::OneHotel { ", one hotel" } else { "" };
    let name = format!("processes_{each}_{clients}{}", if one_hotel.is_empty() { "" } else { "_hot" });
    let processes = Processes::start(server, broker, program, (&name, each)).await?;
    let ends = Arc::new(Ends::looking_every(LOOK_EVERY, processes.log.head().await?, &processes.log));
    let next = Arc::new(AtomicU64::new(0));
    let gateways = processes.gateways();
    let mut bookers = Vec::new();
    for at in 0..clients as usize {
        let connection = Connection::open(gateways[at % gateways.len()]).await?;
        bookers.push(Booker { connection, stays, ends: ends.clone(), next: next.clone() });
    }
    let (_, mut bookers) = drive(bookers, slice.mul_f64(WARM_UP_PART)).await?;
    let hotel_before = processes.appends(Context::Hotel.as_str()).await?;
    let roles_before = processes.cpu_ms_of_roles();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let (before, spent) = (Spent::read(server).await?, [processes.cpu_ms(), broker.cpu_ms()]);
        let (slice, back) = drive(bookers, slice).await?;
        bookers = back;
        let (rest_ms, wal_bytes) = Spent::read(server).await?.since(before);
        let cpu_ms = [processes.cpu_ms() - spent[0], broker.cpu_ms() - spent[1], rest_ms];
        rounds.push(Round { slice, cpu_ms, wal_bytes });
    }
    drop(bookers);
    let mut notes = vec![cpu_note(&rounds, &processes, &roles_before)?];
    let mut appends = Vec::new();
    for context in Context::ALL {
        appends.push((context, processes.appends(context.as_str()).await?));
    }
    processes.stop().await?;
    notes.push(refused_note(&appends)?);
    let mut row = row(&rounds);
    if stays == Stays::OneHotel {
        let hotel =
            appends.iter().find(|(context, _)| *context == Context::Hotel).map(|(_, it)| *it).unwrap_or_default();
        let refused = hotel.refused - hotel_before.refused;
        let asked = refused + hotel.stand - hotel_before.stand;
        let percent = 100.0 * refused as f64 / asked.max(1) as f64;
        row.bounds.push(Bound::of("% of the hotel's appends refused", percent, Limit::AtMost(REFUSED_PERCENT_MAX)));
    }
    let what = format!("trips, {each} of each role{one_hotel}");
    row.notes = notes.into_iter().map(|note| format!("{SCENARIO}, {what}: {note}")).collect();
    Ok(Row { scenario: SCENARIO.to_owned(), what: Some(what), clients, ..row })
}

fn row(rounds: &[Round]) -> Row {
    let of = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
    let rates = of(|round| round.slice.rate());
    let (slowest, fastest) = spread(&rates);
    Row {
        ops_per_s: median(&rates),
        slowest,
        fastest,
        p50_ms: median(&of(|round| round.slice.quantile_ms(0.5))),
        p99_ms: median(&of(|round| round.slice.quantile_ms(0.99))),
        max_ms: spread(&of(|round| round.slice.quantile_ms(1.0))).1,
        cpu_ms_per_op: median(&of(|round| round.cpu_ms.iter().sum::<f64>() / round.slice.ops as f64)),
        wal_bytes_per_op: median(&of(|round| round.wal_bytes / round.slice.ops as f64)),
        ..Row::default()
    }
}

/// Where the processor time of a trip goes.
fn cpu_note(rounds: &[Round], processes: &Processes, before: &BTreeMap<&str, f64>) -> Outcome<String> {
    let ops: u64 = rounds.iter().map(|round| round.slice.ops).sum();
    let each = |at: usize| rounds.iter().map(|round| round.cpu_ms[at]).sum::<f64>() / ops.max(1) as f64;
    let mut note = format!("ms of CPU each: broker {:.2}, Postgres and the bench {:.2}", each(1), each(2));
    for (role, spent) in processes.cpu_ms_of_roles() {
        let spent = spent - before.get(role).copied().unwrap_or_default();
        write!(note, ", {role} {:.2}", spent / ops.max(1) as f64)?;
    }
    Ok(note)
}

fn refused_note(appends: &[(Context, Appends)]) -> Outcome<String> {
    let mut note = "appends refused for a conflict, of all:".to_owned();
    for (context, Appends { stand, refused }) in appends {
        write!(note, " {} {refused} of {},", context.as_str(), stand + refused)?;
    }
    note.pop();
    Ok(note)
}
