//! One of the logs that are copied: what was read of it ahead, and the read that is under way.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{EventLog, LogError, PageAsOf, Position, StoredEvent};

use super::order::{Ahead, Queue};
use super::{AHEAD_EVENTS_MAX, ANSWER_PATIENCE, AWAY_PAUSE};
use crate::booking::BookingProjection;
use crate::runtime::key_of;

/// A log that is copied into a read log.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, by which positions of it are known.
    pub(super) name: Arc<str>,
    pub(super) log: EventLog,
}

impl Source {
    /// A log, under its own name.
    pub fn new(log: EventLog) -> Self {
        Self { name: log.name().into(), log }
    }
}

/// Whether a log holds the bookings, and so waits for no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    Leads,
    Follows,
}

/// What a read asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    News,
    /// Also where the log ends, and how much of it is not copied.
    NewsAndLag,
}

/// What a read has brought.
#[derive(Debug)]
struct Page {
    events: Vec<(StoredEvent, Option<StreamId>)>,
    as_of: DateTime<Utc>,
    has_more: bool,
    behind: Option<(Position, u64)>,
}

/// Where a log stands.
#[derive(Debug)]
pub(super) struct Reading {
    source: Source,
    rank: Rank,
    under_way: Option<(JoinHandle<Result<Page, LogError>>, u64)>,
    not_before: Option<Instant>,
    /// Its last event that was read.
    after: Position,
    /// Its last event that was copied.
    pub(super) copied: Position,
    /// Where it ended, and how many events were not copied, when that was last asked.
    pub(super) behind: (Position, u64),
    /// Its last page left something unread: it was as long as a page can be, or an event that cannot be read follows. Not while it is away.
    pub(super) has_more: bool,
    /// Why it was last away.
    pub(super) failure: Option<String>,
}

impl Reading {
    pub(super) const fn new(source: Source, rank: Rank, copied: Position) -> Self {
        Self {
            source,
            rank,
            under_way: None,
            not_before: None,
            after: copied,
            copied,
            behind: (copied, 0),
            has_more: true,
            failure: None,
        }
    }

    pub(super) const fn name(&self) -> &Arc<str> {
        &self.source.name
    }

    pub(super) const fn log(&self) -> &EventLog {
        &self.source.log
    }

    /// Begins to read what is new, unless that is under way, or enough was read ahead.
    pub(super) fn begin(&mut self, queue: &Queue, look: u64, now: Instant, asked: Asked) {
        let is_early = self.not_before.is_some_and(|time| now < time);
        if self.under_way.is_some() || is_early || queue.ahead.len() >= AHEAD_EVENTS_MAX {
            return;
        }
        let (log, after, rank) = (self.source.log.clone(), self.after, self.rank);
        let limit = AHEAD_EVENTS_MAX - queue.ahead.len();
        let copied = (asked == Asked::NewsAndLag).then_some(self.copied);
        self.under_way = Some((tokio::spawn(read(log, after, limit, rank, copied)), look));
    }

    /// Takes what has come until `deadline`. Nobody waits for a log that did not answer the last time.
    pub(super) async fn take(&mut self, queue: &mut Queue, look: u64, deadline: Instant) {
        let Some((mut task, begun_in)) = self.under_way.take() else { return };
        if queue.is_away && !task.is_finished() {
            self.under_way = Some((task, begun_in));
            return;
        }
        match tokio::time::timeout_at(deadline, &mut task).await {
            Err(_elapsed) => {
                self.under_way = Some((task, begun_in));
                self.is_away(queue, format!("no answer within {ANSWER_PATIENCE:?}"));
            }
            Ok(Ok(Ok(page))) => self.keep(queue, page, (begun_in, look)),
            Ok(Ok(Err(error))) => self.failed(queue, error.to_string()),
            Ok(Err(_panic)) => self.failed(queue, "a defect: reading it panicked".to_owned()),
        }
    }

    fn keep(&mut self, queue: &mut Queue, page: Page, (begun_in, look): (u64, u64)) {
        if self.failure.take().is_some() {
            tracing::info!(log = &*self.source.name, "a log answers again");
        }
        queue.is_away = false;
        self.has_more = page.has_more;
        if self.has_more {
            queue.known_until = page.events.last().map(|(event, _)| event.recorded_at).or(queue.known_until);
        } else {
            queue.known_until = Some(page.as_of);
            queue.ended_in = begun_in;
        }
        self.behind = page.behind.unwrap_or(self.behind);
        let since = now();
        for (event, trip) in page.events {
            self.after = event.position;
            queue.ahead.push_back(Ahead { event, trip, look, since });
        }
    }

    fn failed(&mut self, queue: &mut Queue, reason: String) {
        self.not_before = Some(now() + AWAY_PAUSE);
        self.is_away(queue, reason);
    }

    fn is_away(&mut self, queue: &mut Queue, reason: String) {
        queue.is_away = true;
        // What it has more of cannot be had now: the others are copied at their own pace.
        self.has_more = false;
        if self.failure.is_none() {
            tracing::warn!(log = &*self.source.name, reason, "a log cannot be read; the others go on");
        }
        self.failure = Some(reason);
    }

    /// Nothing of it is read or waited for: what was read ahead is forgotten, and read again from what is copied.
    pub(super) fn leave_alone(&mut self, queue: &mut Queue) {
        if let Some((task, _)) = self.under_way.take() {
            task.abort();
        }
        self.after = self.copied;
        self.has_more = false;
        *queue = Queue { is_away: true, ..Queue::default() };
    }

    /// Trips of which events wait.
    pub(super) fn trips(queue: &VecDeque<Ahead>) -> impl Iterator<Item = StreamId> {
        queue.iter().filter_map(|ahead| ahead.trip)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some((task, _)) = &self.under_way {
            task.abort();
        }
    }
}

async fn read(
    log: EventLog,
    after: Position,
    limit: usize,
    rank: Rank,
    copied: Option<Position>,
) -> Result<Page, LogError> {
    let PageAsOf { events, as_of, has_more } = log.read_as_of(after, limit).await?;
    let behind = match copied {
        Some(copied) => Some(log.behind(copied).await?),
        None => None,
    };
    let trip = |event: &StoredEvent| if rank == Rank::Leads { None } else { trip_of(event) };
    let events = events.into_iter().map(|event| (trip(&event), event)).map(|(trip, event)| (event, trip)).collect();
    Ok(Page { events, as_of, has_more, behind })
}

/// The trip that an event tells of, as the read model of trips sees it.
fn trip_of(event: &StoredEvent) -> Option<StreamId> {
    key_of::<BookingProjection>(event).filter(|key| key.kind == StreamKind::Booking)
}

pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

    use super::*;

    #[tokio::test]
    async fn a_log_that_is_away_does_not_hurry_the_others() {
        let nobody = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(1);
        let log = EventLog::new("hotel", PgPoolOptions::new().connect_lazy_with(nobody));
        let mut reading = Reading::new(Source::new(log), Rank::Follows, Position::START);
        let mut queue = Queue::default();
        assert!(reading.has_more, "nothing of it was read");
        reading.begin(&queue, 1, now(), Asked::News);
        reading.take(&mut queue, 1, now()).await;
        assert!(queue.is_away && !reading.has_more, "{reading:?}");
    }
}
