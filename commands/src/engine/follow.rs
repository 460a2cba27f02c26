//! Hearing of what other processes append, so that the states in memory follow the log's tail.
//!
//! Nothing depends on it: what has not been heard of shows up as a conflict at the append. The process knows where its own events stand, so
//! only the places between them are read, and a process that is alone reads nothing.

use tokio::sync::watch;
use tokio::task::JoinHandle;
use traveladvisor_infra::event_log::{EventLog, LogError, Position, StoredEvent};

use super::limits::{FOLLOW_BEHIND_MAX, FOLLOW_PAGE};

/// Whether an append of our own may be on its way, whose events the log already tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// None is.
    Settled,
    /// One may be.
    UnderWay,
}

/// How far this process knows the log.
pub(crate) struct Follow {
    head: watch::Receiver<Position>,
    /// Up to here all is either our own or lies in `unread`.
    known: Position,
    unread: Option<Unread>,
    reading: Option<Reading>,
}

/// A page on its way, and up to where it was asked for: more may have become unread meanwhile.
struct Reading {
    before: Position,
    page: JoinHandle<Result<Vec<StoredEvent>, LogError>>,
}

/// Places with events of others, and maybe a few of our own; both ends are excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unread {
    after: Position,
    before: Position,
}

impl Unread {
    const fn count(self) -> u64 {
        self.before.0.saturating_sub(self.after.0 + 1)
    }
}

impl Follow {
    /// From the end of the log on: nothing is in memory yet.
    pub(crate) fn from_end(log: &EventLog) -> Self {
        let mut head = log.committed();
        let known = *head.borrow_and_update();
        Self { head, known, unread: None, reading: None }
    }

    /// An append of our own stands: what lies between it and what was known is others'.
    pub(crate) fn own(&mut self, first: Position, count: usize) {
        self.reach(first);
        self.known = self.known.max(Position(first.0 + (count as u64).saturating_sub(1)));
    }

    /// Up to here everything was read, appended by this process, or given up because it could not be read or was too much: conflicts tell
    /// of the last.
    pub(crate) fn known_to(&self) -> Position {
        self.unread.map_or(self.known, |unread| unread.after)
    }

    /// The places up to `before` are others'.
    fn reach(&mut self, before: Position) {
        if before.0 <= self.known.0 + 1 {
            return;
        }
        let after = self.unread.map_or(self.known, |unread| unread.after);
        self.unread = Some(Unread { after, before });
        self.known = Position(before.0 - 1);
    }

