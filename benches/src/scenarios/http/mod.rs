//! Trips booked and read over HTTP, as callers do it: the program as a process of its own, read models live, beside the engine alone.

pub(super) mod asked;
mod paced;
mod served;

use crate::Outcome;
use crate::measure::measure;
use crate::options::Http;
use crate::program::Program;
use crate::report::{Bound, Limit, Row, progress};
use crate::server::BenchServer;
use crate::sides::own;

use self::served::{Served, reads, trips};

/// Connections unless others are asked for.
const CLIENTS: [u32; 1] = [64];
/// Seconds for each side.
const SECONDS: f64 = 15.0;
/// The same in a short run.
const QUICK_SECONDS: f64 = 2.0;
/// Flights that trips go round: they are all listed before anything is measured.
const FLIGHTS: u64 = 200;

/// What booking over HTTP may cost in terms of the engine alone.
const ENGINE_TIMES_MAX: f64 = 2.0;
/// Least bookings that are read in a second.
const READS_PER_S_MIN: f64 = 5_000.0;

/// For each number of connections: as fast as answers come, then at half that rate at fixed times.
pub(crate) async fn run(server: &BenchServer, options: &Http) -> Outcome<Vec<Row>> {
    let program = Program::find(options.program.as_deref()).await?;
    let slice = options.common.slice(SECONDS, QUICK_SECONDS);
    let mut rows = Vec::new();
    for clients in options.common.clients(&CLIENTS) {
        progress(&format!("http, {clients} connections, Postgres {}", server.version()));
        let serving = Served::open(server, &program, &format!("http_{clients}")).await?;
        let mut sides = vec![trips(&serving, clients).await?];
        if !options.common.alone {
            sides.push(own::engine_alone(server, "http:engine", clients, FLIGHTS).await?);
        }
        let mut booked = measure(server, clients, sides, slice).await?;
        if let Some(row) = booked.first_mut()
            && let Some(ratio) = row.ratio_to_engine
        {
            row.bounds.push(Bound::of("times the engine alone", 1.0 / ratio, Limit::AtMost(ENGINE_TIMES_MAX)));
        }
        let mut read = measure(server, clients, vec![reads(&serving, clients).await?], slice).await?;
        if let Some(row) = read.first_mut() {
            row.bounds.push(Bound::of("bookings read a second", row.ops_per_s, Limit::AtLeast(READS_PER_S_MIN)));
        }
        let (booking_rate, reading_rate) = (rate(&booked), rate(&read));
        rows.extend(booked);
        rows.extend(read);
        rows.push(paced::trips(&serving, clients, booking_rate / 2.0, slice).await?);
        rows.push(paced::reads(&serving, clients, reading_rate / 2.0, slice).await?);
        serving.stop().await?;
    }
    Ok(rows)
}

fn rate(rows: &[Row]) -> f64 {
    rows.first().map_or(1.0, |row| row.ops_per_s)
}
