//! The same questions at fixed times, at half the rate that was reached: latencies from when each was due, so that whoever had to wait for a
//! free connection has waited as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::asked;
use super::served::Served;
use crate::Outcome;
use crate::graphql::Connection;
use crate::open_loop::{Asker, Window, ask_every};
use crate::options::ROUNDS;
use crate::report::Row;

/// Load that nobody counts.
const WARM_UP: Duration = Duration::from_millis(500);

struct Booking {
    connection: Connection,
    next: Arc<AtomicU64>,
}

impl Asker for Booking {
    async fn ask(&mut self, _number: u32) -> Outcome<Instant> {
        asked::book(&mut self.connection, self.next.fetch_add(1, Ordering::Relaxed)).await?;
        Ok(Instant::now())
    }
}

struct Reading {
    connection: Connection,
    bookings: Arc<Vec<String>>,
}

impl Asker for Reading {
    async fn ask(&mut self, number: u32) -> Outcome<Instant> {
        asked::read(&mut self.connection, &self.bookings[number as usize % self.bookings.len()]).await?;
        Ok(Instant::now())
    }
}

/// Trips, so many a second.
pub(super) async fn trips(served: &Served, clients: u32, rate: f64, slice: Duration) -> Outcome<Row> {
    let connections = Connection::several(served.address(), clients as usize).await?;
    let askers = connections.into_iter().map(|connection| Booking { connection, next: served.next.clone() });
    paced("http:book:paced", askers.collect(), rate, slice).await
}

/// Reads, so many a second.
pub(super) async fn reads(served: &Served, clients: u32, rate: f64, slice: Duration) -> Outcome<Row> {
    let bookings = served.bookings().await?;
    let connections = Connection::several(served.address(), clients as usize).await?;
    let askers = connections.into_iter().map(|connection| Reading { connection, bookings: bookings.clone() });
    paced("http:read:paced", askers.collect(), rate, slice).await
}

async fn paced<A: Asker>(name: &str, askers: Vec<A>, rate: f64, slice: Duration) -> Outcome<Row> {
    let clients = askers.len() as u32;
    let (stop, stopped) = watch::channel(false);
    let asking = tokio::spawn(ask_every(Duration::from_secs_f64(1.0 / rate.max(1.0)), askers, stopped));
    tokio::time::sleep(WARM_UP).await;
    let begun = Instant::now();
    tokio::time::sleep(slice * ROUNDS).await;
    let ended = Instant::now();
    stop.send_replace(true);
    let asking = asking.await??;
    if let Some(failure) = asking.first_failure {
        return Err(format!("{name}: {} have failed, the first: {failure}", asking.failed.len()).into());
    }
    let window = Window::of(&asking.answered, &[(begun, ended)]);
    let rate = window.rate();
    Ok(Row {
        scenario: name.to_owned(),
        clients,
        ops_per_s: rate,
        slowest: rate,
        fastest: rate,
        p50_ms: window.quantile(0.5),
        p99_ms: window.quantile(0.99),
        max_ms: window.max(),
        ..Row::default()
    })
}
