//! Our engine under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::Row;
use traveladvisor_commands::engine::RunningEngine;
use traveladvisor_commands::{CallerCommand, Engine};
use traveladvisor_domain::id::HotelId;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_projections::runtime::Projectors;

use super::supply::{self, SUPPLIER, Trips};
use super::{Kind, Left, Side};
use crate::load::{Client, Slice, drive};
use crate::server::BenchServer;
use crate::{Outcome, database};

/// Flights that trips use at a time.
const FLIGHTS: u64 = 50;
/// Longest wait for the read models after a slice.
const LAG_MAX: Duration = Duration::from_mins(1);
/// How often read models are looked at meanwhile.
const LAG_POLL: Duration = Duration::from_millis(2);

/// A one-event command on a fresh aggregate.
pub(crate) struct FreshCar {
    pub(crate) engine: Engine,
    pub(crate) next: Arc<AtomicU64>,
}

impl Client for FreshCar {
    async fn once(&mut self) -> Outcome<u64> {
        let code = format!("B{}", self.next.fetch_add(1, Ordering::Relaxed));
        self.engine.submit(supply::request(CallerCommand::UpsertCar(supply::car(code)), None)).await?;
        Ok(1)
    }
}

/// A one-event command on the one hotel.
struct HotHotel {
    engine: Engine,
    hotel: HotelId,
    next: Arc<AtomicU64>,
}

impl Client for HotHotel {
    async fn once(&mut self) -> Outcome<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.engine.submit(supply::request(supply::allotment_change(self.hotel, number), None)).await?;
        Ok(1)
    }
}

/// A whole trip.
struct Traveller {
    engine: Engine,
    trips: Arc<Trips>,
}

impl Client for Traveller {
    async fn once(&mut self) -> Outcome<u64> {
        self.engine.submit(self.trips.next().await?).await?;
        Ok(1)
    }
}

/// Our engine over a log of its own.
pub(crate) struct Own<C> {
    name: String,
    kind: Kind,
    log: EventLog,
    running: RunningEngine,
    projectors: Option<Projectors>,
    clients: Vec<C>,
    /// The log's end before the slice.
    mark: Position,
    lags_ms: Vec<f64>,
}

/// Fresh aggregates.
pub(crate) async fn fresh(server: &BenchServer, name: &str, kind: Kind, clients: u32) -> Outcome<Box<dyn Side>> {
    let log = database::own(server, &format!("{name}_{clients}")).await?;
    let (engine, running) = database::engine(&log).await?;
    let next = Arc::new(AtomicU64::new(0));
    let clients = (0..clients).map(|_| FreshCar { engine: engine.clone(), next: next.clone() }).collect();
    Ok(boxed(name, kind, log, running, None, clients))
}

/// One hotel for all.
pub(crate) async fn hot(server: &BenchServer, name: &str, clients: u32) -> Outcome<Box<dyn Side>> {
    let log = database::own(server, &format!("{name}_{clients}")).await?;
    let (engine, running) = database::engine(&log).await?;
    engine.submit(supply::request(CallerCommand::UpsertHotel(supply::hotel(0)), None)).await?;
    let hotel = HotelId::of(SUPPLIER, "H0");
    let next = Arc::new(AtomicU64::new(0));
    let clients = (0..clients).map(|_| HotHotel { engine: engine.clone(), hotel, next: next.clone() }).collect();
    Ok(boxed(name, Kind::Own, log, running, None, clients))
}

/// Whole trips, read models live unless `log_only`.
pub(crate) async fn trips(server: &BenchServer, name: &str, clients: u32, log_only: bool) -> Outcome<Box<dyn Side>> {
    let log = database::own(server, &format!("{name}_{clients}")).await?;
    let (engine, running) = database::engine(&log).await?;
    let projectors = (!log_only).then(|| Projectors::start(log.clone()));
    let trips = Arc::new(Trips::open(engine.clone(), FLIGHTS).await?);
    let clients = (0..clients).map(|_| Traveller { engine: engine.clone(), trips: trips.clone() }).collect();
    Ok(boxed(name, Kind::Own, log, running, projectors, clients))
}

fn boxed<C: Client>(
    name: &str,
    kind: Kind,
    log: EventLog,
    running: RunningEngine,
    projectors: Option<Projectors>,
    clients: Vec<C>,
) -> Box<dyn Side> {
    let name = name.to_owned();
    Box::new(Own { name, kind, log, running, projectors, clients, mark: Position::START, lags_ms: Vec::new() })
}

impl<C: Client> Own<C> {
    /// Events and distinct batches after the mark.
    async fn left(&mut self) -> Outcome<Left> {
        let row = sqlx::query(
            "SELECT count(*) AS events, count(DISTINCT metadata ->> 'batch') AS batches, max(position) AS head \
               FROM events WHERE position > $1",
        )
        .bind(self.mark.0.cast_signed())
        .fetch_one(self.log.pool())
        .await?;
        Ok(Left {
            events: row.get::<i64, _>("events").unsigned_abs(),
            commits: row.get::<i64, _>("batches").unsigned_abs(),
        })
    }
}

/// Waits until the read models have taken in the last slice. Gives how long that took, in milliseconds.
async fn catch_up(projectors: &Projectors, head: Position) -> Outcome<f64> {
    let begun = Instant::now();
    while projectors.positions().iter().any(|(_, position)| *position < head) {
        if begun.elapsed() > LAG_MAX {
            let status = projectors.status();
            return Err(format!("the read models do not catch up with {head}: {status:?}").into());
        }
        tokio::time::sleep(LAG_POLL).await;
    }
    Ok(begun.elapsed().as_secs_f64() * 1_000.0)
}

impl<C: Client> Side for Own<C> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, duration: Duration) -> BoxFuture<'_, Outcome<Slice>> {
        async move {
            self.mark = self.log.head().await?;
            let (slice, clients) = drive(std::mem::take(&mut self.clients), duration).await?;
            self.clients = clients;
            let head = *self.log.committed().borrow();
            if let Some(projectors) = &self.projectors {
                let lag = catch_up(projectors, head).await?;
                self.lags_ms.push(lag);
            }
            Ok(slice)
        }
        .boxed()
    }

    fn settle(&mut self) -> BoxFuture<'_, Outcome<Option<Left>>> {
        async move { self.left().await.map(Some) }.boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Outcome<Vec<String>>> {
        async move {
            let mut notes = Vec::new();
            if !self.lags_ms.is_empty() {
                let worst = self.lags_ms.iter().copied().fold(0.0, f64::max);
                let clients = self.clients.len();
                notes.push(format!(
                    "{} at {clients} clients: the read models had everything at most {worst:.0} ms after a slice's last answer",
                    self.name
                ));
            }
            if let Some(projectors) = self.projectors {
                projectors.stop().await;
            }
            self.running.stop().await;
            self.log.pool().close().await;
            Ok(notes)
        }
        .boxed()
    }
}
