//! A read model, as an operator sees it.

use async_graphql::{ID, SimpleObject};
use traveladvisor_projections::runtime::{LAG_COUNTED_MAX, ProjectionName, ProjectionReport};

use crate::graphql::scalars::{DateTime, Position};

/// What the id of a read model has before its name.
const PROJECTIONS: &str = "projection_";

/// The read model that has this id.
pub(crate) fn projection_of(id: &str) -> Option<ProjectionName> {
    ProjectionName::from_text(id.strip_prefix(PROJECTIONS)?)
}

/// A read model: what queries read, made from the log.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Projection {
    /// Tells it by its name.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// Its name, for example `booking`.
    pub(crate) name: String,
    /// The version of its making that its rows are of; 0 before it has begun.
    pub(crate) version: u32,
    /// Which making of the rows this is: every rebuild makes another; 0 before it has begun.
    pub(crate) generation: String,
    /// starting, live, waiting (for the database), paused, stopped, or unowned when no process follows the log.
    pub(crate) state: String,
    /// Why it does not move, and what to do; null while it moves.
    pub(crate) reason: Option<String>,
    /// How far it has come.
    pub(crate) position: Position,
    /// Events of the log that it has not passed.
    pub(crate) lag_events: String,
    /// False when there are at least so many events: they are counted up to a bound.
    pub(crate) lag_is_exact: bool,
    /// How long ago the oldest of these events was recorded, in milliseconds; 0 when there is none.
    pub(crate) lag_ms: i32,
    /// Events of the log that it passed in a second, when that was last told.
    pub(crate) events_per_second: f64,
    /// Events that it could not take in. The rest goes on; see `projections retry` on the command line.
    pub(crate) dead_letters: i32,
    /// Events of the same keys that wait behind these.
    pub(crate) waiting: i32,
    /// What went wrong last; null when nothing has.
    pub(crate) last_error: Option<String>,
    /// When that was.
    pub(crate) last_error_at: Option<DateTime>,
    /// The version of the rows that were live before the last rebuild, while one can go back to them.
    pub(crate) former_version: Option<u32>,
    /// What a rebuild under way is at; null without one, also when one was cut off.
    pub(crate) rebuild_phase: Option<String>,
    /// How far it has come, from 0 to 1; null without one.
    pub(crate) rebuild_progress: Option<f64>,
}

impl From<ProjectionReport> for Projection {
    fn from(report: ProjectionReport) -> Self {
        let (last_error, last_error_at) = report.last_error.unzip();
        let (rebuild_phase, rebuild_progress) = report
            .rebuild
            .filter(|rebuild| !rebuild.is_cut_off)
            .map(|rebuild| (rebuild.phase, rebuild.progress))
            .unzip();
        Self {
            id: ID(format!("{PROJECTIONS}{}", report.name.as_str())),
            name: report.name.as_str().to_owned(),
            version: report.version.unwrap_or_default(),
            generation: report.generation.to_string(),
            state: report.state.to_owned(),
            reason: report.reason,
            position: report.position.into(),
            lag_events: report.lag_events.to_string(),
            lag_is_exact: report.lag_events < LAG_COUNTED_MAX,
            lag_ms: bounded(report.lag_ms),
            events_per_second: report.events_per_second,
            dead_letters: bounded(report.dead_letters),
            waiting: bounded(report.waiting),
            last_error,
            last_error_at: last_error_at.map(DateTime),
            former_version: report.former.map(|former| former.version),
            rebuild_phase,
            rebuild_progress,
        }
    }
}

/// GraphQL's Int ends where 25 days of milliseconds do.
fn bounded(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
