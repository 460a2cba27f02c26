//! The engine: one loop per log and process decides; Postgres stores; nothing else locks.
//!
//! Jobs wait in two lanes (`limits`), are decided on the `states` in memory (`decide`, `batch`), appended in one statement and only then
//! answered. `pipeline` is the loop, `core` what happens to a batch. What a batch did not handle itself, the `relay` delivers; `timers`
//! bring due wake-ups.

pub mod audit;
mod batch;
pub mod bus;
mod core;
mod decide;
mod eviction;
#[cfg(feature = "testing")]
mod faults;
mod follow;
mod gateway_calls;
mod gauges;
mod hydrate;
mod job;
mod letters;
pub mod limits;
mod loading;
mod needs;
mod occasion;
mod old_keys;
mod parked;
mod pipeline;
mod relay;
mod snapshots;
mod source;
mod state;
mod states;
mod timers;

use std::sync::Arc;

#[cfg(feature = "testing")]
pub use faults::Faults;
pub use gauges::Gauges;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::points::PointsTerms;
use traveladvisor_infra::clock::{Clock, IdSource};
use traveladvisor_infra::event_log::{EventLog, Lease, LogError, RELAY};
use traveladvisor_infra::gateway::PaymentGateway;

use self::bus::{Bus, Consumes, Consuming, Copies, Intake, Outbox, Post};
use self::core::Core;
use self::follow::Follow;
use self::job::{Job, Origin, Report, Task};
use self::limits::{
    BROKER_AGAIN, CALLER_DEADLINE, CALLER_LANE_MAX, GATEWAY_LOOK_UPS_MAX, STOP_DEADLINE, SYSTEM_LANE_MAX,
};
use self::needs::catalogue_stream;
use self::pipeline::{Lanes, Pipeline};
use self::source::Source;
use self::states::States;
use self::timers::NextDue;
use crate::request::{CallerCommand, Receipt, Rejection, Request};

/// What the engine needs of the outside.
#[derive(Clone)]
pub struct Ports {
    /// The program's time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Moves the money.
    pub gateway: Arc<dyn PaymentGateway>,
    /// What points are worth.
    pub terms: Arc<PointsTerms>,
}

/// Whether this process delivers messages and timers of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// This process competes for relay and timers, and runs them in its turns (L12).
    Here,
    /// Other processes deliver, or nothing that is done here causes messages: imports.
    Elsewhere,
}

/// A handle to the running engine of one log. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    lane: mpsc::Sender<Job>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    gauges: Arc<Gauges>,
    copies: Option<Copies>,
    bus_context: Option<Context>,
}

/// The engine's tasks. Dropping it ends them as soon as they notice, and its lease runs out by itself, as after a kill;
/// [`RunningEngine::stop`] waits for their end and lets go of the lease.
pub struct RunningEngine {
    stop: watch::Sender<bool>,
    source: Option<JoinHandle<Option<Lease>>>,
    consuming: Option<JoinHandle<()>>,
    core: JoinHandle<()>,
}

impl Engine {
    /// Starts the engine of a log.
    ///
    /// Errors: the log cannot be read.
    pub async fn start(log: EventLog, ports: Ports, delivery: Delivery) -> Result<(Self, RunningEngine), LogError> {
        Self::start_on(log, ports, delivery, States::default()).await
    }

    /// Starts an engine in which these faults happen.
    ///
    /// Errors: the log cannot be read.
    #[cfg(feature = "testing")]
    pub async fn start_with_faults(
        log: EventLog,
        ports: Ports,
        delivery: Delivery,
        faults: Faults,
    ) -> Result<(Self, RunningEngine), LogError> {
        Self::start_on(log, ports, delivery, States::with_faults(faults)).await
    }

    /// Starts the engine of a log that holds some contexts only, beside others whose messages come and go over a broker.
    ///
    /// Errors: the log cannot be read, or the broker's settings cannot be used. A broker that is away is none.
    pub async fn start_on_bus(
        log: EventLog,
        ports: Ports,
        delivery: Delivery,
        bus: Bus,
    ) -> Result<(Self, RunningEngine), LogError> {
        Self::start_with(log, ports, (delivery, Some(bus)), States::default()).await
    }

