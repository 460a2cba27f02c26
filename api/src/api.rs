//! What the edge needs of the rest of the program.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use traveladvisor_commands::{Deciders, Engine};
use traveladvisor_domain::context::Context;
use traveladvisor_infra::clock::{Clock, IdSource};
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::gateway::PaymentGateway;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::rebuild::Rebuilds;

use crate::admission::{Allowance, Places, Rates};
use crate::graphql::part::Part;
use crate::graphql::persisted::PersistedQueries;
use crate::graphql::{TravelSchema, builder};
use crate::http::{Handover, Metrics, Streams};
use crate::identity::Identity;

/// Tells whether requests can be served; if not, why, in a sentence without secrets.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Tells how far each projection has come.
pub type Positions = Arc<dyn Fn() -> Vec<(&'static str, Position)> + Send + Sync>;

/// Waits until all events of a context's log up to a position stand in the log that is read; gives where, or why that takes too long.
pub type Reach = Arc<dyn Fn(Context, Position, Duration) -> BoxFuture<'static, Result<Position, String>> + Send + Sync>;

/// Tells how many events of each log are not in the read log yet; nothing where all contexts share one log, or another process gathers.
pub type Lags = Arc<dyn Fn() -> Vec<(String, u64)> + Send + Sync>;

/// The parts that the edge is built of.
#[derive(Clone)]
pub struct Parts {
    /// Take commands.
    pub deciders: Deciders,
    /// What of the schema is served.
    pub part: Part,
    /// Whose commands are taken from other processes.
    pub handover: Handover,
    /// Where there are several logs: tells where their events stand in the one that is read.
    pub reach: Option<Reach>,
    /// Answers queries.
    pub reads: Reads,
    /// Makes read models anew.
    pub rebuilds: Rebuilds,
    /// Exchanges card numbers for tokens.
    pub gateway: Arc<dyn PaymentGateway>,
    /// The program's time.
    pub clock: Arc<dyn Clock>,
    /// For `/health/ready`.
    pub ready: Readiness,
    /// For `/metrics`.
    pub positions: Positions,
    /// For `/metrics`.
    pub gather_lags: Lags,
    /// For `/metrics`: the engines of this process, each with the context whose log it is.
    pub engines: Vec<(Context, Engine)>,
    /// New ids, of requests.
    pub ids: Arc<dyn IdSource>,
    /// Tells who asks.
    pub identity: Identity,
    /// What callers may spend.
    pub allowance: Allowance,
}

/// The edge, ready to be served. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(crate) schema: TravelSchema,
    pub(crate) deciders: Deciders,
    pub(crate) handover: Handover,
    pub(crate) ready: Readiness,
    pub(crate) positions: Positions,
    pub(crate) gather_lags: Lags,
    pub(crate) engines: Arc<[(Context, Engine)]>,
    pub(crate) identity: Identity,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) places: Places,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) persisted: Arc<PersistedQueries>,
}

impl Api {
    /// The edge of a program.
    pub fn new(parts: Parts) -> Self {
        let schema = builder()
            .data(parts.deciders.clone())
            .data(parts.reach)
            .data(parts.part)
            .data(parts.reads)
            .data(parts.rebuilds)
            .data(parts.gateway)
            .data(parts.clock.clone())
            .data(Rates::new(parts.allowance, parts.identity.is_development()))
            .finish();
        Self {
            schema,
            deciders: parts.deciders,
            handover: parts.handover,
            ready: parts.ready,
            positions: parts.positions,
            gather_lags: parts.gather_lags,
            engines: parts.engines.into(),
            identity: parts.identity,
            clock: parts.clock,
            ids: parts.ids,
            places: Places::default(),
            metrics: Arc::default(),
            streams: Arc::default(),
            persisted: Arc::default(),
        }
    }

    /// An edge with nothing behind it but a clock: whatever needs more answers INTERNAL.
    #[cfg(test)]
    pub(crate) fn alone(ready: Result<(), &'static str>) -> Self {
        Self::alone_with(ready, Allowance::default())
    }

    /// The same, and its callers may spend so much.
    #[cfg(test)]
    pub(crate) fn alone_with(ready: Result<(), &'static str>, allowance: Allowance) -> Self {
        use traveladvisor_commands::deciders::Decider;
        use traveladvisor_infra::clock::{RandomIds, SystemClock};

        let ready = ready.map_err(str::to_owned);
        let rates = Rates::new(allowance, true);
        Self {
            schema: builder().data(Arc::new(SystemClock) as Arc<dyn Clock>).data(rates).finish(),
            deciders: Deciders::each(|_| Decider::Nobody),
            handover: Handover::Closed,
            ready: Arc::new(move || Box::pin(std::future::ready(ready.clone()))),
            positions: Arc::new(|| vec![("booking", Position(42))]),
            gather_lags: Arc::new(|| vec![("hotel".to_owned(), 7)]),
            engines: Arc::default(),
            identity: Identity::Development,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            places: Places::default(),
            metrics: Arc::default(),
            streams: Arc::default(),
            persisted: Arc::default(),
        }
    }
}
