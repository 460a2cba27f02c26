//! Hearing of trips that changed: one reader of the log for all who watch in this process.
//!
//! *What is heard* is only that there is something new. Whoever hears it reads the rows by itself, from where it had come: timelines are
//! written in the order of the log, rows and checkpoint commit together, and a trip's events never overtake each other, so "the lines behind
//! this position" is the whole of what is left to tell, in one order, whatever stood between two reads. A reader that is behind, rows that
//! were made anew or rolled back, another process that folds: none of them makes a line come twice or get lost.
//!
//! *How it is heard.* While somebody watches, one task follows the log as far as the read model `booking` has come, and wakes those whose
//! trip an event concerns. What it cannot hear that way (an event that had been set aside and is taken in later, rows that were switched) it
//! finds by looking at the newest line of every watched trip at intervals. It ends when nobody watches any more.

mod course;
mod lines;
mod traveller;
mod trip;
mod watching;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use traveladvisor_domain::id::{BookingId, StreamKind};
use traveladvisor_infra::event_log::{EventLog, Position, StoredEvent};
use traveladvisor_infra::fail_points::{Point, outgoing};

use self::course::{Course, Look, Passed};
pub(crate) use self::lines::lines_after;
pub use self::traveller::{TRIPS_WAITING_MAX, TravellerWatch};
pub use self::trip::TripWatch;
use self::watching::Watching;
use crate::reads::ReadError;
use crate::runtime::{Ear, ProjectionState};

/// Events of the log that are looked at together.
const PAGE_EVENTS: usize = 1_000;
/// How often watched trips are looked at, whether the log told of them or not.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Watched trips that one statement looks at.
const SWEEP_TRIPS: usize = 1_000;
/// Pause after the database did not answer.
const FAILED_PAUSE: Duration = Duration::from_millis(250);
/// Statements that one look at all watched trips takes at most: of more trips, the others are looked at in the next rounds.
const SWEEP_STATEMENTS_MAX: usize = 10;
/// How often it is asked how far another process has brought the rows.
const STANDBY_GLANCE: Duration = Duration::from_millis(100);

/// Who watches, and what tells them.
#[derive(Debug)]
pub(crate) struct Feed {
    log: EventLog,
    ear: Ear,
    watching: Mutex<Watching>,
}

impl Feed {
    pub(crate) fn new(log: &EventLog, ear: Ear) -> Arc<Self> {
        Arc::new(Self { log: log.clone(), ear, watching: Mutex::default() })
    }

    /// How many watch.
    pub(crate) fn watchers(&self) -> usize {
        self.watching().len()
    }

    /// Nothing can panic half-way through a change of it.
    fn watching(&self) -> MutexGuard<'_, Watching> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the task unless it is at work.
    fn begin(self: &Arc<Self>, watching: &mut Watching) {
        if !std::mem::replace(&mut watching.is_followed, true) {
            tokio::spawn(self.clone().follow(Course::begin(&self.ear)));
        }
    }

    async fn follow(self: Arc<Self>, mut course: Course) {
        let mut position = self.ear.position.clone();
        let mut looked_at = None;
        loop {
            let swept = Instant::now();
            if !self.watching().goes_on() {
                return;
            }
            if let Err(error) = self.sweep(&mut course, &mut looked_at).await {
                tracing::debug!(%error, "watched trips could not be looked at");
                sleep(FAILED_PAUSE).await;
                continue;
            }
            if self.hear(&mut position, &mut course, swept + SWEEP_EVERY).await.is_err() {
                // The read model will not move again in this process: those who watch hear that it is over.
                self.watching().end();
                return;
            }
        }
    }

    /// Tells of every event until it is time to look at all trips again.
    async fn hear(
        &self,
        position: &mut watch::Receiver<Position>,
        course: &mut Course,
        until: Instant,
    ) -> Result<(), watch::error::RecvError> {
        loop {
            let reached = *position.borrow_and_update();
            if let Err(error) = self.pass(course, reached).await {
                tracing::debug!(%error, "the log could not be followed for those who watch");
                sleep(FAILED_PAUSE).await;
            }
            tokio::select! {
                changed = position.changed() => changed?,
                () = self.glance() => {}
                () = sleep_until(until) => return Ok(()),
            }
        }
    }

    /// Asks now and then how far another process has brought the rows; nothing while this one brings them there itself: as long as anybody
    /// is known to wait, it commits each event alone, and whoever watches may watch for days.
    async fn glance(&self) {
        if self.ear.condition.borrow().0 != ProjectionState::Standby {
            return std::future::pending().await;
        }
        sleep(STANDBY_GLANCE).await;
        drop(self.ear.wait());
    }

