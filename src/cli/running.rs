//! The program at work: engines, projectors and HTTP server over one open house, stopped in order.

mod engines;
mod gathering;
mod ready;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use traveladvisor_api::{Allowance, Api, Handover, Lags, Part, Parts, ReadModels};
use traveladvisor_commands::Deciders;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_infra::caller_rates::CallerRates;
use traveladvisor_infra::config::{Config, Role};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::rebuild::Rebuilds;
use traveladvisor_projections::runtime::{ProjectionName, Projectors};

pub(crate) use self::engines::{Engines, bus, start};
use self::gathering::Gathering;
pub(crate) use self::gathering::gathered;
use self::ready::readiness;
use super::failure::Failure;
use super::house::House;
use super::identity::identity;
use super::logs::LogName;
use super::revive::revive;

/// How long reading may take to catch up with the log before somebody is told that it does not.
const CATCH_UP_LIMIT: Duration = Duration::from_mins(2);

/// How long the projections may take to end the batch they are at: a database that is away never answers.
const PROJECTORS_STOP_LIMIT: Duration = Duration::from_secs(10);

/// Everything that runs, with what is needed to end it.
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Take commands.
    pub(crate) deciders: Deciders,
    reads: Reads,
    rebuilds: Rebuilds,
    engines: Engines,
    projectors: Arc<Projectors>,
    gathering: Option<Gathering>,
    http: JoinHandle<std::io::Result<()>>,
    stop_http: oneshot::Sender<()>,
    hearing: Vec<JoinHandle<()>>,
    revival: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts everything over an open house.
    pub(crate) async fn start(house: &House, listener: TcpListener) -> Result<Self, Failure> {
        let address = listener.local_addr().map_err(|error| Failure::failed(format!("cannot listen: {error}")))?;
        let config = &house.config;
        let log = house.log_named(LogName::read(config))?;
        let ports = house.ports(log)?;
        let engines = Engines::start(house, Delivery::Here).await?;
        let deciders = engines.deciders(config)?;
        let works = config.has(Role::Projections);
        let projectors =
            Arc::new(if works { Projectors::start(log.clone()) } else { Projectors::look_on(log.clone()) });
        let gathering = Gathering::start(house)?;
        let reads = match house.log_named(LogName::MAIN) {
            Ok(bookings) => Reads::new(log, &projectors).with_bookings_in(bookings),
            // Who has no trips to change needs nobody's log but the one that is read.
            Err(_) => Reads::new(log, &projectors),
        };
        let rebuilds = Rebuilds::new(log.clone());
        // What a connection still holds when all is stopped must not keep the projectors from ending in order.
        let told = Arc::downgrade(&projectors);
        let api = Api::new(Parts {
            deciders: deciders.clone(),
            part: part(&config.roles),
            handover: handover(config),
            reach: gathering.as_ref().map(|gathering| gathering.reach(config)),
            reads: reads.clone(),
            rebuilds: rebuilds.clone(),
            gateway: ports.gateway,
            clock: ports.clock,
            ids: ports.ids,
            ready: readiness(house, told.clone(), (engines.liveness(), engines.knowledge())),
            identity: identity(config)?,
            allowance: allowance(config, log),
            engines: engines.each(),
            gather_lags: gathering.as_ref().map_or_else(|| Arc::new(Vec::new) as Lags, Gathering::lags),
            positions: Arc::new(move || told.upgrade().map_or_else(Vec::new, |projectors| projectors.positions())),
        });
        let hearing = house.logs().iter().map(|(_, log)| log.listen()).collect();
        let (stop_http, stopped) = oneshot::channel();
        let http = tokio::spawn(traveladvisor_api::serve(listener, api, async {
            // An error means that the sender is gone: then it is time to stop as well.
            let _ = stopped.await;
        }));
        Ok(Self {
            address,
            deciders,
            reads,
            rebuilds,
            engines,
            gathering,
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
        drop(self.deciders);
        self.engines.stop().await;
        drop(self.reads);
        self.rebuilds.stop().await;
        if let Some(projectors) = Arc::into_inner(self.projectors)
            && tokio::time::timeout(PROJECTORS_STOP_LIMIT, projectors.stop()).await.is_err()
        {
            tracing::warn!("the projections did not end in time; they go on from their checkpoints at the next start");
        }
        if let Some(gathering) = self.gathering {
            gathering.stop().await;
        }
        self.hearing.iter().for_each(JoinHandle::abort);
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
fn allowance(config: &Config, log: &EventLog) -> Allowance {
    let limits = config.limits;
    let shared = limits.shared.then(|| CallerRates::new(log.pool().clone()));
    Allowance { cost_per_minute: limits.cost_per_minute, shared }
}

/// What of the schema these roles are about.
pub(crate) fn part(roles: &[Role]) -> Part {
    if roles.is_empty() || roles.contains(&Role::Api) {
        return Part::Whole;
    }
    let contexts = roles.iter().filter_map(|role| role.context()).collect();
    let is_kept = roles.contains(&Role::Projections);
    Part::Of(contexts, if is_kept { ReadModels::Kept } else { ReadModels::Elsewhere })
}

/// Whose commands are taken from other processes.
fn handover(config: &Config) -> Handover {
    if !config.roles.iter().any(|role| role.context().is_some()) {
        return Handover::Closed;
    }
    config.services.token.clone().map_or(Handover::ThisMachine, Handover::Shown)
}

/// Binds the address that the settings ask for.
pub(crate) async fn listener(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::failed(format!("cannot listen on {address}: {error}; choose another --listen")))
}