    /// Starts an engine beside others in which these faults happen.
    ///
    /// Errors: as of [`Self::start_on_bus`].
    #[cfg(feature = "testing")]
    pub async fn start_on_bus_with_faults(
        log: EventLog,
        ports: Ports,
        delivery: Delivery,
        (bus, faults): (Bus, Faults),
    ) -> Result<(Self, RunningEngine), LogError> {
        Self::start_with(log, ports, (delivery, Some(bus)), States::with_faults(faults)).await
    }

    async fn start_on(
        log: EventLog,
        ports: Ports,
        delivery: Delivery,
        states: States,
    ) -> Result<(Self, RunningEngine), LogError> {
        Self::start_with(log, ports, (delivery, None), states).await
    }

    async fn start_with(
        log: EventLog,
        ports: Ports,
        (delivery, bus): (Delivery, Option<Bus>),
        mut states: States,
    ) -> Result<(Self, RunningEngine), LogError> {
        let (callers, caller_lane) = mpsc::channel(CALLER_LANE_MAX);
        let (system, system_lane) = mpsc::channel(SYSTEM_LANE_MAX);
        let (stop, stopped) = watch::channel(false);
        log.head().await?;
        let Ports { clock, ids, gateway, terms } = ports;
        let next_due = NextDue::default();
        let look_ups_max = GATEWAY_LOOK_UPS_MAX;
        #[cfg(feature = "testing")]
        let look_ups_max = states.faults.look_ups_or(look_ups_max);
        let consuming = match &bus {
            Some(bus) => {
                states.contexts = bus.contexts;
                // Who consumes nothing prices nothing.
                states.copies = (bus.consumes == Consumes::Here).then(|| Copies::begin(bus, &stopped)).flatten();
                let gauges = states.gauges.clone();
                let intake = Intake { log: log.clone(), clock: clock.clone(), lane: system.clone(), gauges };
                (bus.consumes == Consumes::Here).then(|| tokio::spawn(consume(bus.clone(), intake, stopped.clone())))
            }
            None => None,
        };
        let outbox = bus.as_ref().filter(|bus| bus.outbox == Outbox::Table).map(|bus| Post::open(bus, log.name()));
        let outbox = outbox.transpose().map_err(|error| LogError::Unavailable(error.to_string()))?;
        let (copies, bus_context) = (states.copies.clone(), bus.as_ref().map(Bus::context));
        let source = (delivery == Delivery::Here).then(|| {
            let next_due = next_due.clone();
            let (log, clock, lane, gauges) = (log.clone(), clock.clone(), system, states.gauges.clone());
            let source = Source { log: log.clone(), clock, gateway, lane, next_due, look_ups_max, bus, gauges };
            let lease = Lease::compete_and_tell_the_time(&log, RELAY, source.clock.clone());
            tokio::spawn(source.run(lease, stopped.clone()))
        });
        let gauges = states.gauges.clone();
        let follow = Follow::from_end(&log);
        let core = Core {
            log,
            follow,
            clock: clock.clone(),
            ids: ids.clone(),
            terms,
            states,
            next_due,
            outbox,
            expects_new_supply: false,
        };
        let lanes = Lanes { system: system_lane, callers: caller_lane, system_open: true };
        let core = tokio::spawn(Pipeline::new(core, lanes).run(stopped));
        Ok((
            Self { lane: callers, clock, ids, gauges, copies, bus_context },
            RunningEngine { stop, source, consuming, core },
        ))
    }

    /// By which context its log is named among others; none where there is one log for all.
    pub const fn bus_context(&self) -> Option<Context> {
        self.bus_context
    }

    /// What it knows of other logs, where it prices trips from copies.
    pub const fn copies(&self) -> Option<&Copies> {
        self.copies.as_ref()
    }

