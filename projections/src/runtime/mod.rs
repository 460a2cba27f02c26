//! The projector runtime: one task for each projection follows the log, folds events into rows and writes rows and checkpoint together.

mod checkpoint;
mod projection;
mod projector;
mod projectors;
mod standby;
mod status;
mod step;
mod tail;

pub use projection::{FoldError, Projection, Recorded};
pub use projector::{BATCH_EVENTS_MAX, POLL_INTERVAL, Projector, RETRY_PAUSE_FIRST, RETRY_PAUSE_MAX, TAKE_BACK_PAUSE};
pub use projectors::{ProjectionName, Projectors};
pub use standby::{AWAITED_POLL, STANDBY_POLL};
pub(crate) use status::{Ear, Waiting};
pub use status::{ProjectionState, ProjectionStatus};
pub use tail::Tail;
