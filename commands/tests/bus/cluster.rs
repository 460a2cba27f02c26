//! All contexts, each with a log and engines of its own, joined by a real broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use sqlx::PgPool;
use tokio::sync::{Semaphore, SemaphorePermit};
use traveladvisor_commands::engine::bus::{Bus, Consumes, Outbox};
use traveladvisor_commands::engine::{Delivery, Faults, Ports, RunningEngine};
use traveladvisor_commands::{CallerCommand, Engine, Receipt, Rejection};
use traveladvisor_domain::bus::{TOPICS, Version};
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::clock::{Clock, SandboxClock, SeededIds};
use traveladvisor_infra::event_log::{EventLog, Position, RELAY, StoredEvent};
use traveladvisor_infra::gateway::{PaymentGateway, SandboxGateway};
use traveladvisor_infra::kafka::KafkaSettings;
use traveladvisor_infra::kafka::admin::{TopicSpec, topics_apply};
use traveladvisor_infra::postgres::{PgConnectOptions, SCHEMA};
use traveladvisor_infra::testing::{TestDatabase, broker};

use super::verdict::{read_on, watch};
use crate::support::{book, car, card, flight, hotel, metadata, request, start, trip};

/// Partitions of every topic.
pub(crate) const PARTITIONS: u32 = 4;

/// A generous limit for all trips of a test to end: a broker that was away is found again within seconds, a killed member's partitions as well.
pub(crate) const ALL_END: Duration = Duration::from_mins(3);
/// Clusters at once: each has the connections of six services and their processes, and all tests share one server.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Rooms, seats and vehicles that no test uses up.
pub(crate) const PLENTY: u32 = 500;

/// All logs of an installation.
pub(crate) struct Cluster {
    pub(crate) kafka: KafkaSettings,
    pub(crate) logs: BTreeMap<Context, EventLog>,
    pub(crate) engines: BTreeMap<Context, Vec<(Engine, RunningEngine)>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) outbox: Outbox,
    pub(crate) consumes: Consumes,
    /// Instead of the sandbox's, and how often it is asked for an outcome.
    pub(crate) gateway: Option<(Arc<dyn PaymentGateway>, u32)>,
    /// What those write that are started from now on.
    pub(crate) writes: Version,
    seeds: u64,
    /// Its turn among clusters.
    _turn: SemaphorePermit<'static>,
    /// Where each log is.
    options: BTreeMap<Context, PgConnectOptions>,
    /// Dropped with the cluster.
    databases: Vec<TestDatabase>,
}

impl Cluster {
    /// One engine for each context over the broker that all tests share; supply as in the small world.
    pub(crate) async fn begin() -> Self {
        Self::over(broker::settings().await, 1).await
    }

    /// So many engines for each context.
    pub(crate) async fn over(kafka: KafkaSettings, each: usize) -> Self {
        let mut cluster = Self::without_engines(kafka).await;
        for context in Context::ALL {
            for _ in 0..each {
                cluster.start(context).await;
            }
        }
        cluster.list_supply((2, 3, 1)).await;
        cluster.know_supply().await;
        cluster
    }

    /// Topics and logs, and nobody at work.
    pub(crate) async fn without_engines(kafka: KafkaSettings) -> Self {
        let turn = AT_ONCE.acquire().await.expect("never closed");
        let topics = topics();
        let made = topics_apply(&kafka, &topics);
        let databases = join_all(Context::ALL.map(|_| TestDatabase::create(SCHEMA)));
        let (made, databases) = tokio::join!(made, databases);
        let report = made.expect("the topics are made");
        assert!(report.is_done(), "{report:?}");
        let mut cluster = Self {
            kafka,
            logs: BTreeMap::new(),
            engines: BTreeMap::new(),
            clock: Arc::new(SandboxClock::starting_at(start())),
            outbox: Outbox::Relay,
            consumes: Consumes::Here,
            gateway: None,
            writes: Version::default(),
            seeds: 0,
            _turn: turn,
            options: BTreeMap::new(),
            databases: Vec::new(),
        };
        for (context, database) in Context::ALL.into_iter().zip(databases) {
            cluster.put_log(context, database.options.clone(), database.pool.clone());
            cluster.databases.push(database);
        }
        cluster
    }

    /// The log of a context is there.
    pub(crate) fn put_log(&mut self, context: Context, options: PgConnectOptions, pool: PgPool) {
        self.options.insert(context, options);
        self.logs.insert(context, EventLog::new(context.as_str(), pool));
    }

    /// How another process comes to a log.
    pub(crate) fn options(&self, context: Context) -> PgConnectOptions {
        self.options[&context].clone()
    }

    /// Supply for many trips, known to all.
    pub(crate) async fn with_plenty(mut self) -> Self {
        for context in Context::ALL {
            if !self.engines.contains_key(&context) {
                self.start(context).await;
            }
        }
        self.list_supply((PLENTY, PLENTY, PLENTY)).await;
        self.know_supply().await;
        self
    }

    /// What joins the engine of a context to the others.
    pub(crate) fn bus(&self, context: Context) -> Bus {
        Bus {
            contexts: Contexts::NONE.and(context),
            kafka: self.kafka.clone(),
            outbox: self.outbox,
            slot: slot_of(context),
            writes: self.writes,
            consumes: self.consumes,
        }
    }

