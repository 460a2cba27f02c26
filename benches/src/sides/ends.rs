//! When trips end: the end of a saga, seen in the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::{EventLog, Position};

use super::course::Ending;
use crate::Outcome;

/// Longest wait for the end of a trip.
const END_MAX: Duration = Duration::from_mins(1);
/// Events read at once.
const PAGE: usize = 1_000;
/// How long it sleeps at most before it looks at the log by itself.
const POLL: Duration = Duration::from_millis(50);

const SUCCEEDED: &str = "SagaSucceeded";
/// The last event of a saga whose trip was given back.
pub(crate) const COMPENSATED: &str = "SagaCompensated";
/// The last events of sagas.
pub(crate) const LAST_EVENTS: [&str; 2] = [SUCCEEDED, COMPENSATED];

fn ending_of(event_type: &str) -> Option<Ending> {
    match event_type {
        SUCCEEDED => Some(Ending::Succeeded),
        COMPENSATED => Some(Ending::Compensated),
        _ => None,
    }
}

enum Seen {
    Ended(Ending),
    Awaited(oneshot::Sender<Ending>),
}

type Slots = Arc<Mutex<HashMap<BookingId, Seen>>>;

/// Reads the log's tail and tells of each trip's end once.
pub(crate) struct Ends {
    slots: Slots,
    tail: JoinHandle<()>,
}

impl Ends {
    /// From this position on.
    pub(crate) fn after(position: Position, log: &EventLog) -> Self {
        Self::looking_every(POLL, position, log)
    }

    /// The same where other processes append, so that the log itself has to be looked at.
    pub(crate) fn looking_every(pause: Duration, position: Position, log: &EventLog) -> Self {
        let slots = Slots::default();
        let tail = tokio::spawn(follow(log.clone(), (position, pause), slots.clone()));
        Self { slots, tail }
    }

    /// Waits for the end of a trip. Whoever asks does so once: it is forgotten then.
    pub(crate) async fn of(&self, booking: BookingId) -> Outcome<Ending> {
        let (sender, end) = oneshot::channel();
        match taken(&self.slots).entry(booking) {
            Entry::Occupied(seen) => {
                if let Seen::Ended(ending) = seen.remove() {
                    return Ok(ending);
                }
                return Err(format!("two wait for {booking}").into());
            }
            Entry::Vacant(place) => place.insert(Seen::Awaited(sender)),
        };
        match tokio::time::timeout(END_MAX, end).await {
            Ok(ending) => Ok(ending?),
            Err(_elapsed) => Err(format!("the saga of {booking} has not ended after {END_MAX:?}").into()),
        }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.tail.abort();
    }
}

async fn follow(log: EventLog, (from, pause): (Position, Duration), slots: Slots) {
    let mut committed = log.committed();
    let mut after = from;
    loop {
        // What cannot be read now is read after the pause; if it never can be, those who wait say so.
        let page = log.read_after(after, PAGE).await.unwrap_or_default();
        let Some(last) = page.last() else {
            tokio::time::timeout(pause, committed.changed()).await.ok();
            continue;
        };
        after = last.position;
        let mut slots = taken(&slots);
        for event in &page {
            let Some(ending) = ending_of(&event.event_type) else { continue };
            let booking = BookingId(event.stream.uuid);
            if let Some(Seen::Awaited(waiting)) = slots.remove(&booking) {
                // Whoever has given up waiting has said so.
                waiting.send(ending).ok();
            } else {
                slots.insert(booking, Seen::Ended(ending));
            }
        }
    }
}

/// Nothing can panic half-way through a change of it.
fn taken(slots: &Slots) -> MutexGuard<'_, HashMap<BookingId, Seen>> {
    slots.lock().unwrap_or_else(PoisonError::into_inner)
}
