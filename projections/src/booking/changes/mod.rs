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

pub(crate) use self::lines::lines_after;
pub use self::traveller::{TRIPS_WAITING_MAX, TravellerWatch};
pub use self::trip::TripWatch;
use self::watching::Watching;
use crate::reads::ReadError;
use crate::runtime::Ear;

/// Events of the log that are looked at together.
const PAGE_EVENTS: usize = 1_000;
/// How often every watched trip is looked at, whether the log told of it or not.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Watched trips that one statement looks at.
const SWEEP_TRIPS: usize = 1_000;
/// Pause after the database did not answer.
const FAILED_PAUSE: Duration = Duration::from_millis(250);
/// Trips of which an event has passed the read model without a trace in their row: most are set aside. Further ones are not waited for.
const UNSEEN_TRIPS_MAX: usize = 1_000;

/// Who watches, and what tells them.
#[derive(Debug)]
pub(crate) struct Feed {
    log: EventLog,
    ear: Ear,
    watching: Mutex<Watching>,
}

/// How far the task has come.
#[derive(Debug, Default)]
struct Course {
    after: Position,
    /// Trips whose rows have not taken in the event at this position yet.
    unseen: BTreeMap<BookingId, Position>,
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
            tokio::spawn(self.clone().follow());
        }
    }

    async fn follow(self: Arc<Self>) {
        let _waiting = self.ear.wait();
        let mut position = self.ear.position.clone();
        let mut course: Option<Course> = None;
        loop {
            let swept = Instant::now();
            if !self.watching().goes_on() {
                return;
            }
            if let Err(error) = self.sweep(&mut course).await {
                tracing::debug!(%error, "watched trips could not be looked at");
                sleep(FAILED_PAUSE).await;
                continue;
            }
            if self.hear(&mut position, course.as_mut(), swept + SWEEP_EVERY).await.is_err() {
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
        course: Option<&mut Course>,
        until: Instant,
    ) -> Result<(), watch::error::RecvError> {
        let Some(course) = course else { return Ok(()) };
        loop {
            let reached = *position.borrow_and_update();
            if let Err(error) = self.pass(course, reached).await {
                tracing::debug!(%error, "the log could not be followed for those who watch");
                sleep(FAILED_PAUSE).await;
            }
            tokio::select! {
                changed = position.changed() => changed?,
                () = sleep_until(until) => return Ok(()),
            }
        }
    }

    /// Tells of the events up to where the read model has come.
    async fn pass(&self, course: &mut Course, reached: Position) -> Result<(), ReadError> {
        while course.after < reached {
            let page = self.log.read_after(course.after, PAGE_EVENTS).await?;
            let page: Vec<_> = page.into_iter().take_while(|event| event.position <= reached).collect();
            let mut touched = BTreeMap::new();
            for event in &page {
                if let Some(trip) = trip_of(event) {
                    touched.insert(trip, event.position);
                }
            }
            self.watching().tell(&touched);
            self.tell_travellers(&mut course.unseen, touched).await?;
            course.after = page.last().map_or(reached, |last| last.position);
        }
        Ok(())
    }

    /// Tells those who watch a traveller's trips. Rows that do not show the event yet are looked at again with the next sweep.
    async fn tell_travellers(
        &self,
        unseen: &mut BTreeMap<BookingId, Position>,
        touched: BTreeMap<BookingId, Position>,
    ) -> Result<(), ReadError> {
        if touched.is_empty() || !self.watching().has_travellers() {
            return Ok(());
        }
        let ids = touched.keys().copied().collect();
        let rows = outgoing(Point::Query, lines::rows_of(self.log.pool(), ids)).await?;
        for (trip, position) in touched {
            if let Some(row) = rows.get(&trip) {
                self.watching().tell_traveller(trip, row);
                if row.position >= position {
                    unseen.remove(&trip);
                    continue;
                }
            }
            if unseen.len() < UNSEEN_TRIPS_MAX {
                unseen.insert(trip, position);
            }
        }
        Ok(())
    }

    /// Looks at all trips that are watched, and at those that are awaited.
    async fn sweep(&self, course: &mut Option<Course>) -> Result<(), ReadError> {
        let pool = self.log.pool();
        if course.is_none() {
            let after = outgoing(Point::Query, lines::checkpoint(pool)).await?;
            *course = Some(Course { after, unseen: BTreeMap::new() });
        }
        let trips = self.watching().trips();
        for trips in trips.chunks(SWEEP_TRIPS) {
            let newest = outgoing(Point::Query, lines::newest(pool, trips)).await?;
            self.watching().found(&newest);
        }
        let Some(course) = course else { return Ok(()) };
        let unseen = std::mem::take(&mut course.unseen);
        self.tell_travellers(&mut course.unseen, unseen).await
    }
}

/// The trip that an event concerns. Whatever concerns one bears its correlation; its own streams bear its id.
fn trip_of(event: &StoredEvent) -> Option<BookingId> {
    match event.stream.kind {
        StreamKind::Booking | StreamKind::TripSaga | StreamKind::Payment => Some(BookingId(event.stream.uuid)),
        StreamKind::Hotel | StreamKind::Flight | StreamKind::Car | StreamKind::DeadLetter => {
            event.decode_metadata().ok()?.correlation.parse().ok()
        }
    }
}
