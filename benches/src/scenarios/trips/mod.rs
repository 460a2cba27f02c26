//! Whole trips, to their end: hotel, flight and car, with payment NONE and by card, standing and taken back, or with points; read models
//! live.

pub(crate) mod doomed;
mod kill;

use std::time::Duration;

use self::kill::Kills;
use crate::Outcome;
use crate::measure::measure;
use crate::options::{Paid, Trips};
use crate::report::{Row, progress};
use crate::server::BenchServer;
use crate::sides::bare::Bare;
use crate::sides::ceiling::Ceiling;
use crate::sides::course::Course;
use crate::sides::floor::Floor;
use crate::sides::own;

/// Clients unless others are asked for.
const CLIENTS: [u32; 3] = [1, 16, 64];
/// Seconds for each side and number of clients.
const SECONDS: f64 = 15.0;
/// The same in a short run.
const QUICK_SECONDS: f64 = 0.6;

/// Trips with payment NONE beside floor, ceiling and bare writes, then those by card beside each other, then the kills.
pub(crate) async fn run(server: &BenchServer, options: &Trips) -> Outcome<Vec<Row>> {
    let slice = options.common.slice(SECONDS, QUICK_SECONDS);
    let mut rows = Vec::new();
    for clients in options.common.clients(&CLIENTS) {
        progress(&format!("trips, {clients} clients, Postgres {}", server.version()));
        if options.payment == Some(Paid::Points) {
            rows.extend(with_points(server, options, clients, slice).await?);
            continue;
        }
        rows.extend(unpaid(server, options, clients, slice).await?);
        rows.extend(by_card(server, options, clients, slice).await?);
    }
    Ok(rows)
}

/// Payment NONE: every trip is one commit, also one whose last part is sold out.
async fn unpaid(server: &BenchServer, options: &Trips, clients: u32, slice: Duration) -> Outcome<Vec<Row>> {
    let mut sides = Vec::new();
    for course in [Course::Unpaid, Course::SoldOut] {
        sides.push(own::trips(server, course, clients, options.common.log_only).await?);
    }
    if !options.common.alone {
        sides.push(Bare::open(server, clients).await?);
        sides.push(Floor::open(server, "trips", clients).await?);
        sides.push(Ceiling::open(server, "trips", clients).await?);
    }
    measure(server, clients, sides, slice).await
}

/// With points beside payment NONE, and nothing else: every trip is one commit.
async fn with_points(server: &BenchServer, options: &Trips, clients: u32, slice: Duration) -> Outcome<Vec<Row>> {
    let mut sides = Vec::new();
    for course in [Course::Unpaid, Course::Points] {
        sides.push(own::trips(server, course, clients, options.common.log_only).await?);
    }
    measure(server, clients, sides, slice).await
}

/// By card: the same trips, of which none, some or all are declined at the last step.
async fn by_card(server: &BenchServer, options: &Trips, clients: u32, slice: Duration) -> Outcome<Vec<Row>> {
    let courses = options.courses();
    let mut sides = Vec::new();
    for course in &courses {
        sides.push(own::trips(server, *course, clients, options.common.log_only).await?);
    }
    let mut rows = measure(server, clients, sides, slice).await?;
    let recoveries = Kills { server, options, clients }.of(&courses).await?;
    for (row, recovery) in rows.iter_mut().zip(recoveries) {
        row.recovery = recovery;
    }
    Ok(rows)
}
