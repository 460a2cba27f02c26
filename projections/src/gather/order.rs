//! Which event goes next. Pure: no log is read here.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::StoredEvent;

use super::ORDER_PATIENCE;

/// An event that was read and not copied yet.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) event: StoredEvent,
    /// The trip that it tells of, in a log that does not hold the bookings.
    pub(super) trip: Option<StreamId>,
    /// In which look at the logs it arrived, and when.
    pub(super) look: u64,
    pub(super) since: Instant,
}

/// What is known of a log.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) ahead: VecDeque<Ahead>,
    /// All that its server had recorded up to this time was read; absent before the first page.
    pub(super) known_until: Option<DateTime<Utc>>,
    /// The last look that began to read it and found its end.
    pub(super) ended_in: u64,
    /// It does not answer: nobody waits for it.
    pub(super) is_away: bool,
}

/// What comes of asking for the next event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The first of this queue.
    Goes(usize),
    /// The first of this queue. It tells of a trip that has never begun.
    GoesUncaused(usize),
    /// None now.
    Nothing,
}

/// The next event. The first queue is that of the log that holds the bookings.
pub(super) fn next(queues: &[Queue], begun: &HashSet<StreamId>, now: Instant) -> Next {
    let free = queues.iter().enumerate().filter(|(place, _)| !is_held(queues, *place, begun));
    let first = free.filter_map(|(place, queue)| Some((queue.ahead.front()?, place)));
    let Some((ahead, place)) = first.min_by_key(|(ahead, place)| (ahead.event.recorded_at, *place)) else {
        return Next::Nothing;
    };
    let is_awaited = now.saturating_duration_since(ahead.since) < ORDER_PATIENCE;
    if is_awaited && !queues.iter().all(|queue| has_passed(queue, ahead.event.recorded_at)) {
        return Next::Nothing;
    }
    match ahead.trip {
        Some(trip) if place > 0 && !begun.contains(&trip) => Next::GoesUncaused(place),
        _ => Next::Goes(place),
    }
}

/// Whether nothing of an earlier time will come of this log, or nobody waits for it.
fn has_passed(queue: &Queue, time: DateTime<Utc>) -> bool {
    queue.is_away || !queue.ahead.is_empty() || queue.known_until.is_some_and(|until| until >= time)
}

/// Whether the next event of a queue waits for the beginning of its trip.
pub(super) fn is_held(queues: &[Queue], place: usize, begun: &HashSet<StreamId>) -> bool {
    let (Some(leading), Some(queue)) = (queues.first(), queues.get(place)) else { return false };
    let Some(ahead) = queue.ahead.front() else { return false };
    let Some(trip) = ahead.trip.filter(|_| place > 0) else { return false };
    // What had begun when the event was recorded stood in the log of the bookings when the event was read.
    let will_never_begin = !leading.is_away && leading.ahead.is_empty() && leading.ended_in > ahead.look;
    !begun.contains(&trip) && !will_never_begin
}

/// How long the next event of a queue has been there.
pub(super) fn age(queue: &Queue, now: Instant) -> Duration {
    queue.ahead.front().map_or(Duration::ZERO, |ahead| now.saturating_duration_since(ahead.since))
}

/// The trip that an event begins.
pub(super) fn begins(event: &StoredEvent) -> Option<StreamId> {
    (event.stream.kind == StreamKind::Booking && event.sequence == 1).then_some(event.stream)
}
