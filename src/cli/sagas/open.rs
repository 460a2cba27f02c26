//! The read models as they stand now: beside a program that serves, and without one.

use std::time::Duration;

use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::{ProjectionName, Projectors};

use crate::cli::failure::Failure;
use crate::cli::house::House;
use crate::cli::logs::LogName;
use crate::cli::running::gathered;

/// How long the read models may take to come to the log's end: a program that was killed just now still owns them for its lease.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(30);
/// How long they may take to end the batch they are at.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Reads that know all that stands in the log. [`Open::close`] it before the program ends.
pub(super) struct Open {
    /// The queries.
    pub(super) reads: Reads,
    projectors: Projectors,
}

impl Open {
    /// Whoever folds, this process or another one, has come to the log's end.
    pub(super) async fn at_the_logs_end(house: &House) -> Result<Self, Failure> {
        let log = house.log_named(LogName::read(&house.config))?;
        if house.config.logs.are_several() {
            let bookings = house.log_named(LogName::MAIN)?;
            let (end, gathered) = (bookings.head().await?, gathered(house, log));
            let reached = gathered.reach(bookings.name(), end, CATCH_UP_LIMIT).await;
            reached.map_err(|behind| {
                Failure::unavailable(format!("{behind}; does a process with the role projections run?"))
            })?;
        }
        let head = log.head().await?;
        let projectors = Projectors::start(log.clone());
        let reads = Reads::new(log, &projectors);
        let open = Self { reads, projectors };
        match open.reads.wait_for(ProjectionName::Booking, head, CATCH_UP_LIMIT).await {
            Ok(()) => Ok(open),
            Err(behind) => {
                open.close().await;
                Err(behind.into())
            }
        }
    }

    /// Lets go, so that another process may fold at once.
    pub(super) async fn close(self) {
        drop(self.reads);
        if tokio::time::timeout(STOP_LIMIT, self.projectors.stop()).await.is_err() {
            tracing::warn!("the projections did not end in time; they go on from their checkpoints");
        }
    }
}
