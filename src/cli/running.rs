//! The program at work: engine, projectors and HTTP server over one open house, stopped in order.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use traveladvisor_api::{Allowance, Api, Parts, Readiness};
use traveladvisor_commands::engine::{Delivery, Engine, RunningEngine};
use traveladvisor_infra::caller_rates::CallerRates;
use traveladvisor_infra::event_log::{CLAIM_EVERY, EventLog, UNHELD_PATIENCE};
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::rebuild::Rebuilds;
use traveladvisor_projections::runtime::{ProjectionName, ProjectionState, Projectors};

use super::failure::Failure;
use super::house::House;
use super::identity::identity;
use super::revive::revive;

/// How long reading may take to catch up with the log before somebody is told that it does not.
const CATCH_UP_LIMIT: Duration = Duration::from_mins(2);

/// How long the projections may take to end the batch they are at: a database that is away never answers.
const PROJECTORS_STOP_LIMIT: Duration = Duration::from_secs(10);

/// Everything that runs, with what is needed to end it.
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Takes commands.
    pub(crate) engine: Engine,
    reads: Reads,
    rebuilds: Rebuilds,
    tasks: RunningEngine,
    projectors: Arc<Projectors>,
    http: JoinHandle<std::io::Result<()>>,
    stop_http: oneshot::Sender<()>,
    hearing: JoinHandle<()>,
    revival: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts everything over an open house.
    pub(crate) async fn start(house: &House, listener: TcpListener) -> Result<Self, Failure> {
        let address = listener.local_addr().map_err(|error| Failure::failed(format!("cannot listen: {error}")))?;
        let log = house.log.clone();
        let ports = house.ports()?;
        let (engine, tasks) = Engine::start(log.clone(), ports.clone(), Delivery::Here).await?;
        let projectors = Arc::new(Projectors::start(log.clone()));
        let reads = Reads::new(&log, &projectors);
        let rebuilds = Rebuilds::new(log.clone());
        // What a connection still holds when all is stopped must not keep the projectors from ending in order.
        let told = Arc::downgrade(&projectors);
        let api = Api::new(Parts {
            engine: engine.clone(),
            reads: reads.clone(),
            rebuilds: rebuilds.clone(),
            gateway: ports.gateway,
            clock: ports.clock,
            ids: ports.ids,
            ready: readiness(log.clone(), told.clone(), tasks.liveness()),
            identity: identity(&house.config)?,
            allowance: allowance(house),
            positions: Arc::new(move || told.upgrade().map_or_else(Vec::new, |projectors| projectors.positions())),
        });
        let hearing = log.listen();
        let (stop_http, stopped) = oneshot::channel();
        let http = tokio::spawn(traveladvisor_api::serve(listener, api, async {
            // An error means that the sender is gone: then it is time to stop as well.
            let _ = stopped.await;
        }));
        Ok(Self {
            address,
            engine,
            reads,
            rebuilds,
            tasks,
            projectors,
            http,
            stop_http,
            hearing,
            revival: revive(house),
        })
    }

    /// The address as a link.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until everything that stands in the log now can be read.
    pub(crate) async fn catch_up(&self, log: &EventLog) -> Result<(), Failure> {
        let head = log.head().await?;
        for name in ProjectionName::ALL {
            let reached = self.reads.wait_for(name, head, CATCH_UP_LIMIT).await;
            reached.map_err(|error| Failure::failed(error.to_string()))?;
        }
        Ok(())
    }

    /// Ends it in order: no new requests, then the engine, then the projectors.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        // The server may have ended by itself.
        let _ = self.stop_http.send(());
        let served = self.http.await;
        drop(self.engine);
        self.tasks.stop().await;
        drop(self.reads);
        self.rebuilds.stop().await;
        if let Some(projectors) = Arc::into_inner(self.projectors)
            && tokio::time::timeout(PROJECTORS_STOP_LIMIT, projectors.stop()).await.is_err()
        {
            tracing::warn!("the projections did not end in time; they go on from their checkpoints at the next start");
        }
        self.hearing.abort();
        if let Some(revival) = self.revival {
            revival.abort();
        }
        match served {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::failed(format!("the HTTP server ended: {error}"))),
            Err(error) => Err(Failure::failed(format!("the HTTP server broke: {error}"))),
        }
    }
}

/// What callers may spend, and who counts it.
fn allowance(house: &House) -> Allowance {
    let limits = house.config.limits;
    let shared = limits.shared.then(|| CallerRates::new(house.log.pool().clone()));
    Allowance { cost_per_minute: limits.cost_per_minute, shared }
}

fn readiness(
    log: EventLog,
    projectors: Weak<Projectors>,
    engine_works: impl Fn() -> bool + Send + Sync + 'static,
) -> Readiness {
    let started = Instant::now();
    Arc::new(move || {
        let (log, projectors, engine_works) = (log.clone(), projectors.clone(), engine_works());
        async move {
            if !engine_works {
                return Err("the engine has broken off: see the log, then restart".to_owned());
            }
            owned(&log, started).await?;
            let Some(projectors) = projectors.upgrade() else { return Err("the program stops".to_owned()) };
            let bad = projectors.status().into_iter().find(|status| {
                matches!(status.state, ProjectionState::Stopped | ProjectionState::Deposed | ProjectionState::Ended)
            });
            bad.map_or(Ok(()), |status| Err(format!("the projection {} is {}", status.name, status.state.as_str())))
        }
        .boxed()
    })
}

/// An error when nobody delivers, or nobody folds, and nobody has for long: commands would be taken and never end. Between two owners, and
/// while this process is young, that is nothing to tell.
async fn owned(log: &EventLog, started: Instant) -> Result<(), String> {
    let unheld = async || log.unheld().await.map_err(|_| "the database does not answer".to_owned());
    if unheld().await?.is_empty() || started.elapsed() < UNHELD_PATIENCE {
        return Ok(());
    }
    tokio::time::sleep(CLAIM_EVERY * 2).await;
    match unheld().await?.first() {
        None => Ok(()),
        Some(name) => Err(format!("no process can become the owner of {name}: see the log")),
    }
}

/// Binds the address that the settings ask for.
pub(crate) async fn listener(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::failed(format!("cannot listen on {address}: {error}; choose another --listen")))
}