    /// One more process of a context.
    pub(crate) async fn start(&mut self, context: Context) {
        self.seeds += 1;
        let log = self.logs[&context].clone();
        watch(&log).await;
        let (gateway, faults) = match &self.gateway {
            Some((gateway, look_ups_max)) => (gateway.clone(), Faults::default().look_ups_max(*look_ups_max)),
            None => (Arc::new(SandboxGateway::new(log.pool().clone())) as Arc<dyn PaymentGateway>, Faults::default()),
        };
        let ids = Arc::new(SeededIds::new(self.seeds));
        let ports = Ports { terms: Arc::default(), clock: self.clock.clone(), ids, gateway };
        let bus = self.bus(context);
        let started = Engine::start_on_bus_with_faults(log, ports, Delivery::Here, (bus, faults)).await;
        let started = started.expect("the engine starts");
        self.engines.entry(context).or_default().push(started);
    }

    pub(crate) fn engine(&self, context: Context) -> &Engine {
        &self.engines[&context].first().expect("an engine").0
    }

    pub(crate) async fn list_supply(&self, (rooms, seats, vehicles): (u32, u32, u32)) {
        for (context, command) in [
            (Context::Hotel, CallerCommand::UpsertHotel(hotel(rooms))),
            (Context::Flight, CallerCommand::UpsertFlight(flight(seats))),
            (Context::Car, CallerCommand::UpsertCar(car(vehicles))),
        ] {
            self.engine(context).submit(request(command, None)).await.expect("the supply is listed");
        }
    }

    /// Waits until every process that prices trips knows the supply.
    pub(crate) async fn know_supply(&self) {
        let known = async {
            for (engine, _) in &self.engines[&Context::Booking] {
                let copies = engine.copies().expect("it prices from copies");
                while !copies.is_complete() || copies.count() < 3 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        tokio::time::timeout(ALL_END, known).await.expect("the supply becomes known");
    }

    pub(crate) async fn submit(&self, context: Context, command: CallerCommand) -> Result<Receipt, Rejection> {
        self.engine(context).submit(request(command, None)).await
    }

    pub(crate) async fn book(&self, key: &str, payment: PaymentPlan) -> Result<BookingId, Rejection> {
        let receipt = self.engine(Context::Booking).submit(request(book(trip(payment)), Some(key))).await?;
        Ok(BookingId(receipt.subject.uuid))
    }

    pub(crate) async fn events(&self, context: Context) -> Vec<StoredEvent> {
        read_on(&self.logs[&context], Position::START).await
    }

    /// Names of the events of a trip in one log.
    pub(crate) async fn story(&self, context: Context, booking: BookingId) -> Vec<String> {
        let events = self.events(context).await;
        let is_of = |event: &&StoredEvent| {
            event.stream.kind != StreamKind::DeadLetter && metadata(event).correlation == booking.to_string()
        };
        events.iter().filter(is_of).map(|event| event.event_type.to_string()).collect()
    }

    /// Waits until the saga of a trip has written an event of one of these names; what it and its booking came to.
    pub(crate) async fn until(&self, booking: BookingId, names: &[&str]) -> Vec<String> {
        let arrived = async {
            loop {
                let story = self.story(Context::Booking, booking).await;
                if story.iter().any(|name| names.contains(&name.as_str())) {
                    return story;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if let Ok(story) = tokio::time::timeout(ALL_END, arrived).await {
            return story;
        }
        panic!("never came to {names:?}: {:?}", self.story(Context::Booking, booking).await)
    }

    /// Books so many trips, one in five of them by a card that is declined and one in five by a good one.
    pub(crate) async fn book_some(&self, name: &str, trips: usize) {
        for number in 0..trips {
            let payment = match number % 5 {
                1 => card("declines"),
                3 => card("approves"),
                _ => PaymentPlan::None,
            };
            self.book(&format!("{name}-{number}"), payment).await.expect("bookings are accepted whatever is away");
        }
    }

    /// Which turn it is to deliver, of each log: in another one than before what was not acknowledged is sent once more.
    pub(crate) async fn turns(&self) -> Vec<(Context, u64)> {
        let mut turns = Vec::new();
        for (context, log) in &self.logs {
            let owners = log.owners().await.expect("read");
            turns.extend(owners.iter().filter(|owner| owner.name == RELAY).map(|owner| (*context, owner.epoch)));
        }
        turns
    }

    /// How many times a saga has come to an end: one that stands and is cancelled later does so twice.
    pub(crate) async fn ended(&self) -> usize {
        let ends = ["SagaSucceeded", "SagaCompensated"];
        self.events(Context::Booking).await.iter().filter(|event| ends.contains(&&*event.event_type)).count()
    }

    /// Waits until that has happened so many times.
    pub(crate) async fn until_ended(&self, times: usize) {
        let ended = async {
            while self.ended().await < times {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let in_time = tokio::time::timeout(ALL_END, ended).await.is_ok();
        assert!(in_time, "{} of {times} sagas have ended", self.ended().await);
    }

    /// Ends the engines of a context in this process.
    pub(crate) async fn stop_all(&mut self, context: Context) {
        let ending = self.engines.remove(&context).into_iter().flatten();
        join_all(ending.map(|(_, running)| running.stop())).await;
    }

    /// Ends everything in order.
    pub(crate) async fn stop(&mut self) {
        let ending = std::mem::take(&mut self.engines).into_values().flatten();
        join_all(ending.map(|(_, running)| running.stop())).await;
    }
}

/// The replication slot of a context's log, where there is one.
pub(crate) fn slot_of(context: Context) -> String {
    format!("traveladvisor_outbox_{context}")
}

/// The table of topics, as small as tests need it.
pub(crate) fn topics() -> Vec<TopicSpec> {
    let spec = |topic: &traveladvisor_domain::bus::Topic| TopicSpec {
        name: topic.name.to_owned(),
        partitions: PARTITIONS,
        replication: 1,
        retention_ms: None,
        compacted: topic.carries.is_compacted(),
    };
    TOPICS.iter().map(spec).collect()
}
