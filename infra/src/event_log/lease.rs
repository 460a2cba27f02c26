//! One owner for what only one process may do at a time, by a lease on the server's clock with an epoch (L12).
//!
//! Every process competes; whoever gets the lease has a [`Turn`] and renews it. An owner is harmless twice over once its time has passed:
//! it stops by its own clock, which it read before it asked, and whatever it still has under way carries an epoch that a take-over has
//! raised. So no clock has to be right for anything to be correct; they only decide how long nobody delivers after a kill.

mod candidate;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{EventLog, LogError, in_time};
use crate::clock::Clock;
use crate::fail_points::Point;
use candidate::Candidate;

/// Who delivers messages and timers.
pub const RELAY: &str = "relay";
/// Who folds the read models. A lease of its own: reading and delivering share nothing but the log, either may move alone.
pub const PROJECTIONS: &str = "projections";

/// How long a lease lasts unless it is renewed: so long at most nobody delivers after a kill, give or take [`CLAIM_EVERY`].
pub const LEASE: Duration = Duration::from_secs(3);
/// So much earlier an owner that could not renew stops by itself, for clocks that do not run alike.
pub const LEASE_MARGIN: Duration = Duration::from_millis(500);
/// How often a lease is renewed.
pub const RENEW_EVERY: Duration = Duration::from_millis(600);
/// Pause before a renewal that failed is tried again.
pub const RENEW_AGAIN: Duration = Duration::from_millis(100);
/// How long one renewal is waited for.
pub const RENEW_PATIENCE: Duration = Duration::from_secs(1);
/// How often whoever has no turn asks for one: so soon it follows an owner that let go.
pub const CLAIM_EVERY: Duration = Duration::from_millis(200);
/// How long a claim is waited for: it queues behind the appends.
pub const CLAIM_PATIENCE: Duration = Duration::from_secs(10);
/// How long letting go may take; then the lease runs out by itself.
pub const LET_GO_PATIENCE: Duration = Duration::from_secs(1);

/// How often it is told that a lease cannot be asked for, as long as that goes on.
pub const FAILURE_TOLD_EVERY: Duration = Duration::from_secs(30);
/// How long nobody may have held a lease before a process counts as not ready: a take-over is over by then.
pub const UNHELD_PATIENCE: Duration = Duration::from_secs(15);

/// One turn of ownership. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Turn {
    epoch: u64,
    until: watch::Receiver<Instant>,
}

impl Turn {
    /// What every append under this turn carries.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether it lasts, by this process's own clock: also right after the process was frozen.
    pub fn is_held(&self) -> bool {
        self.until.has_changed().is_ok() && now() < *self.until.borrow()
    }

    /// Waits until it is over.
    pub async fn lost(&self) {
        let mut until = self.until.clone();
        while self.is_held() {
            let end = *until.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(end) => {}
                renewed = until.changed() => if renewed.is_err() { return },
            }
        }
    }
}

/// The turns of this process, one after the other.
#[derive(Debug, Clone)]
pub struct Turns(watch::Receiver<Option<Turn>>);

impl Turns {
    /// Waits for a turn that lasts; none any more when the lease was given up.
    pub async fn next(&mut self) -> Option<Turn> {
        let turn = self.0.wait_for(|turn| turn.as_ref().is_some_and(Turn::is_held)).await.ok()?;
        turn.clone()
    }
}

/// Competes for a lease as long as it lives. Dropped, it renews no more and lets nobody know, as a kill would.
#[derive(Debug)]
pub struct Lease {
    turns: watch::Receiver<Option<Turn>>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Lease {
    /// Begins to compete. Must be called inside tokio.
    pub fn compete(log: &EventLog, name: &'static str) -> Self {
        Self::begin(log, name, None)
    }

    /// The same, and writes down the program's time with every renewal, for the clocks of a sandbox's other processes.
    pub fn compete_and_tell_the_time(log: &EventLog, name: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self::begin(log, name, Some(clock))
    }

    /// No turn ever comes of it: for who only looks on at what others own. Must be called inside tokio.
    pub fn look_on() -> Self {
        let (sender, turns) = watch::channel(None);
        let (stop, mut stopping) = watch::channel(false);
        let task = tokio::spawn(async move {
            // An error means that the lease is gone already.
            let _ = stopping.wait_for(|stop| *stop).await;
            drop(sender);
        });
        Self { turns, stop, task: Some(task) }
    }

    fn begin(log: &EventLog, name: &'static str, clock: Option<Arc<dyn Clock>>) -> Self {
        let (sender, turns) = watch::channel(None);
        let (stop, stopping) = watch::channel(false);
        let candidate = Candidate::new(log.pool().clone(), name, clock, sender);
        Self { turns, stop, task: Some(tokio::spawn(candidate.run(stopping))) }
    }

    /// The turns that it brings.
    pub fn turns(&self) -> Turns {
        Turns(self.turns.clone())
    }

    /// Ends the turn and lets go, so that another follows at once. What the turn was for must have ended.
    pub async fn let_go(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            // A task that broke off renews no more: then the lease runs out by itself.
            task.await.ok();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Who owns what, as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Of what: [`RELAY`] or [`PROJECTIONS`].
    pub name: String,
    /// Which turn it is.
    pub epoch: u64,
    /// Which process has it, and until when by the server's clock; absent when nobody does.
    pub held: Option<(String, DateTime<Utc>)>,
}

impl EventLog {
    /// The program's time: as it is now if somebody delivers, else as it was when the last one who did was last heard of. None of a log
    /// where nobody ever did.
    pub async fn program_time(&self) -> Result<Option<DateTime<Utc>>, LogError> {
        let query = sqlx::query_scalar(
            "SELECT program_at + CASE WHEN held_until > clock_timestamp() THEN clock_timestamp() - (held_until - $2) \
                                      ELSE interval '0' END FROM owners WHERE name = $1",
        );
        let time: Option<Option<DateTime<Utc>>> =
            in_time(Point::ProgramTime, query.bind(RELAY).bind(LEASE).fetch_optional(self.pool())).await?;
        Ok(time.flatten())
    }

    /// What has had no owner for longer than [`UNHELD_PATIENCE`], by name: nobody delivers, or nobody folds. What was let go, or never
    /// owned, is among them at once: it should be taken within a few [`CLAIM_EVERY`].
    pub async fn unheld(&self) -> Result<Vec<String>, LogError> {
        let query = sqlx::query_scalar(
            "SELECT name FROM owners WHERE held_until IS NULL OR held_until < clock_timestamp() - $1 ORDER BY name",
        );
        in_time(Point::Unheld, query.bind(UNHELD_PATIENCE).fetch_all(self.lent())).await
    }

    /// All owners, by name; a lease that has run out is held by nobody.
    pub async fn owners(&self) -> Result<Vec<Owner>, LogError> {
        let query = sqlx::query(
            "SELECT name, epoch, CASE WHEN held_until > clock_timestamp() THEN holder END AS holder, held_until \
               FROM owners ORDER BY name",
        );
        let rows = in_time(Point::Owners, query.fetch_all(self.lent())).await?;
        let owner = |row: &PgRow| Owner {
            name: row.get("name"),
            epoch: row.get::<i64, _>("epoch").unsigned_abs(),
            held: row.get::<Option<String>, _>("holder").zip(row.get("held_until")),
        };
        Ok(rows.iter().map(owner).collect())
    }
}

fn now() -> Instant {
    Instant::now()
}
