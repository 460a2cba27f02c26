//! Records whose topic takes none for now, as where it is missing: they wait in their order, and everything else goes on.

use std::collections::{BTreeSet, HashMap};

use tokio::time::Instant;
use traveladvisor_infra::event_log::{Position, StoredEvent};

use super::super::bus::Again;
use super::super::limits::{HELD_AGAIN, RELAY_PAGE};
use super::{Relay, Stopped, Under, now};

/// A message's position and place.
type At = (u64, usize);

/// What waits, by topic.
#[derive(Default)]
pub(super) struct Held(HashMap<&'static str, Queue>);

struct Queue {
    waiting: BTreeSet<At>,
    /// Those that are with the broker's client once more.
    sent: BTreeSet<At>,
    next: Next,
}

/// What is done about a topic next.
#[derive(PartialEq, Eq)]
enum Next {
    /// The first record is sent at this moment, to see whether the topic takes it.
    Try(Instant),
    /// That one is under way.
    Tried,
    /// It takes records: the others follow.
    Follow,
}

impl Held {
    /// How many wait, with those that are tried: the client looks for a topic for seconds before it gives one back, and that says nothing of the
    /// broker.
    pub(super) fn count(&self) -> usize {
        let tried = |queue: &Queue| if queue.next == Next::Tried { queue.sent.len() } else { 0 };
        self.0.values().map(|queue| queue.waiting.len() + tried(queue)).sum()
    }

    /// Whether some can be sent at once.
    pub(super) fn follows(&self) -> bool {
        self.0.values().any(|queue| queue.next == Next::Follow && !queue.waiting.is_empty())
    }

    /// Puts a new one behind those of its topic that wait; false where none do.
    pub(super) fn joins(&mut self, topic: &str, at: At) -> bool {
        self.0.get_mut(topic).map(|queue| queue.waiting.insert(at)).is_some()
    }

    /// The topic has not taken this one. True when it is the first.
    pub(super) fn begins(&mut self, topic: &'static str, at: At, now: Instant) -> bool {
        let is_first = !self.0.contains_key(topic);
        let later = || Next::Try(now + HELD_AGAIN);
        let new = || Queue { waiting: BTreeSet::new(), sent: BTreeSet::new(), next: later() };
        let queue = self.0.entry(topic).or_insert_with(new);
        queue.sent.remove(&at);
        queue.waiting.insert(at);
        if !matches!(queue.next, Next::Try(_)) {
            queue.next = later();
        }
        is_first
    }

    /// The topic has taken this one. True when one before it is not there yet: then it is sent once more behind that, as who reads them keeps
    /// the last one.
    pub(super) fn took(&mut self, topic: &str, at: At) -> bool {
        let Some(queue) = self.0.get_mut(topic) else { return false };
        let is_before = |first: Option<&At>| first.is_some_and(|first| *first < at);
        let was_sent_again = queue.sent.remove(&at);
        // Of those that were sent again together, each goes to its partition in order.
        if is_before(queue.waiting.first()) || (!was_sent_again && is_before(queue.sent.first())) {
            queue.waiting.insert(at);
            return true;
        }
        if was_sent_again && queue.next == Next::Tried {
            queue.next = Next::Follow;
        }
        self.forget_if_done(topic);
        false
    }

    /// One that was sent again is settled without standing in the topic: the next one is tried.
    pub(super) fn passes(&mut self, topic: &str, at: At, now: Instant) {
        let Some(queue) = self.0.get_mut(topic) else { return };
        if queue.sent.remove(&at) && queue.next == Next::Tried {
            queue.next = Next::Try(now);
        }
        self.forget_if_done(topic);
    }

    /// What waits could not be read: it is tried from its first one on, after a pause.
    fn rests(&mut self, topic: &str, now: Instant) {
        if let Some(queue) = self.0.get_mut(topic) {
            queue.next = Next::Try(now + HELD_AGAIN);
        }
    }

    fn forget_if_done(&mut self, topic: &str) {
        if self.0.get(topic).is_some_and(|queue| queue.waiting.is_empty() && queue.sent.is_empty()) {
            self.0.remove(topic);
        }
    }

    /// Topics of which something is to be sent now, each with the first that waits and how many.
    fn due(&self, now: Instant) -> Vec<(&'static str, At, usize)> {
        let due = self.0.iter().filter_map(|(topic, queue)| {
            let many = match queue.next {
                Next::Try(at) if at <= now => 1,
                Next::Follow => RELAY_PAGE,
                Next::Try(_) | Next::Tried => return None,
            };
            Some((*topic, *queue.waiting.first()?, many))
        });
        due.collect()
    }

    /// Takes out the first ones up to this position, to be sent.
    fn take(&mut self, topic: &str, up_to: Position, many: usize) -> Vec<At> {
        let Some(queue) = self.0.get_mut(topic) else { return Vec::new() };
        let taken: Vec<At> = queue.waiting.range(..=(up_to.0, usize::MAX)).take(many).copied().collect();
        for at in &taken {
            queue.waiting.remove(at);
            queue.sent.insert(*at);
        }
        if queue.next != Next::Follow {
            queue.next = Next::Tried;
        }
        taken
    }
}

impl Relay {
    /// Sends the first of what waits for a topic, from time to time, and the others once it is taken. They are read again, page by page.
    pub(super) async fn send_held(&mut self) -> Result<(), Stopped> {
        for (topic, first, many) in self.held.due(now()) {
            let limit = if many == 1 { 1 } else { RELAY_PAGE };
            let page = match self.log.read_after(Position(first.0 - 1), limit).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(topic, %error, "what waits for its topic cannot be read; it is tried again");
                    Vec::new()
                }
            };
            let Some(up_to) = page.last().map(|last| last.position) else {
                self.held.rests(topic, now());
                continue;
            };
            for at in self.held.take(topic, up_to, many) {
                let stored =
                    page.binary_search_by_key(&at.0, |stored| stored.position.0).ok().map(|place| &page[place]);
                self.send_again(at, stored).await?;
                if !matches!(self.in_flight.get(&at), Some(Under::Post(_))) {
                    self.held.passes(topic, at, now());
                }
            }
        }
        Ok(())
    }

    async fn send_again(&mut self, at: At, stored: Option<&StoredEvent>) -> Result<(), Stopped> {
        self.end(at);
        let again = stored.zip(self.post.as_ref()).and_then(|(stored, post)| {
            post.again(stored, self.cause(stored.stream, stored.sequence, at.1)).ok().flatten()
        });
        let Some(Again { parcel, unsendable }) = again else {
            tracing::error!(position = at.0, "the relay's checkpoint stays before an event that it cannot read");
            self.begin(at, Under::Unreadable);
            return Ok(());
        };
        self.hand_over(at, &parcel, unsendable).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "a.topic";

    /// What may be sent at this moment.
    fn sent(held: &mut Held, at: Instant) -> Vec<At> {
        let due = held.due(at);
        due.into_iter().flat_map(|(topic, _, many)| held.take(topic, Position(u64::MAX), many)).collect()
    }

    #[test]
    fn one_is_tried_at_a_time_and_the_others_follow_in_order_once_it_is_taken() {
        let (mut held, begun) = (Held::default(), Instant::now());
        assert!(!held.joins(TOPIC, (1, 0)), "nothing waits");
        assert!(held.begins(TOPIC, (2, 0), begun));
        assert!(!held.begins(TOPIC, (1, 1), begun), "that is known");
        assert!(held.joins(TOPIC, (3, 0)) && !held.joins("another.topic", (4, 0)));
        assert_eq!(sent(&mut held, begun), [], "not at once");
        assert_eq!(sent(&mut held, begun + HELD_AGAIN), [(1, 1)]);
        assert_eq!(held.count(), 3, "the one that is tried waits as well");
        assert_eq!(sent(&mut held, begun + HELD_AGAIN * 2), [], "its outcome is waited for");
        assert!(!held.begins(TOPIC, (1, 1), begun + HELD_AGAIN), "and so is this");
        assert_eq!(sent(&mut held, begun + HELD_AGAIN * 2), [(1, 1)]);
        assert!(!held.took(TOPIC, (1, 1)) && held.follows());
        assert_eq!(held.count(), 2);
        assert_eq!(sent(&mut held, begun), [(2, 0), (3, 0)]);
        assert!(!held.follows(), "nothing is left to be sent");
        assert!(!held.took(TOPIC, (3, 0)) && !held.took(TOPIC, (2, 0)), "partitions are acknowledged each by itself");
        assert!(!held.joins(TOPIC, (5, 0)), "from now on each is sent as it comes");
    }

    #[test]
    fn one_that_is_refused_for_good_does_not_hold_up_the_next_one() {
        let (mut held, begun) = (Held::default(), Instant::now());
        held.begins(TOPIC, (1, 0), begun);
        held.joins(TOPIC, (2, 0));
        let later = begun + HELD_AGAIN;
        assert_eq!(sent(&mut held, later), [(1, 0)]);
        held.passes(TOPIC, (1, 0), later);
        assert_eq!(sent(&mut held, later), [(2, 0)]);
        held.passes(TOPIC, (2, 0), later);
        assert!(!held.joins(TOPIC, (3, 0)), "nothing waits any more");
    }

    #[test]
    fn what_was_taken_before_one_that_waits_is_sent_once_more_behind_it() {
        let (mut held, begun) = (Held::default(), Instant::now());
        held.begins(TOPIC, (2, 0), begun);
        assert!(!held.took(TOPIC, (1, 0)), "it went before");
        assert!(held.took(TOPIC, (3, 0)), "the older word must not be the last");
        assert_eq!(sent(&mut held, begun + HELD_AGAIN), [(2, 0)]);
        assert!(held.took(TOPIC, (4, 0)), "also while that is under way");
        held.took(TOPIC, (2, 0));
        assert_eq!(sent(&mut held, begun), [(3, 0), (4, 0)]);
        held.took(TOPIC, (4, 0));
        assert!(!held.took(TOPIC, (3, 0)) && held.count() == 0);
    }
    #[test]
    fn what_cannot_be_read_is_tried_after_a_pause_and_not_at_once() {
        let (mut held, begun) = (Held::default(), Instant::now());
        held.begins(TOPIC, (1, 0), begun);
        held.joins(TOPIC, (2, 0));
        sent(&mut held, begun + HELD_AGAIN);
        held.took(TOPIC, (1, 0));
        assert!(held.follows());
        held.rests(TOPIC, begun);
        assert!(!held.follows());
        assert_eq!(sent(&mut held, begun), []);
        assert_eq!(sent(&mut held, begun + HELD_AGAIN), [(2, 0)]);
    }
}