    /// What it tells of itself.
    pub fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// Decides on a caller's command. Answered once the effect is durable, or once a refusal was checked against the log (L4).
    pub async fn submit(&self, request: Request) -> Result<Receipt, Rejection> {
        let (reply, answer) = oneshot::channel();
        let occasion = occasion::draw(self.clock.as_ref());
        let fresh = BookingId(self.ids.uuid_v7(occasion.at));
        let origin = Arc::new(Origin {
            command: request.command.operation(),
            correlation: correlation(&request, fresh),
            causation: None,
            actor: request.caller.clone(),
            traceparent: request.traceparent.clone(),
            request_id: request.request_id.clone(),
        });
        let task = Task::Caller { request: Box::new(request), fresh };
        let job = Job { task, occasion, origin, report: Report::Caller(reply), alone: false };
        self.lane.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                Rejection::new(Code::Overloaded, "Too many commands are waiting: try again in a moment.")
            }
            mpsc::error::TrySendError::Closed(_) => stopping(),
        })?;
        match tokio::time::timeout(CALLER_DEADLINE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) if self.lane.is_closed() => Err(stopping()),
            // The deadline has passed, or a panic took the reply with it.
            Ok(Err(_)) | Err(_) => Err(outcome_unknown()),
        }
    }
}

impl RunningEngine {
    /// Tells whether all tasks of the engine are still at work. A task that broke off delivers or decides nothing more.
    pub fn liveness(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let tasks: Vec<_> = [&self.core]
            .into_iter()
            .map(JoinHandle::abort_handle)
            .chain(self.source.as_ref().map(JoinHandle::abort_handle))
            .chain(self.consuming.as_ref().map(JoinHandle::abort_handle))
            .collect();
        move || tasks.iter().all(|task| !task.is_finished())
    }

    /// Ends the sources, then the loop once its lanes are empty, then lets another process deliver. What cannot end in
    /// [`STOP_DEADLINE`] (a database that is away) is cut off as a kill would: nothing acknowledged is lost, and what was under way is
    /// delivered after the next start.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let deadline = Instant::now() + STOP_DEADLINE;
        let lease = match self.source {
            Some(source) => ended(source, deadline).await.flatten(),
            None => None,
        };
        ended(self.core, deadline).await;
        if let Some(consuming) = self.consuming {
            ended(consuming, deadline).await;
        }
        if let Some(lease) = lease {
            lease.let_go().await;
        }
    }
}

/// Consumes for as long as the engine runs; a client that is lost is opened again.
async fn consume(bus: Bus, intake: Intake, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() && stop.has_changed().is_ok() && !intake.lane.is_closed() {
        match Consuming::open(&bus, intake.clone()) {
            Ok(consuming) => consuming.run(&mut stop).await,
            Err(error) => tracing::error!(%error, "the topics of this log cannot be consumed; tried again"),
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(BROKER_AGAIN) => {}
        }
    }
}

/// What a task came to, unless it is cut off.
async fn ended<T>(mut task: JoinHandle<T>, deadline: Instant) -> Option<T> {
    if let Ok(ended) = tokio::time::timeout_at(deadline, &mut task).await {
        return ended.ok();
    }
    tracing::warn!("a task of the engine did not end in time and is cut off");
    task.abort();
    None
}

fn correlation(request: &Request, fresh: BookingId) -> String {
    match &request.command {
        CallerCommand::BookTrip { .. } => fresh.to_string(),
        CallerCommand::CancelBooking { booking, .. } | CallerCommand::ResolveSaga { booking, .. } => {
            booking.to_string()
        }
        CallerCommand::ChangeAllotment { hotel, .. } => hotel.to_string(),
        CallerCommand::ResolveLetter { letter, .. } => letter.to_string(),
        CallerCommand::Together(asked) => asked.subject().to_string(),
        upsert => catalogue_stream(upsert).map(|stream| stream.to_string()).unwrap_or_default(),
    }
}

fn outcome_unknown() -> Rejection {
    Rejection::new(Code::Unavailable, "The outcome is not known yet: ask again with the same idempotency key.")
}

fn stopping() -> Rejection {
    Rejection::new(Code::Unavailable, "The program is stopping: ask again with the same idempotency key.")
}
