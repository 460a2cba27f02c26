//! One projection following the log: read, fold, flush, and again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use traveladvisor_infra::event_log::{Position, Turn, Turns};
use traveladvisor_infra::postgres::{Kept, own_connection};
use traveladvisor_infra::stopping::told;

use super::checkpoint::{self, Checkpoint};
use super::projection::{Projection, Tailed};
use super::standby;
use super::status::{self, Ear, ProjectionState, ProjectionStatus, Voice};
use super::step::{self, StepError};
use super::tail::Tail;

/// Most events of one transaction.
pub const BATCH_EVENTS_MAX: usize = 500;
/// How long events gather before the next transaction, from the beginning of the last one, unless it was full or somebody waits: with one
/// for each trip, four projections would cost more than the trip.
const GATHER_FOR: Duration = Duration::from_millis(10);
/// Longest time for one transaction before its outcome counts as unknown; each of its statements has the server's time-out.
const STEP_PATIENCE: Duration = Duration::from_mins(1);
/// How often the log is looked at when nobody tells of new events.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Pause after the first failure of the database; doubled up to [`RETRY_PAUSE_MAX`].
pub const RETRY_PAUSE_FIRST: Duration = Duration::from_millis(50);
/// Pause before a checkpoint that somebody took away during a turn is taken back.
pub const TAKE_BACK_PAUSE: Duration = Duration::from_millis(100);
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
    /// Starts a projection on a tail, alone. It takes its checkpoint over from whoever had it.
    pub fn start<P: Projection>(projection: P, tail: Arc<Tail>) -> Self {
        Self::spawn::<P, _>(|voice, stopping| async move {
            let worker = Worker {
                projection: &projection,
                tail: &tail,
                stopping,
                turn: None,
                voice: &voice,
                connection: None,
                page: BATCH_EVENTS_MAX,
            };
            worker.run_to_its_end().await;
        })
    }

    /// Starts a projection that follows the log in the turns of this process and looks on in those of others.
    pub(super) fn in_turns<P: Projection>(projection: P, tail: Arc<Tail>, mut turns: Turns) -> Self {
        Self::spawn::<P, _>(|voice, mut stopping| async move {
            loop {
                let pool = tail.log().pool();
                let turn = tokio::select! {
                    biased;
                    () = told(&mut stopping) => None,
                    turn = turns.next() => turn,
                    () = standby::look_on(pool, P::NAME, &voice) => None,
                };
                let Some(turn) = turn else { return voice.is(ProjectionState::Ended, None) };
                let worker = Worker {
                    projection: &projection,
                    tail: &tail,
                    stopping: stopping.clone(),
                    turn: Some(turn.clone()),
                    voice: &voice,
                    connection: None,
                    page: BATCH_EVENTS_MAX,
                };
                let ended = async {
                    if worker.run_to_its_end().await == ProjectionState::Deposed {
                        // By someone who is not its lease's owner either, or the lease will be lost in a moment.
                        return tokio::time::sleep(TAKE_BACK_PAUSE).await;
                    }
                    told(&mut stopping).await;
                };
                tokio::select! {
                    () = ended => {}
                    () = turn.lost() => voice.is(ProjectionState::Standby, None),
                }
            }
        })
    }

    fn spawn<P: Projection, F>(work: impl FnOnce(Voice, watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (voice, ear) = status::channel(P::NAME, P::VERSION);
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(work(voice, stopping));
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
    projection: &'a P,
    tail: &'a Tail,
    stopping: watch::Receiver<bool>,
    /// Whose time it is; none of a projector that runs alone.
    turn: Option<Turn>,
    voice: &'a Voice,
    connection: Option<Kept>,
    /// Events of the next transaction at most: fewer after a failure, until it goes well again.
    page: usize,
}

type Ending = (ProjectionState, Option<String>);

impl<P: Projection> Worker<'_, P> {
    async fn run_to_its_end(self) -> ProjectionState {
        let (voice, in_turns) = (self.voice, self.turn.is_some());
        let (state, reason) = AssertUnwindSafe(self.run())
            .catch_unwind()
            .await
            .unwrap_or_else(|_| (ProjectionState::Stopped, Some("a defect: taking in an event panicked".to_owned())));
        if state == ProjectionState::Stopped {
            tracing::error!(projection = P::NAME, reason, "a projection has stopped");
        }
        // Whoever works in turns goes on in the next one.
        let goes_on = state == ProjectionState::Deposed && in_turns;
        voice.is(if goes_on { ProjectionState::Standby } else { state }, reason);
        state
    }

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
            let turn = self.turn.as_ref().map(Turn::epoch);
            match checkpoint::claim(&self.pool(), P::NAME, P::VERSION, turn).await {
                Ok(Some(checkpoint)) => return Ok(checkpoint),
                Ok(None) => return Err(deposed()),
                Err(error) => self.wait_for_database(&step::describe(&error), &mut pause).await?,
            }
        }
    }

    async fn follow(&mut self, mut checkpoint: Checkpoint) -> Ending {
        let mut committed = self.tail.committed();
        let mut pause = RETRY_PAUSE_FIRST;
        loop {
            committed.borrow_and_update();
            if self.turn.as_ref().is_some_and(|turn| !turn.is_held()) {
                return deposed();
            }
            let (begun, page) = (Instant::now(), self.page);
            match self.step(&mut checkpoint).await {
                Ok(taken) => {
                    pause = RETRY_PAUSE_FIRST;
                    self.page = (page * 2).min(BATCH_EVENTS_MAX);
                    self.voice.is(ProjectionState::Live, None);
                    match taken {
                        0 => self.rest(&mut committed).await,
                        full if full >= page => {}
                        _ => self.gather(begun).await,
                    }
                    if self.is_to_end() {
                        return (ProjectionState::Ended, None);
                    }
                }
                Err(StepError::Blocked { at, reason }) => {
                    return self
                        .stopped(checkpoint.epoch, format!("it cannot take in the event at {at}: {reason}"))
                        .await;
                }
                // What follows the place where it really stands is read anew.
                Err(StepError::Moved) => {}
                Err(StepError::Deposed) => return deposed(),
                Err(StepError::Database(reason)) => {
                    // A page may make more rows than the server writes in the time that a statement has.
                    self.page = (page / 2).max(1);
                    if let Err(ending) = self.recover(&mut checkpoint, reason, &mut pause).await {
                        return ending;
                    }
                }
            }
        }
    }

    /// Takes in the next events, or learns that the checkpoint is further than it was known to be. Tells how many events there were.
    async fn step(&mut self, checkpoint: &mut Checkpoint) -> Result<usize, StepError> {
        let events: Vec<Arc<Tailed>> = self
            .tail
            .after(checkpoint.position, self.page)
            .await
            .map_err(|error| StepError::Database(error.to_string()))?;
        if events.is_empty() {
            return Ok(0);
        }
        let mut connection = self.connection().await.map_err(|error| StepError::Database(step::describe(&error)))?;
        let taking = step::take_in(self.projection, &mut connection, checkpoint, &events);
        let taken = tokio::time::timeout(STEP_PATIENCE, taking)
            .await
            .unwrap_or_else(|_elapsed| Err(StepError::Database("no answer in time".to_owned())));
        self.voice.reached(checkpoint.position);
        // After anything else than a commit it is closed: a transaction that was dropped still stands there and holds the checkpoint's row.
        taken?;
        self.connection = Some(Kept::new(connection));
        Ok(events.len())
    }

    /// The connection of this projector alone: its few statements stay prepared and planned there.
    async fn connection(&mut self) -> Result<PgConnection, sqlx::Error> {
        if let Some(kept) = self.connection.take()
            && let Some(connection) = kept.tried().await
        {
            return Ok(connection);
        }
        own_connection(&self.pool()).await
    }

    /// Waits for news.
    async fn rest(&mut self, committed: &mut watch::Receiver<Position>) {
        tokio::select! {
            _ = self.stopping.changed() => {}
            _ = committed.changed() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }

    /// Lets further events come before the next transaction, unless somebody waits for it.
    async fn gather(&mut self, begun: Instant) {
        let mut waiting = self.voice.waiting.clone();
        tokio::select! {
            _ = self.stopping.changed() => {}
            _ = waiting.wait_for(|waiting| *waiting > 0) => {}
            () = tokio::time::sleep_until(begun + GATHER_FOR) => {}
        }
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
                Ok(None) => return Err(deposed()),
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

fn deposed() -> Ending {
    (ProjectionState::Deposed, Some("another process has taken it over".to_owned()))
}
