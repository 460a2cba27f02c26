//! The program at work, and its two sides: trips booked and bookings read as fast as answers come.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::ConnectOptions;
use traveladvisor_infra::event_log::{EventLog, Position};

use super::{FLIGHTS, asked};
use crate::Outcome;
use crate::database::{self, beginning};
use crate::graphql::Connection;
use crate::load::{Client, Slice, drive};
use crate::program::{Program, Serving};
use crate::server::BenchServer;
use crate::sides::course::Course;
use crate::sides::house::House;
use crate::sides::trips::bookers;
use crate::sides::{Kind, Left, Side};

/// Bookings that are read, one after the other.
const BOOKINGS_READ: u64 = 1_000;
/// How long a trip that was accepted may take until it can be read.
const SETTLED_MAX: Duration = Duration::from_secs(30);
/// How often that is looked at.
const SETTLED_POLL: Duration = Duration::from_millis(5);

/// A process that serves a log with enough on sale for the whole run.
pub(super) struct Served {
    serving: Serving,
    /// For looking on.
    log: EventLog,
    /// The next trip's number: no trip is booked twice.
    pub(super) next: Arc<AtomicU64>,
}

impl Served {
    /// Lists what is on sale, then serves.
    pub(super) async fn open(server: &BenchServer, program: &Program, name: &str) -> Outcome<Self> {
        let house = House::open(database::own(server, name).await?, beginning()).await?;
        bookers(&house.log, &house.engine, Course::Unpaid, 0, FLIGHTS).await?;
        house.close().await;
        let options = server.connect_options(name);
        let serving = program.serve(options.to_url_lossy().as_str()).await?;
        Ok(Self { serving, log: database::open(options), next: Arc::default() })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.serving.address
    }

    /// Trips that can be read.
    pub(super) async fn bookings(&self) -> Outcome<Arc<Vec<String>>> {
        let mut connection = Connection::open(self.address()).await?;
        let mut ids = Vec::new();
        for _ in 0..BOOKINGS_READ {
            ids.push(asked::book(&mut connection, self.next.fetch_add(1, Ordering::Relaxed)).await?);
        }
        let last = ids.last().ok_or("nothing was booked")?;
        let found = async {
            while asked::read(&mut connection, last).await.is_err() {
                tokio::time::sleep(SETTLED_POLL).await;
            }
        };
        tokio::time::timeout(SETTLED_MAX, found).await?;
        Ok(Arc::new(ids))
    }

    pub(super) async fn stop(self) -> Outcome<()> {
        self.log.pool().close().await;
        self.serving.stop().await
    }
}

/// Books trips.
struct Booking {
    connection: Connection,
    next: Arc<AtomicU64>,
}

impl Client for Booking {
    async fn once(&mut self) -> Outcome<u64> {
        asked::book(&mut self.connection, self.next.fetch_add(1, Ordering::Relaxed)).await?;
        Ok(1)
    }
}

/// Reads bookings.
struct Reading {
    connection: Connection,
    bookings: Arc<Vec<String>>,
    next: usize,
}

impl Client for Reading {
    async fn once(&mut self) -> Outcome<u64> {
        self.next = (self.next + 1) % self.bookings.len();
        asked::read(&mut self.connection, &self.bookings[self.next]).await?;
        Ok(1)
    }
}

/// Trips with payment NONE, answered once they are durable.
pub(super) async fn trips(served: &Served, clients: u32) -> Outcome<Box<dyn Side>> {
    let connections = Connection::several(served.address(), clients as usize).await?;
    let one = |connection| Booking { connection, next: served.next.clone() };
    let clients = connections.into_iter().map(one).collect();
    Ok(OverHttp::side("http:book", Kind::Own, served, clients, true))
}

/// Bookings by their id.
pub(super) async fn reads(served: &Served, clients: u32) -> Outcome<Box<dyn Side>> {
    let bookings = served.bookings().await?;
    let connections = Connection::several(served.address(), clients as usize).await?;
    let one = |(at, connection)| Reading { connection, bookings: bookings.clone(), next: at * 7 % bookings.len() };
    let clients = connections.into_iter().enumerate().map(one).collect();
    Ok(OverHttp::side("http:read", Kind::OwnOther, served, clients, false))
}

/// Clients of a process that serves.
struct OverHttp<C> {
    name: &'static str,
    kind: Kind,
    log: EventLog,
    process: u32,
    clients: Vec<C>,
    /// Whether each operation is a trip that must have ended.
    books: bool,
    mark: Position,
    last: u64,
    ops: u64,
    cpu_ms: f64,
}

impl<C: Client> OverHttp<C> {
    fn side(name: &'static str, kind: Kind, served: &Served, clients: Vec<C>, books: bool) -> Box<dyn Side> {
        let (log, process) = (served.log.clone(), served.serving.process());
        Box::new(Self { name, kind, log, process, clients, books, mark: Position::START, last: 0, ops: 0, cpu_ms: 0.0 })
    }

    fn spent(&self) -> f64 {
        crate::cost::cpu_ms_of(self.process).unwrap_or(0) as f64
    }
}

impl<C: Client> Side for OverHttp<C> {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, duration: Duration) -> BoxFuture<'_, Outcome<Slice>> {
        async move {
            self.mark = self.log.head().await?;
            let before = self.spent();
            let (slice, clients) = drive(std::mem::take(&mut self.clients), duration).await?;
            self.cpu_ms += self.spent() - before;
            self.ops += slice.ops;
            self.last = slice.ops;
            self.clients = clients;
            Ok(slice)
        }
        .boxed()
    }

    fn settle(&mut self) -> BoxFuture<'_, Outcome<Option<Left>>> {
        async move {
            if !self.books {
                return Ok(None);
            }
            let (events, commits, ended): (i64, i64, i64) = sqlx::query_as(
                "SELECT count(*), count(DISTINCT metadata ->> 'batch'), count(*) FILTER (WHERE event_type = 'SagaSucceeded') \
                   FROM events WHERE position > $1",
            )
            .bind(self.mark.0.cast_signed())
            .fetch_one(self.log.pool())
            .await?;
            if ended.unsigned_abs() != self.last {
                return Err(format!("{}: {} trips were counted, {ended} have ended", self.name, self.last).into());
            }
            Ok(Some(Left { events: events.unsigned_abs(), commits: commits.unsigned_abs() }))
        }
        .boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Outcome<Vec<String>>> {
        let each = self.cpu_ms / self.ops.max(1) as f64;
        let note = format!("{}: the program itself spends {each:.3} ms of processor time for each", self.name);
        async move { Ok(vec![note]) }.boxed()
    }
}
