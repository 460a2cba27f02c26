//! The program without its edge: engine and read models on one log.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use traveladvisor_commands::Engine;
use traveladvisor_commands::engine::RunningEngine;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_projections::runtime::Projectors;

use crate::{Outcome, database};

/// Longest wait for the read models after a slice.
const LAG_MAX: Duration = Duration::from_mins(1);
/// How often read models are looked at meanwhile.
const LAG_POLL: Duration = Duration::from_millis(2);

/// Engine and read models on one log.
pub(crate) struct House {
    pub(crate) log: EventLog,
    pub(crate) engine: Engine,
    running: RunningEngine,
    projectors: Option<Projectors>,
}

impl House {
    /// The engine, relay and timers included. The program's time starts at `from`.
    pub(crate) async fn open(log: EventLog, from: DateTime<Utc>) -> Outcome<Self> {
        let (engine, running) = database::engine(&log, from).await?;
        Ok(Self { log, engine, running, projectors: None })
    }

    /// With all read models live.
    pub(crate) fn with_read_models(mut self) -> Self {
        self.projectors = Some(Projectors::start(self.log.clone()));
        self
    }

    /// Waits until the read models have everything. Gives how long that took, in milliseconds; none where there are no read models.
    pub(crate) async fn caught_up(&self) -> Outcome<Option<f64>> {
        let Some(projectors) = &self.projectors else { return Ok(None) };
        let head: Position = *self.log.committed().borrow();
        let begun = Instant::now();
        while projectors.positions().iter().any(|(_, position)| *position < head) {
            if begun.elapsed() > LAG_MAX {
                let status = projectors.status();
                return Err(format!("the read models do not catch up with {head}: {status:?}").into());
            }
            tokio::time::sleep(LAG_POLL).await;
        }
        Ok(Some(begun.elapsed().as_secs_f64() * 1_000.0))
    }

    /// Ends all of it in order.
    pub(crate) async fn close(self) {
        if let Some(projectors) = self.projectors {
            projectors.stop().await;
        }
        self.running.stop().await;
        self.log.pool().close().await;
    }
}
