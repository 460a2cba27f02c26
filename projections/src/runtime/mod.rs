//! The projector runtime: one task for each projection follows the log, folds events into rows and writes rows and checkpoint together.

mod changes;
mod checkpoint;
mod held;
mod projection;
mod projector;
mod projectors;
pub mod rebuild;
mod rows;
mod standby;
mod status;
mod step;
mod table;
mod tail;

pub use changes::{Change, Changes};
pub use held::{Held, Taken};
pub(crate) use projection::decode;
pub use projection::{FoldError, Part, Projection, Recorded};
pub use projector::{BATCH_EVENTS_MAX, POLL_INTERVAL, Projector, RETRY_PAUSE_FIRST, RETRY_PAUSE_MAX, TAKE_BACK_PAUSE};
pub use projectors::{ProjectionName, Projectors};
pub use rows::{Row, Rows};
pub use standby::{AWAITED_POLL, STANDBY_POLL};
pub(crate) use status::{Ear, Waiting};
pub use status::{ProjectionState, ProjectionStatus};
pub use table::{Column, Holds, Meeting, Table, column};
pub use tail::Tail;
