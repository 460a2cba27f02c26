//! Read models made anew beside the live ones (L20): shadow tables, the log read in bulk, each row written once, then the switch.

mod background;
mod building;
mod catch_up;
mod ddl;
mod error;
mod lock;
mod making;
mod pace;
mod plan;
mod progress;
mod reading;
mod rollback;
mod scratch;
mod shadow;
mod switch;
mod verify;
mod writer;

use std::num::NonZeroUsize;

use sqlx::PgPool;
use tokio::sync::watch;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::postgres::schema_name;

pub use background::Rebuilds;
pub use error::RebuildError;
pub use lock::REBUILD_LOCK;
pub use pace::{REBUILD_RATE_DEFAULT, Rate};
pub use plan::{Plan, clear, plan};
pub use progress::{Phase, Progress};
pub use rollback::{RolledBack, rollback};
pub use scratch::{Scratch, abandon, prepare, scratch};
pub use switch::{SWITCH_EVENTS_MAX, SWITCH_LOCK_MS, SWITCH_TRIES_MAX};
pub use verify::{DIFFERENCES_TOLD_MAX, Difference, Verified, VerifiedTable, verify};

use super::projectors::ProjectionName;
use making::{Making, Purpose};

/// Bytes of rows that a rebuild holds in memory unless it is told otherwise, of all its projections together.
pub const REBUILD_BYTES_MAX: usize = 32 << 20;

/// Threads that decode events at most: each holds a page of the log.
pub const REBUILD_WORKERS_MAX: usize = 8;

/// How a rebuild is made.
#[derive(Debug, Clone, Copy)]
pub struct Rebuild {
    /// How fast the log is read.
    pub rate: Rate,
    /// Threads that decode events.
    pub workers: NonZeroUsize,
    /// Bytes of rows that are held in memory at most, of all projections together.
    pub bytes_max: usize,
}

impl Default for Rebuild {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let workers = NonZeroUsize::new(REBUILD_WORKERS_MAX).map_or(cores, |most| cores.min(most));
        Self { rate: Rate::default(), workers, bytes_max: REBUILD_BYTES_MAX }
    }
}

/// A projection whose rows were made anew and are live.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebuilt {
    /// Which.
    pub name: &'static str,
    /// Which making of its rows this is.
    pub generation: u64,
    /// How far they had taken in the log when they became live.
    pub position: Position,
    /// Events of the log that were read for all projections of the pass.
    pub events: u64,
    /// Seconds from the beginning of the pass until these rows were live.
    pub seconds: f64,
    /// Events that could not be taken in, with those that wait behind them.
    pub dead_letters: usize,
    /// Milliseconds for which readers may have had to wait at the switch.
    pub switch_ms: f64,
    /// How often the switch was tried.
    pub switch_tries: u32,
}

/// Makes the rows of projections anew from the whole log, in one pass, and switches to them one after the other. Writes and reads go on
/// meanwhile. The live rows stay for a rollback.
///
/// # Errors
///
/// See [`RebuildError`]. Projections that were switched to before stay so; of the others nothing has changed.
pub async fn rebuild(
    log: &EventLog,
    names: &[ProjectionName],
    how: Rebuild,
    progress: &watch::Sender<Progress>,
) -> Result<Vec<Rebuilt>, RebuildError> {
    Begun::begin(log, names, how).await?.finish(progress).await
}

/// A rebuild that nobody else can begin any more. Dropping it ends it; the live rows are as they were.
pub struct Begun {
    making: Making,
    schemas: Schemas,
    names: Vec<&'static str>,
}

impl Begun {
    /// Begins: see [`rebuild`].
    ///
    /// # Errors
    ///
    /// [`RebuildError::Busy`] when another process makes rows of one of these projections.
    pub async fn begin(log: &EventLog, names: &[ProjectionName], how: Rebuild) -> Result<Self, RebuildError> {
        let schemas = Schemas::of(log.pool()).await?;
        let making = Making::begin(log, names, how, Purpose::Live, &schemas.rebuild).await?;
        Ok(Self { making, schemas, names: names.iter().map(|name| name.as_str()).collect() })
    }

    /// Goes on to the end: see [`rebuild`].
    ///
    /// # Errors
    ///
    /// See [`RebuildError`].
    pub async fn finish(self, progress: &watch::Sender<Progress>) -> Result<Vec<Rebuilt>, RebuildError> {
        let Self { mut making, schemas, names } = self;
        let log = making.log.clone();
        progress::forget(log.pool(), &names).await;
        let made = async {
            making.read_all(progress).await?;
            making.complete(progress).await?;
            making.switch(&schemas, progress).await
        };
        let rebuilt = tokio::select! {
            rebuilt = made => rebuilt,
            () = progress::tell(log.pool(), &names, progress) => unreachable!("it tells for as long as it is polled"),
        };
        if rebuilt.is_err() {
            making.leave_nothing().await;
        }
        progress::forget(log.pool(), &names).await;
        rebuilt
    }
}

/// The schemas in which the rows of read models stand, as they are named in the catalogue.
#[derive(Debug)]
pub(in crate::runtime) struct Schemas {
    /// The live ones, beside the log.
    pub(in crate::runtime) live: String,
    /// Those in the making.
    pub(in crate::runtime) rebuild: String,
    /// Those that were live before.
    pub(in crate::runtime) former: String,
    /// Those that were former ones before the last switch, until they are dropped.
    pub(in crate::runtime) gone: String,
    /// Those that the live ones are compared with.
    pub(in crate::runtime) verify: String,
}

impl Schemas {
    pub(in crate::runtime) async fn of(pool: &PgPool) -> Result<Self, RebuildError> {
        let live = schema_name(pool).await?;
        Ok(Self {
            rebuild: format!("{live}_rebuild"),
            former: format!("{live}_former"),
            gone: format!("{live}_gone"),
            verify: format!("{live}_verify"),
            live,
        })
    }
}
