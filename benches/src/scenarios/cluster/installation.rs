//! Logs, topics and engines of one installation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::ready;
use futures::{StreamExt, TryStreamExt};
use traveladvisor_commands::engine::bus::{Bus, Consumes, Outbox};
use traveladvisor_commands::engine::{Delivery, Ports, RunningEngine};
use traveladvisor_commands::{CallerCommand, Engine};
use traveladvisor_domain::bus::{TOPICS, Topic, Version};
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_infra::clock::{RandomIds, SandboxClock};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::gateway::SandboxGateway;
use traveladvisor_infra::kafka::admin::{TopicSpec, topics_apply};
use traveladvisor_infra::kafka::{KafkaSettings, PARTITIONS_DEFAULT};

use super::GENERATIONS;
use crate::broker::BenchBroker;
use crate::database::{self, beginning};
use crate::server::BenchServer;
use crate::sides::supply::{self, FLEETS, HOTELS};
use crate::sides::trips::FLIGHTS;
use crate::{Failure, Outcome};

/// Requests at once while everything is made ready.
const ASKED_AT_ONCE: usize = 256;
/// Longest wait until all that is on sale is known to who prices trips.
const KNOWN_MAX: Duration = Duration::from_mins(1);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// An installation at work.
pub(super) struct Installation {
    pub(super) kafka: KafkaSettings,
    pub(super) logs: BTreeMap<Context, EventLog>,
    engines: Vec<(Context, Engine, RunningEngine)>,
}

impl Installation {
    /// Topics and logs of these contexts, and nobody at work.
    pub(super) async fn open(
        server: &BenchServer,
        broker: &BenchBroker,
        (name, contexts): (&str, &[Context]),
    ) -> Outcome<Self> {
        let kafka = broker.settings(name);
        let report = topics_apply(&kafka, &TOPICS.iter().map(spec).collect::<Vec<_>>()).await?;
        if !report.is_done() {
            return Err(format!("topics are not made: {report:?}").into());
        }
        let mut logs = BTreeMap::new();
        for context in contexts {
            logs.insert(*context, database::own(server, &format!("{name}_{}", context.as_str())).await?);
        }
        Ok(Self { kafka, logs, engines: Vec::new() })
    }

    /// With logs that are there, and nobody at work.
    pub(super) const fn over(kafka: KafkaSettings, logs: BTreeMap<Context, EventLog>) -> Self {
        Self { kafka, logs, engines: Vec::new() }
    }

    /// One more engine of a context, as a process of it has one.
    pub(super) async fn start(&mut self, context: Context, delivery: Delivery) -> Outcome<Engine> {
        let log = self.logs[&context].clone();
        let ports = Ports {
            clock: Arc::new(SandboxClock::starting_at(beginning())),
            ids: Arc::new(RandomIds),
            gateway: Arc::new(SandboxGateway::new(log.pool().clone())),
            terms: Arc::default(),
        };
        let bus = Bus {
            contexts: Contexts::NONE.and(context),
            kafka: self.kafka.clone(),
            outbox: Outbox::Relay,
            slot: String::new(),
            writes: Version::default(),
            consumes: Consumes::Here,
        };
        let (engine, running) = Engine::start_on_bus(log, ports, delivery, bus).await?;
        self.engines.push((context, engine.clone(), running));
        Ok(engine)
    }

    /// The engines of a context.
    pub(super) fn engines(&self, context: Context) -> Vec<Engine> {
        self.engines.iter().filter(|(of, ..)| *of == context).map(|(_, engine, _)| engine.clone()).collect()
    }

    /// Lists what trips need, and waits until all who price trips know it.
    pub(super) async fn list_supply(&self) -> Outcome<()> {
        let hotels = (0..HOTELS).map(|number| CallerCommand::UpsertHotel(supply::hotel(number)));
        let flights = (0..FLIGHTS * GENERATIONS).map(|number| CallerCommand::UpsertFlight(supply::flight(number)));
        let fleets = (0..FLEETS).map(|number| CallerCommand::UpsertCar(supply::car(format!("C{number}"))));
        let all = (HOTELS + FLIGHTS * GENERATIONS + FLEETS) as usize;
        self.list(Context::Hotel, hotels).await?;
        self.list(Context::Flight, flights).await?;
        self.list(Context::Car, fleets).await?;
        let known = async {
            for engine in self.engines(Context::Booking) {
                while engine.copies().is_some_and(|copies| !copies.is_complete() || copies.count() < all) {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            }
        };
        tokio::time::timeout(KNOWN_MAX, known).await.map_err(|_| Failure::from("the supply does not become known"))
    }

    async fn list(&self, context: Context, commands: impl Iterator<Item = CallerCommand>) -> Outcome<()> {
        let engine = self.engines(context).into_iter().next().ok_or("no engine to list it")?;
        let asked = futures::stream::iter(commands).map(|command| engine.submit(supply::request(command, None)));
        asked.buffer_unordered(ASKED_AT_ONCE).try_for_each(|_| ready(Ok(()))).await?;
        Ok(())
    }

    /// Ends all engines of a context in order.
    pub(super) async fn stop(&mut self, context: Context) {
        let all = std::mem::take(&mut self.engines).into_iter();
        let (ending, others): (Vec<_>, Vec<_>) = all.partition(|(of, ..)| *of == context);
        self.engines = others;
        for (.., running) in ending {
            running.stop().await;
        }
    }

    /// Ends everything.
    pub(super) async fn end(mut self) {
        for context in Context::ALL {
            self.stop(context).await;
        }
    }
}

fn spec(topic: &Topic) -> TopicSpec {
    TopicSpec {
        name: topic.name.to_owned(),
        partitions: PARTITIONS_DEFAULT,
        replication: 1,
        retention_ms: None,
        compacted: topic.carries.is_compacted(),
    }
}