    /// The next events of others. Dropping the future loses none.
    pub(crate) async fn next(&mut self, log: &EventLog, own: Own) -> Vec<StoredEvent> {
        loop {
            if let Some(reading) = &mut self.reading {
                let page = (&mut reading.page).await;
                let before = reading.before;
                self.reading = None;
                return self.took(before, page.unwrap_or_else(|broken| Err(LogError::Unavailable(broken.to_string()))));
            }
            if own == Own::Settled {
                let head = *self.head.borrow_and_update();
                self.reach(Position(head.0 + 1));
            }
            if self.read(log) {
                continue;
            }
            if own == Own::UnderWay || self.head.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Begins to read what is unread; false when nothing is.
    fn read(&mut self, log: &EventLog) -> bool {
        let Some(unread) = self.unread else { return false };
        if unread.count() > FOLLOW_BEHIND_MAX {
            tracing::info!(
                events = unread.count(),
                "too far behind the log's tail: conflicts will tell what has changed"
            );
            self.unread = None;
            return false;
        }
        let limit = usize::try_from(unread.count()).map_or(FOLLOW_PAGE, |count| count.min(FOLLOW_PAGE));
        let log = log.clone();
        let page = tokio::spawn(async move { log.read_after(unread.after, limit).await });
        self.reading = Some(Reading { before: unread.before, page });
        true
    }

    /// What lies beyond the unread places may be of an append of our own that is still on its way, and is left out.
    fn took(&mut self, asked_before: Position, page: Result<Vec<StoredEvent>, LogError>) -> Vec<StoredEvent> {
        let Some(unread) = self.unread.take() else { return Vec::new() };
        let mut page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(%error, "the log's tail could not be read: conflicts will tell what has changed");
                return Vec::new();
            }
        };
        // An empty page means that a rollback has left empty the places that were asked for, not those that became unread since.
        let empty_to = Position(asked_before.0.saturating_sub(1));
        let after = page.last().map_or(empty_to, |last| last.position.min(unread.before));
        let left = Unread { after, ..unread };
        self.unread = (left.count() > 0).then_some(left);
        page.retain(|stored| stored.position < unread.before);
        page
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use traveladvisor_domain::id::{StreamId, StreamKind};
    use uuid::Uuid;

    use super::{Follow, LogError, Position, StoredEvent, Unread, watch};

    fn follow(known: u64) -> Follow {
        let (_, head) = watch::channel(Position::START);
        Follow { head, known: Position(known), unread: None, reading: None }
    }

    fn between(after: u64, before: u64) -> Unread {
        Unread { after: Position(after), before: Position(before) }
    }

    #[test]
    fn a_process_that_is_alone_has_nothing_to_read() {
        let mut follow = follow(7);
        follow.own(Position(8), 13);
        follow.own(Position(21), 1);
        follow.reach(Position(22));
        assert_eq!((follow.known, follow.unread), (Position(21), None));
    }

    #[test]
    fn only_the_places_between_its_own_are_read() {
        let mut follow = follow(7);
        follow.own(Position(10), 3);
        assert_eq!((follow.known, follow.unread), (Position(12), Some(between(7, 10))));
        // What comes while these wait is read with them.
        follow.own(Position(13), 2);
        assert_eq!(follow.unread, Some(between(7, 10)));
        follow.reach(Position(17));
        assert_eq!((follow.known, follow.unread), (Position(16), Some(between(7, 17))));
    }

    #[test]
    fn an_append_whose_answer_came_late_changes_nothing() {
        let mut follow = follow(20);
        follow.own(Position(8), 3);
        assert_eq!((follow.known, follow.unread), (Position(20), None));
    }

    fn stored(position: u64) -> StoredEvent {
        StoredEvent {
            position: Position(position),
            stream: StreamId::new(StreamKind::Booking, Uuid::nil()),
            sequence: position,
            event_type: "E".into(),
            event_version: "1".into(),
            payload: Arc::from("{}"),
            metadata: Arc::from("{}"),
            recorded_at: DateTime::UNIX_EPOCH,
            told: None,
        }
    }

    fn positions(page: &[StoredEvent]) -> Vec<u64> {
        page.iter().map(|stored| stored.position.0).collect()
    }

    #[test]
    fn what_was_read_is_not_read_again_and_what_may_be_our_own_is_left_out() {
        let mut follow = follow(7);
        follow.own(Position(12), 3);
        let page = follow.took(Position(12), Ok(vec![stored(8), stored(9)]));
        assert_eq!(
            (positions(&page), follow.known_to(), follow.unread),
            (vec![8, 9], Position(9), Some(between(9, 12)))
        );
        // 10 and 11 were left empty by a rollback; 15 may be of the append that is on its way.
        let page = follow.took(Position(12), Ok(vec![stored(12), stored(15)]));
        assert_eq!((positions(&page), follow.known_to(), follow.unread), (vec![], Position(14), None));
    }

    #[test]
    fn places_that_cannot_be_read_are_given_up() {
        for answer in [Ok(Vec::new()), Err(LogError::Unavailable("away".into()))] {
            let mut follow = follow(7);
            follow.reach(Position(10));
            assert_eq!(follow.took(Position(10), answer), vec![]);
            assert_eq!((follow.known_to(), follow.unread), (Position(9), None));
        }
    }
    #[test]
    fn an_empty_page_gives_up_nothing_that_became_unread_while_it_was_read() {
        let mut follow = follow(7);
        follow.reach(Position(10));
        follow.own(Position(14), 2);
        assert_eq!(follow.took(Position(10), Ok(Vec::new())), vec![]);
        assert_eq!((follow.known_to(), follow.unread), (Position(9), Some(between(9, 14))));
    }
}
