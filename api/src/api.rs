//! What the edge needs of the rest of the program.

use std::sync::Arc;

use futures::future::BoxFuture;
use traveladvisor_commands::Engine;
use traveladvisor_infra::clock::{Clock, IdSource};
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::gateway::PaymentGateway;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::rebuild::Rebuilds;

use crate::admission::{Allowance, Places, Rates};
use crate::graphql::persisted::PersistedQueries;
use crate::graphql::{TravelSchema, builder};
use crate::http::{Metrics, Streams};
use crate::identity::Identity;

/// Tells whether requests can be served; if not, why, in a sentence without secrets.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Tells how far each projection has come.
pub type Positions = Arc<dyn Fn() -> Vec<(&'static str, Position)> + Send + Sync>;

/// The parts that the edge is built of.
#[derive(Clone)]
pub struct Parts {
    /// Takes commands.
    pub engine: Engine,
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
    pub(crate) ready: Readiness,
    pub(crate) positions: Positions,
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
            .data(parts.engine)
            .data(parts.reads)
            .data(parts.rebuilds)
            .data(parts.gateway)
            .data(parts.clock.clone())
            .data(Rates::new(parts.allowance, parts.identity.is_development()))
            .finish();
        Self {
            schema,
            ready: parts.ready,
            positions: parts.positions,
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
        use traveladvisor_infra::clock::{RandomIds, SystemClock};

        let ready = ready.map_err(str::to_owned);
        let rates = Rates::new(allowance, true);
        Self {
            schema: builder().data(Arc::new(SystemClock) as Arc<dyn Clock>).data(rates).finish(),
            ready: Arc::new(move || Box::pin(std::future::ready(ready.clone()))),
            positions: Arc::new(|| vec![("booking", Position(42))]),
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