    /// Tells of the events up to where the read model has come.
    async fn pass(&self, course: &mut Course, reached: Position) -> Result<(), ReadError> {
        loop {
            let after = course.after(reached);
            if after >= reached {
                return Ok(());
            }
            let page = self.log.read_after(after, PAGE_EVENTS).await?;
            let page: Vec<_> = page.into_iter().take_while(|event| event.position <= reached).collect();
            let mut touched = BTreeMap::new();
            for event in &page {
                if let Some(trip) = trip_of(event) {
                    let (first, last) = (event.position, event.position);
                    touched.entry(trip).or_insert(Passed { first, last }).last = last;
                }
            }
            self.watching().tell(&touched);
            if self.watching().has_travellers() {
                let trips = touched.keys().copied().collect();
                self.tell_travellers(course, trips, &touched).await?;
            }
            course.after = Some(page.last().map_or(reached, |last| last.position));
        }
    }

    /// Tells those who watch a traveller's trips. Rows that do not show the event yet are looked at again with the next sweeps.
    async fn tell_travellers(
        &self,
        course: &mut Course,
        trips: Vec<BookingId>,
        touched: &BTreeMap<BookingId, Passed>,
    ) -> Result<(), ReadError> {
        if trips.is_empty() {
            return Ok(());
        }
        let rows = outgoing(Point::Query, lines::rows_of(self.log.pool(), trips.clone())).await?;
        for trip in trips {
            let row = rows.get(&trip);
            match (course.look(trip, touched.get(&trip).copied(), row.map(|row| row.position)), row) {
                (Look::Tell, Some(row)) => self.watching().tell_traveller(trip, row),
                (Look::Tell | Look::Keep, _) => {}
                (Look::Full, _) => {
                    tracing::warn!(%trip, "too many trips are held back: those who watch travellers have to begin again");
                    self.watching().end_travellers();
                }
            }
        }
        Ok(())
    }

    /// Looks at the trips that are watched, and at those that are awaited.
    async fn sweep(&self, course: &mut Course, looked_at: &mut Option<BookingId>) -> Result<(), ReadError> {
        let pool = self.log.pool();
        if course.after.is_none() {
            course.after = Some(outgoing(Point::Query, lines::checkpoint(pool)).await?);
        }
        for _ in 0..SWEEP_STATEMENTS_MAX {
            let trips = self.watching().trips_behind(*looked_at, SWEEP_TRIPS);
            if !trips.is_empty() {
                let newest = outgoing(Point::Query, lines::newest(pool, &trips)).await?;
                self.watching().found(&newest);
            }
            *looked_at = (trips.len() == SWEEP_TRIPS).then(|| trips.last().copied()).flatten();
            if looked_at.is_none() {
                break;
            }
        }
        let awaited = course.awaited(SWEEP_TRIPS);
        self.tell_travellers(course, awaited, &BTreeMap::new()).await
    }
}

/// The trip that an event concerns. Whatever concerns one bears its correlation; its own streams bear its id.
fn trip_of(event: &StoredEvent) -> Option<BookingId> {
    match event.stream.kind {
        StreamKind::Booking | StreamKind::TripSaga | StreamKind::Payment => Some(BookingId(event.stream.uuid)),
        StreamKind::Hotel
        | StreamKind::Flight
        | StreamKind::Car
        | StreamKind::DeadLetter
        | StreamKind::Reward
        | StreamKind::PointsAccount => event.decode_metadata().ok()?.correlation.parse().ok(),
        StreamKind::Member | StreamKind::EmailClaim | StreamKind::Campaign | StreamKind::Programme => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::status::channel;

    #[tokio::test(start_paused = true)]
    async fn who_watches_for_long_does_not_keep_the_read_model_from_committing_events_together() {
        let pool = sqlx::PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").expect("an address");
        let (voice, ear) = channel("booking", 1);
        voice.is(ProjectionState::Live, None);
        let feed = Feed::new(&EventLog::new("public", pool), ear);
        let mut waiting = voice.waiting.clone();
        let watch = feed.watch_trip(BookingId(uuid::Uuid::from_u128(1)));
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let glanced = tokio::time::timeout(SWEEP_EVERY, feed.glance()).await;
        assert!(glanced.is_err() && *waiting.borrow() == 0, "nobody is known to wait");
        assert!(!waiting.has_changed().expect("it is there"));
        voice.is(ProjectionState::Standby, None);
        feed.glance().await;
        assert!(waiting.has_changed().expect("it is there"), "what another process folds is asked for");
        assert_eq!(*waiting.borrow_and_update(), 0);
        drop(watch);
    }
}
