//! The read log where contexts have logs of their own: the events of all logs, copied into one, from which the read models are made.
//!
//! *Order.* The events of each log stay in its order. Between logs they go by the times at which servers recorded them, as far as every log
//! was read up to that time: where one server has all logs, and as far as servers' clocks agree, what was caused stands behind its cause.
//! Clocks are not relied on: of a trip nothing goes before the trip's first event, and no read model depends on more than that; its rows are
//! the same for every order that can come of it.
//!
//! *Who waits for whom.* The log that holds the bookings waits for no other. What others tell of a trip waits until the trip has begun, and
//! all behind it in that log. There is no time after which it goes nevertheless: once the log of the bookings was read to its end after the
//! event was read, a trip that has not begun by then has never begun, and the event goes. A log that does not answer delays its own events,
//! and those of trips that begin there.
//!
//! *Who is left alone.* An event that the read log's database refuses is found by halving what was written with it, at once; its log is left
//! alone for a while, and the event is then tried by itself. So nothing of another log is refused with it, or read again because of it.
//!
//! *Once.* Copies and checkpoints are written by one statement that compares the checkpoints and the owner's turn (`gather_events` in
//! `schema.sql`). Whoever copies keeps nothing that cannot be read again.

mod order;
mod reach;
mod refusals;
mod report;
mod source;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use traveladvisor_infra::event_log::{EventLog, GATHER, Lease};

pub use reach::{Gathered, ReachError};
pub use report::{GatherReport, gather_reports};
pub use source::Source;

/// Events of one log that are read ahead of their turn, at most.
pub const AHEAD_EVENTS_MAX: usize = 500;
/// How long a log may take to tell what is new in it before the others go on without it.
pub const ANSWER_PATIENCE: Duration = Duration::from_millis(250);
/// Pause before a log that could not be read is read again.
pub const AWAY_PAUSE: Duration = Duration::from_millis(500);
/// How long an event waits for those of other logs that bear an earlier time. Beyond, clocks do not agree, and it goes.
pub const ORDER_PATIENCE: Duration = Duration::from_millis(500);
/// Shortest time from one look at all logs to the next.
pub const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// How often the logs are looked at when nobody tells of new events.
pub const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Trips of which it is known that they have begun, at most; others are asked for again.
pub const BEGUN_TRIPS_MAX: usize = 100_000;
/// How often whoever copies tells how it goes.
pub const GATHER_TOLD_EVERY: Duration = Duration::from_secs(1);
/// Pause after the read log's database has failed.
pub const GATHER_RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Pause before an event that the read log's database has refused is tried again, by itself: somebody has to mend something first.
pub const REFUSED_PAUSE: Duration = Duration::from_secs(2);
/// How often it is asked how far another process has copied, while somebody waits for it.
pub const REACH_POLL: Duration = Duration::from_millis(20);

/// What is done with a log: it is read, and copied as it comes.
pub const STATE_LIVE: &str = "live";
/// Its next event waits for the beginning of a trip.
pub const STATE_HELD: &str = "held";
/// It does not answer, or an event of it is refused.
pub const STATE_AWAY: &str = "away";
/// No process copies.
pub const STATE_UNOWNED: &str = "unowned";

/// Copies the events of several logs into one while this process owns that. Dropping it ends the work at once, as a kill would.
#[derive(Debug)]
pub struct Gatherer {
    gathered: Gathered,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
    lease: Option<Lease>,
}

impl Gatherer {
    /// Competes for the right to copy these logs into a read log. The first of them is the one that holds the bookings. The read log must be a
    /// schema of its own, into which nobody else writes events. Whoever opened the logs listens to them; without that they are looked at
    /// every [`LOOK_EVERY`]. Must be called inside tokio.
    pub fn start(read_log: &EventLog, sources: Vec<Source>) -> Self {
        let lease = Lease::compete(read_log, GATHER);
        let gathered = Gathered::of(read_log, sources.iter().map(|source| source.name.to_string()));
        let (stop, stopping) = watch::channel(false);
        let work = work::run(read_log.clone(), Arc::from(sources), lease.turns(), gathered.clone(), stopping);
        Self { gathered, stop, task: Some(tokio::spawn(work)), lease: Some(lease) }
    }

    /// How far it has come.
    pub const fn gathered(&self) -> &Gathered {
        &self.gathered
    }

    /// Ends it after the statement at hand; then another process may go on.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            // A panic has been told by the runtime already.
            task.await.ok();
        }
        if let Some(lease) = self.lease.take() {
            lease.let_go().await;
        }
    }
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
