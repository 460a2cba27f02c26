//! An engine with relay and timers on a durable server of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use traveladvisor_commands::engine::{Delivery, Ports, RunningEngine};
use traveladvisor_commands::{CallerCommand, Engine};
use traveladvisor_infra::clock::{Clock, SandboxClock, SeededIds};
use traveladvisor_infra::event_log::{EventLog, LogError};
use traveladvisor_infra::gateway::SandboxGateway;
use traveladvisor_infra::postgres::{self, SCHEMA};
use traveladvisor_infra::testing::OwnServer;

use crate::support::{car, flight, hotel, request, start};

/// A generous limit for anything that must happen at last.
pub(super) const AT_LAST: Duration = Duration::from_mins(2);
/// Supply that no test sells out: the most that a flight can have.
const PLENTY: u32 = 1_000;

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) running: RunningEngine,
    clock: Arc<dyn Clock>,
    pub(super) server: OwnServer,
}

impl World {
    pub(super) async fn begin() -> Self {
        Self::begin_on(OwnServer::start().await).await
    }

    pub(super) async fn begin_in(dir: &Path) -> Self {
        Self::begin_on(OwnServer::start_in(dir).await).await
    }

    async fn begin_on(server: OwnServer) -> Self {
        let log = log_on(&server);
        sqlx::raw_sql(SCHEMA).execute(log.pool()).await.expect("the schema");
        let clock: Arc<dyn Clock> = Arc::new(SandboxClock::starting_at(start()));
        let ports = ports(&log, &clock, 1);
        let (engine, running) = Engine::start(log, ports, Delivery::Here).await.expect("the engine starts");
        for command in [
            CallerCommand::UpsertHotel(hotel(PLENTY)),
            CallerCommand::UpsertFlight(flight(PLENTY)),
            CallerCommand::UpsertCar(car(PLENTY)),
        ] {
            engine.submit(request(command, None)).await.expect("the supply is listed");
        }
        Self { engine, running, clock, server }
    }

    /// Another engine that only decides, with connections of its own, as another process has them.
    pub(super) async fn another_engine(&self, seed: u64) -> Result<(Engine, RunningEngine), LogError> {
        let log = log_on(&self.server);
        let ports = ports(&log, &self.clock, seed);
        Engine::start(log, ports, Delivery::Elsewhere).await
    }

    /// The log as another process sees it, which knows nothing from before.
    pub(super) fn seen_by_another(&self) -> EventLog {
        log_on(&self.server)
    }
}

pub(super) fn log_on(server: &OwnServer) -> EventLog {
    EventLog::new("public", postgres::pool(server.connect_options()))
}

fn ports(log: &EventLog, clock: &Arc<dyn Clock>, seed: u64) -> Ports {
    Ports {
        terms: Arc::default(),
        clock: clock.clone(),
        ids: Arc::new(SeededIds::new(seed)),
        gateway: Arc::new(SandboxGateway::new(log.pool().clone())),
    }
}
