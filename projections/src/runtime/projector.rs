//! One projection following the log: read, fold, flush, and again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use traveladvisor_infra::event_log::Position;

use super::checkpoint::{self, Checkpoint};
use super::projection::{Projection, Tailed};
use super::status::{self, Ear, ProjectionState, ProjectionStatus, Voice};
use super::step::{self, StepError};
use super::tail::Tail;

/// Most events of one transaction.
pub const BATCH_EVENTS_MAX: usize = 500;
/// How often the log is looked at when nobody tells of new events.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Pause after the first failure of the database; doubled up to [`RETRY_PAUSE_MAX`].
pub const RETRY_PAUSE_FIRST: Duration = Duration::from_millis(50);
/// Longest pause between tries.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);

/// A projector at work. Dropping it ends the work after the batch at hand.
#[derive(Debug)]
pub struct Projector {
    ear: Ear,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Projector {
    /// Starts a projection on a tail. It takes its checkpoint over from whoever had it.
    pub fn start<P: Projection>(projection: P, tail: Arc<Tail>) -> Self {
        let (voice, ear) = status::channel(P::NAME, P::VERSION);
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(async move {
            let worker = Worker { projection, tail, stopping, voice: &voice };
            let (state, reason) = AssertUnwindSafe(worker.run()).catch_unwind().await.unwrap_or_else(|_| {
                (ProjectionState::Stopped, Some("a defect: taking in an event panicked".to_owned()))
            });
            if state == ProjectionState::Stopped {
                tracing::error!(projection = P::NAME, reason, "a projection has stopped");
            }
            voice.is(state, reason);
        });
        Self { ear, stop, task }
    }

    /// How it is doing.
    pub fn status(&self) -> ProjectionStatus {
        self.ear.status()
    }

    /// Its position, for those who wait.
    pub fn positions(&self) -> watch::Receiver<Position> {
        self.ear.position.clone()
    }

    pub(crate) const fn ear(&self) -> &Ear {
        &self.ear
    }

    /// Ends it after the batch at hand.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A panic has been told by the status already.
        self.task.await.ok();
    }

    /// Ends it at once, also in the middle of a batch, as a kill would.
    pub async fn abort(self) {
        self.task.abort();
        self.task.await.ok();
    }
}

/// What the task of a projector needs.
struct Worker<'a, P> {
    projection: P,
    tail: Arc<Tail>,
    stopping: watch::Receiver<bool>,
    voice: &'a Voice,
}

type Ending = (ProjectionState, Option<String>);

impl<P: Projection> Worker<'_, P> {
    async fn run(mut self) -> Ending {
        let checkpoint = match self.claim().await {
            Ok(checkpoint) => checkpoint,
            Err(ending) => return ending,
        };
        if checkpoint.version != P::VERSION {
            let reason = format!("its rows are of version {}: rebuild it", checkpoint.version);
            return self.stopped(checkpoint.epoch, reason).await;
        }
        self.voice.reached(checkpoint.position);
        self.follow(checkpoint).await
    }

    async fn claim(&mut self) -> Result<Checkpoint, Ending> {
        let mut pause = RETRY_PAUSE_FIRST;
        loop {
            match checkpoint::claim(&self.pool(), P::NAME, P::VERSION).await {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(error) => self.wait_for_database(&step::describe(&error), &mut pause).await?,
            }
        }
    }

    async fn follow(&mut self, mut checkpoint: Checkpoint) -> Ending {
        let mut committed = self.tail.committed();
        let mut pause = RETRY_PAUSE_FIRST;
        loop {
            committed.borrow_and_update();
            match self.step(&mut checkpoint).await {
                Ok(moved) => {
                    pause = RETRY_PAUSE_FIRST;
                    self.voice.is(ProjectionState::Live, None);
                    if self.is_to_end() || (!moved && self.rest(&mut committed).await) {
                        return (ProjectionState::Ended, None);
                    }
                }
                Err(StepError::Blocked { at, reason }) => {
                    return self
                        .stopped(checkpoint.epoch, format!("it cannot take in the event at {at}: {reason}"))
                        .await;
                }
                // `step` has gone on from there.
                Err(StepError::Moved) => {}
                Err(StepError::Deposed) => {
                    return (ProjectionState::Deposed, Some("another process has taken it over".to_owned()));
                }
                Err(StepError::Database(reason)) => {
                    if let Err(ending) = self.recover(&mut checkpoint, reason, &mut pause).await {
                        return ending;
                    }
                }
            }
        }
    }

    /// Takes in the next events, or learns that the checkpoint is further than it was known to be; false when there were none.
    async fn step(&self, checkpoint: &mut Checkpoint) -> Result<bool, StepError> {
        let events: Vec<Arc<Tailed>> = self
            .tail
            .after(checkpoint.position, BATCH_EVENTS_MAX)
            .await
            .map_err(|error| StepError::Database(error.to_string()))?;
        if events.is_empty() {
            return Ok(false);
        }
        let taken = step::take_in(&self.projection, &self.pool(), checkpoint, &events).await;
        self.voice.reached(checkpoint.position);
        match taken {
            Ok(()) | Err(StepError::Moved) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Waits for news; true when it is to end.
    async fn rest(&mut self, committed: &mut watch::Receiver<Position>) -> bool {
        tokio::select! {
            _ = self.stopping.changed() => {}
            _ = committed.changed() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
        self.is_to_end()
    }

    /// Asked to, or the projector was dropped.
    fn is_to_end(&self) -> bool {
        *self.stopping.borrow() || self.stopping.has_changed().is_err()
    }

    /// After a failure nobody knows whether the batch stands: the checkpoint says.
    async fn recover(
        &mut self,
        checkpoint: &mut Checkpoint,
        mut reason: String,
        pause: &mut Duration,
    ) -> Result<(), Ending> {
        loop {
            self.wait_for_database(&reason, pause).await?;
            match checkpoint::position(&self.pool(), P::NAME, checkpoint.epoch).await {
                Ok(Some(position)) => {
                    checkpoint.position = position;
                    self.voice.reached(position);
                    return Ok(());
                }
                Ok(None) => {
                    return Err((ProjectionState::Deposed, Some("another process has taken it over".to_owned())));
                }
                Err(error) => reason = step::describe(&error),
            }
        }
    }

    async fn wait_for_database(&mut self, reason: &str, pause: &mut Duration) -> Result<(), Ending> {
        tracing::warn!(projection = P::NAME, reason, "a projection waits for the database");
        self.voice.is(ProjectionState::Waiting, Some(reason.to_owned()));
        tokio::select! {
            _ = self.stopping.changed() => {}
            () = tokio::time::sleep(*pause) => {}
        }
        *pause = (*pause * 2).min(RETRY_PAUSE_MAX);
        if self.is_to_end() { Err((ProjectionState::Ended, None)) } else { Ok(()) }
    }

    /// The reason is written down for other processes; that it may not be written changes nothing here.
    async fn stopped(&self, epoch: i64, reason: String) -> Ending {
        if let Err(error) = checkpoint::stop(&self.pool(), P::NAME, epoch, &reason).await {
            tracing::warn!(projection = P::NAME, error = step::describe(&error), "could not write down why it stopped");
        }
        (ProjectionState::Stopped, Some(reason))
    }

    fn pool(&self) -> PgPool {
        self.tail.log().pool().clone()
    }
}
