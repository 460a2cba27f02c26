//! Our engine under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::Row;
use traveladvisor_commands::{CallerCommand, Engine};
use traveladvisor_domain::id::HotelId;
use traveladvisor_infra::event_log::Position;

use super::course::Course;
use super::ends::{COMPENSATED, LAST_EVENTS};
use super::house::House;
use super::supply::{self, SUPPLIER};
use super::trips::{FLIGHTS, bookers};
use super::{Kind, Left, Side};
use crate::Outcome;
use crate::database::{self, beginning};
use crate::load::{Client, Slice, drive};
use crate::server::BenchServer;

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

/// Sagas that have ended in a slice.
struct Ended {
    all: u64,
    compensated: u64,
}

/// Our engine over a log of its own.
pub(crate) struct Own<C> {
    name: String,
    kind: Kind,
    course: Option<Course>,
    house: House,
    clients: Vec<C>,
    /// The log's end before the slice.
    mark: Position,
    /// Operations of the last slice.
    last: u64,
    lags_ms: Vec<f64>,
}

/// Fresh aggregates.
pub(crate) async fn fresh(server: &BenchServer, name: &str, kind: Kind, clients: u32) -> Outcome<Box<dyn Side>> {
    let house = House::open(database::own(server, &format!("{name}_{clients}")).await?, beginning()).await?;
    let next = Arc::new(AtomicU64::new(0));
    let clients = (0..clients).map(|_| FreshCar { engine: house.engine.clone(), next: next.clone() }).collect();
    Ok(Own::side(name, kind, None, house, clients))
}

/// One hotel for all.
pub(crate) async fn hot(server: &BenchServer, name: &str, clients: u32) -> Outcome<Box<dyn Side>> {
    let house = House::open(database::own(server, &format!("{name}_{clients}")).await?, beginning()).await?;
    let engine = house.engine.clone();
    engine.submit(supply::request(CallerCommand::UpsertHotel(supply::hotel(0)), None)).await?;
    let hotel = HotelId::of(SUPPLIER, "H0");
    let next = Arc::new(AtomicU64::new(0));
    let clients = (0..clients).map(|_| HotHotel { engine: engine.clone(), hotel, next: next.clone() }).collect();
    Ok(Own::side(name, Kind::Own, None, house, clients))
}

/// Whole trips, read models live unless `log_only`.
pub(crate) async fn trips(
    server: &BenchServer,
    course: Course,
    clients: u32,
    log_only: bool,
) -> Outcome<Box<dyn Side>> {
    let house = House::open(database::own(server, &course.database(clients)).await?, beginning()).await?;
    let house = if log_only { house } else { house.with_read_models() };
    let bookers = bookers(&house.log, &house.engine, course, clients, FLIGHTS).await?;
    let kind = if course == Course::Unpaid { Kind::Own } else { Kind::OwnOther };
    Ok(Own::side(course.name(), kind, Some(course), house, bookers))
}

/// Whole trips with payment NONE and nothing but the engine, to be shown beside what else books the same trips over so many flights.
pub(crate) async fn engine_alone(
    server: &BenchServer,
    name: &str,
    clients: u32,
    flights: u64,
) -> Outcome<Box<dyn Side>> {
    let database = format!("{}_{clients}", name.replace(':', "_"));
    let house = House::open(database::own(server, &database).await?, beginning()).await?;
    let bookers = bookers(&house.log, &house.engine, Course::Unpaid, clients, flights).await?;
    Ok(Own::side(name, Kind::Beside, Some(Course::Unpaid), house, bookers))
}

impl<C: Client> Own<C> {
    fn side(name: &str, kind: Kind, course: Option<Course>, house: House, clients: Vec<C>) -> Box<dyn Side> {
        let name = name.to_owned();
        let (mark, last, lags_ms) = (Position::START, 0, Vec::new());
        Box::new(Self { name, kind, course, house, clients, mark, last, lags_ms })
    }

    /// Events and distinct batches after the mark, and the sagas that have ended there.
    async fn left(&mut self) -> Outcome<(Left, Ended)> {
        let row = sqlx::query(
            "SELECT count(*) AS events, count(DISTINCT metadata ->> 'batch') AS batches, \
                    count(*) FILTER (WHERE event_type = ANY($2)) AS ended, \
                    count(*) FILTER (WHERE event_type = $3) AS compensated \
               FROM events WHERE position > $1",
        )
        .bind(self.mark.0.cast_signed())
        .bind(&LAST_EVENTS[..])
        .bind(COMPENSATED)
        .fetch_one(self.house.log.pool())
        .await?;
        let count = |name| row.get::<i64, _>(name).unsigned_abs();
        let ended = Ended { all: count("ended"), compensated: count("compensated") };
        Ok((Left { events: count("events"), commits: count("batches") }, ended))
    }
}

impl<C: Client> Side for Own<C> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn course(&self) -> Option<Course> {
        self.course
    }

    fn run(&mut self, duration: Duration) -> BoxFuture<'_, Outcome<Slice>> {
        async move {
            self.mark = self.house.log.head().await?;
            let (slice, clients) = drive(std::mem::take(&mut self.clients), duration).await?;
            self.clients = clients;
            self.last = slice.ops;
            self.lags_ms.extend(self.house.caught_up().await?);
            Ok(slice)
        }
        .boxed()
    }

    fn settle(&mut self) -> BoxFuture<'_, Outcome<Option<Left>>> {
        async move {
            let (left, ended) = self.left().await?;
            // A trip that was counted and has not ended would make both the rate and the costs too good.
            if self.course.is_some() && ended.all != self.last {
                return Err(format!("{}: {} trips were counted, {} have ended", self.name, self.last, ended.all).into());
            }
            let must_stand = matches!(self.course, Some(Course::Unpaid | Course::Points));
            if must_stand && ended.compensated > 0 {
                return Err(format!("{}: {} trips were given back", self.name, ended.compensated).into());
            }
            Ok(Some(left))
        }
        .boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Outcome<Vec<String>>> {
        async move {
            let mut notes = Vec::new();
            if !self.lags_ms.is_empty() {
                let worst = self.lags_ms.iter().copied().fold(0.0, f64::max);
                let clients = self.clients.len();
                let share = self.course.and_then(Course::fail_percent);
                let share = share.map(|percent| format!(", {percent} % failing")).unwrap_or_default();
                notes.push(format!(
                    "{} at {clients} clients{share}: the read models had everything at most {worst:.0} ms after a slice's last answer",
                    self.name
                ));
            }
            drop(self.clients);
            self.house.close().await;
            Ok(notes)
        }
        .boxed()
    }
}
