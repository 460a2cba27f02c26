//! The projector runtime: one task for each projection follows the log, folds events into rows and writes rows and checkpoint together.

mod changes;
mod checkpoint;
mod dead_letters;
mod held;
mod pause;
mod projection;
mod projector;
mod projectors;
pub mod rebuild;
mod report;
mod retry;
mod rows;
mod sift;
mod standby;
pub(crate) mod status;
mod step;
mod table;
mod tail;
mod telling;

pub use changes::{Change, Changes};
pub use dead_letters::PARKED_EVENTS_MAX;
pub use held::{Held, Taken};
pub use pause::{Paused, pause, resume};
pub use projection::{FoldError, Part, Projection, Recorded};
pub(crate) use projection::{decode, key_of};
pub use projector::{
    BATCH_EVENTS_MAX, OWNED_POLL, POLL_INTERVAL, Projector, RETRY_PAUSE_FIRST, RETRY_PAUSE_MAX, TAKE_BACK_PAUSE,
};
pub use projectors::{ProjectionName, Projectors};
pub use report::{Former, LAG_COUNTED_MAX, ParkedKey, ProjectionReport, RebuildReport, parked_keys, reports};
pub use retry::{RETRY_EVENTS_MAX, Retried, RetryError, retry, retry_parked};
pub use rows::{Row, Rows};
pub use standby::{AWAITED_POLL, STANDBY_POLL};
pub(crate) use status::{Ear, Waiting};
pub use status::{ProjectionState, ProjectionStatus};
pub use table::{Column, Holds, Meeting, Table, column};
pub use tail::Tail;
pub use telling::TOLD_EVERY;
