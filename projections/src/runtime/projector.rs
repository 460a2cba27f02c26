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
use traveladvisor_infra::postgres::{Kept, own_connection_for_derived};
use traveladvisor_infra::stopping::told;

use super::checkpoint::{self, Checkpoint};
use super::dead_letters::Parked;
use super::pause;
use super::projection::{Projection, Tailed};
use super::standby;
use super::status::{self, Ear, ProjectionState, ProjectionStatus, Voice};
use super::step::{self, Standing, StepError};
use super::tail::Tail;
use super::telling;

/// Most events of one transaction.
pub const BATCH_EVENTS_MAX: usize = 2_000;
/// How long events gather before the next transaction, from the beginning of the last one, unless it was full or somebody waits: with one
/// for each trip, the projections together would cost more than the trip.
const GATHER_FOR: Duration = Duration::from_millis(10);
/// How often the log is looked at when nobody tells of new events.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Pause after the first failure of the database; doubled up to [`RETRY_PAUSE_MAX`].
pub const RETRY_PAUSE_FIRST: Duration = Duration::from_millis(50);
/// How often a projector that is paused, or has nothing to do, looks whether the checkpoint is still its own.
pub const OWNED_POLL: Duration = Duration::from_millis(500);
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
        let pool = tail.log().pool().clone();
        Self::spawn::<P, _>(pool, |voice, stopping| async move {
            let worker = Worker {
                projection: &projection,
                tail: &tail,
                stopping,
                turn: None,
                voice: &voice,
                connection: None,
                owned_at: Instant::now(),
                page: BATCH_EVENTS_MAX,
            };
            worker.run_to_its_end().await;
        })
    }

    /// Starts a projection that follows the log in the turns of this process and looks on in those of others.
    pub fn in_turns<P: Projection>(projection: P, tail: Arc<Tail>, mut turns: Turns) -> Self {
        let pool = tail.log().pool().clone();
        Self::spawn::<P, _>(pool, |voice, mut stopping| async move {
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
                    owned_at: Instant::now(),
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

    fn spawn<P: Projection, F>(pool: PgPool, work: impl FnOnce(Voice, watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (voice, ear) = status::channel(P::NAME, P::VERSION);
        let (stop, stopping) = watch::channel(false);
        let (working, telling) = (work(voice, stopping), telling::tell(pool, ear.clone()));
        let task = tokio::spawn(async {
            tokio::select! {
                () = working => {}
                () = telling => {}
            }
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
    projection: &'a P,
    tail: &'a Tail,
    stopping: watch::Receiver<bool>,
    /// Whose time it is; none of a projector that runs alone.
    turn: Option<Turn>,
    voice: &'a Voice,
    connection: Option<Kept>,
    /// When it was last seen to be the owner without having written anything.
    owned_at: Instant,
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
            .unwrap_or_else(|_| (ProjectionState::Stopped, Some("a defect: following the log panicked".to_owned())));
        if state == ProjectionState::Stopped {
            tracing::error!(projection = P::NAME, reason, "a projection has stopped");
            voice.erred(reason.as_deref().unwrap_or_default());
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
        self.voice.reached(checkpoint.position);
        if let Some(since) = checkpoint.paused_since {
            return self.stay(checkpoint.epoch, (ProjectionState::Paused, pause::paused(since))).await;
        }
        if checkpoint.version != P::VERSION {
            let reason = format!("its rows are of version {}: rebuild it", checkpoint.version);
            self.write_down(checkpoint.epoch, &reason).await;
            return self.stay(checkpoint.epoch, (ProjectionState::Stopped, reason)).await;
        }
        let mut standing = Standing { checkpoint, parked: Parked::default() };
        let mut pause = RETRY_PAUSE_FIRST;
        while let Err(error) = self.read_parked(&mut standing).await {
            if let Err(ending) = self.wait_for_database(&step::describe(&error), &mut pause).await {
                return ending;
            }
        }
        self.follow(standing).await
    }

    async fn read_parked(&self, standing: &mut Standing) -> Result<(), sqlx::Error> {
        standing.parked = Parked::read(&self.pool(), P::NAME, standing.checkpoint.generation).await?;
        Ok(())
    }

    /// Stays until somebody has taken the checkpoint away: an operator who has done something about the reason, or another owner.
    async fn stay(&mut self, epoch: i64, (state, reason): (ProjectionState, String)) -> Ending {
        tracing::warn!(projection = P::NAME, reason, state = state.as_str(), "a projection stays where it is");
        loop {
            self.voice.is(state, Some(reason.clone()));
            tokio::select! {
                _ = self.stopping.changed() => {}
                () = tokio::time::sleep(OWNED_POLL) => {}
            }
            if self.is_to_end() {
                return (ProjectionState::Ended, None);
            }
            match checkpoint::position(&self.pool(), P::NAME, epoch).await {
                Ok(Some(_)) => {}
                Ok(None) => return deposed(),
                Err(error) => {
                    let mut long = RETRY_PAUSE_MAX;
                    if let Err(ending) = self.wait_for_database(&step::describe(&error), &mut long).await {
                        return ending;
                    }
                }
            }
        }
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

    async fn follow(&mut self, mut standing: Standing) -> Ending {
        let mut committed = self.tail.committed();
        let mut pause = RETRY_PAUSE_FIRST;
        loop {
            committed.borrow_and_update();
            if self.turn.as_ref().is_some_and(|turn| !turn.is_held()) {
                return deposed();
            }
            let (begun, page) = (Instant::now(), self.page);
            match self.step(&mut standing).await {
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
                    let reason = format!("it can neither take in nor set aside the event at {at}: {reason}");
                    return self.stopped(standing.checkpoint.epoch, reason).await;
                }
                Err(StepError::Full { at }) => {
                    let (epoch, reason) = (standing.checkpoint.epoch, pause::full(P::NAME));
                    tracing::error!(projection = P::NAME, position = at.0, reason, "a projection cannot go on");
                    self.write_down(epoch, &reason).await;
                    return self.stay(epoch, (ProjectionState::Paused, reason)).await;
                }
                // What follows the place where it really stands is read anew.
                Err(StepError::Moved) => {
                    if let Err(error) = self.read_parked(&mut standing).await
                        && let Err(ending) = self.recover(&mut standing, step::describe(&error), &mut pause).await
                    {
                        return ending;
                    }
                }
                Err(StepError::Deposed) => return deposed(),
                Err(StepError::Database(reason)) => {
                    // A page may make more rows than the server writes in the time that a statement has.
                    self.page = (page / 2).max(1);
                    if let Err(ending) = self.recover(&mut standing, reason, &mut pause).await {
                        return ending;
                    }
                }
            }
        }
    }

    /// Takes in the next events, or learns that the checkpoint is further than it was known to be. Tells how many events there were.
    async fn step(&mut self, standing: &mut Standing) -> Result<usize, StepError> {
        let events: Vec<Arc<Tailed>> = self
            .tail
            .after(standing.checkpoint.position, self.page)
            .await
            .map_err(|error| StepError::Database(error.to_string()))?;
        if events.is_empty() {
            self.look_after(standing).await?;
            return Ok(0);
        }
        let mut connection = self.connection().await.map_err(|error| StepError::Database(step::describe(&error)))?;
        let taking = step::take_in(self.projection, &mut connection, standing, &events);
        let taken = tokio::time::timeout(step::STEP_PATIENCE, taking)
            .await
            .unwrap_or_else(|_elapsed| Err(StepError::Database("no answer in time".to_owned())));
        self.voice.reached(standing.checkpoint.position);
        if let Some(news) = standing.parked.take_news() {
            self.voice.erred(&news);
        }
        // After anything else than a commit it is closed: a transaction that was dropped still stands there and holds the checkpoint's row.
        taken?;
        self.connection = Some(Kept::new(connection));
        Ok(events.len())
    }

    /// The connection of this projector alone: its few statements stay prepared and planned there. Rows and checkpoint are one commit, and
    /// what a crash of the server takes back of them is read from the log once more.
    async fn connection(&mut self) -> Result<PgConnection, sqlx::Error> {
        if let Some(kept) = self.connection.take()
            && let Some(connection) = kept.tried().await
        {
            return Ok(connection);
        }
        own_connection_for_derived(&self.pool()).await
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
        standing: &mut Standing,
        mut reason: String,
        pause: &mut Duration,
    ) -> Result<(), Ending> {
        loop {
            self.wait_for_database(&reason, pause).await?;
            match checkpoint::position(&self.pool(), P::NAME, standing.checkpoint.epoch).await {
                Ok(Some(position)) => {
                    standing.checkpoint.position = position;
                    self.voice.reached(position);
                }
                Ok(None) => return Err(deposed()),
                Err(error) => {
                    reason = step::describe(&error);
                    continue;
                }
            }
            // After the position: what is set aside by a commit that lands in between makes the next step fail, which comes here again.
            match self.read_parked(standing).await {
                Ok(()) => return Ok(()),
                Err(error) => reason = step::describe(&error),
            }
        }
    }

    async fn wait_for_database(&mut self, reason: &str, pause: &mut Duration) -> Result<(), Ending> {
        tracing::warn!(projection = P::NAME, reason, "a projection waits for the database");
        self.voice.erred(reason);
        self.voice.is(ProjectionState::Waiting, Some(reason.to_owned()));
        tokio::select! {
            _ = self.stopping.changed() => {}
            () = tokio::time::sleep(*pause) => {}
        }
        *pause = (*pause * 2).min(RETRY_PAUSE_MAX);
        if self.is_to_end() { Err((ProjectionState::Ended, None)) } else { Ok(()) }
    }

    async fn stopped(&self, epoch: i64, reason: String) -> Ending {
        self.write_down(epoch, &reason).await;
        (ProjectionState::Stopped, Some(reason))
    }

    /// The reason is written down for other processes; that it may not be written changes nothing here.
    async fn write_down(&self, epoch: i64, reason: &str) {
        if let Err(error) = checkpoint::stop(&self.pool(), P::NAME, epoch, reason).await {
            tracing::warn!(projection = P::NAME, error = step::describe(&error), "could not write down why it stopped");
        }
    }

    /// Who has nothing to write does not hear by it that somebody has taken the checkpoint away, or that a crash of the server has taken its
    /// last commits back: the checkpoint is looked at now and then.
    async fn look_after(&mut self, standing: &mut Standing) -> Result<(), StepError> {
        if self.owned_at.elapsed() < OWNED_POLL {
            return Ok(());
        }
        self.owned_at = Instant::now();
        match checkpoint::position(&self.pool(), P::NAME, standing.checkpoint.epoch).await {
            Ok(Some(position)) if position != standing.checkpoint.position => {
                standing.checkpoint.position = position;
                self.voice.reached(position);
                Err(StepError::Moved)
            }
            Ok(None) => Err(StepError::Deposed),
            Ok(Some(_)) | Err(_) => Ok(()),
        }
    }

    fn pool(&self) -> PgPool {
        self.tail.log().pool().clone()
    }
}

fn deposed() -> Ending {
    (ProjectionState::Deposed, Some("another process has taken it over".to_owned()))
}
