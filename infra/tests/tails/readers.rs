//! Readers that follow the log, each in its own way.

use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use traveladvisor_infra::event_log::{EventLog, Position, StoredEvent};

use super::{LOOK_AGAIN, log};

/// Pages of the readers that read the table.
const PAGES: [usize; 4] = [1, 7, 100, 1_000];
/// Page of the reader that is handed what its own process appended.
const RING_PAGE: usize = 50;

/// All readers, at work.
pub(super) struct Readers {
    readers: Vec<Reader>,
    end: watch::Sender<Option<Position>>,
}

struct Reader {
    name: String,
    at: watch::Receiver<Position>,
    task: JoinHandle<Vec<StoredEvent>>,
}

impl Readers {
    /// Readers of the table, each on a handle of its own, and one on the handle that most writers append through.
    pub(super) fn begin(options: &PgConnectOptions, ours: &EventLog) -> Self {
        let end = watch::Sender::new(None);
        let of_table = PAGES.map(|page| (format!("table by {page}"), log(options), page));
        let of_ring = ("ring".to_owned(), ours.clone(), RING_PAGE);
        let readers = of_table.into_iter().chain([of_ring]).map(|(name, log, page)| {
            let (tell, at) = watch::channel(Position::START);
            let task = tokio::spawn(follow(log, page, tell, end.subscribe()));
            Reader { name, at, task }
        });
        Self { readers: readers.collect(), end }
    }

    pub(super) fn progress(&self) -> Vec<watch::Receiver<Position>> {
        self.readers.iter().map(|reader| reader.at.clone()).collect()
    }

    /// What each has seen when it had come to the end and found nothing more.
    pub(super) async fn end(self, head: Position) -> Vec<(String, Vec<StoredEvent>)> {
        self.end.send_replace(Some(head));
        let mut seen = Vec::new();
        for reader in self.readers {
            seen.push((reader.name, reader.task.await.expect("a reader ends well")));
        }
        seen
    }
}

/// Reads on from the last position seen, and from nothing else.
async fn follow(
    log: EventLog,
    page: usize,
    tell: watch::Sender<Position>,
    end: watch::Receiver<Option<Position>>,
) -> Vec<StoredEvent> {
    let mut seen: Vec<StoredEvent> = Vec::new();
    let mut after = Position::START;
    loop {
        let ends = end.borrow().is_some_and(|end| after >= end);
        let events = log.read_after(after, page).await.expect("read");
        match events.last() {
            Some(last) => after = last.position,
            None if ends => return seen,
            None => tokio::time::sleep(LOOK_AGAIN).await,
        }
        seen.extend(events);
        tell.send_replace(after);
    }
}

/// Follows until a position that is known to be there.
pub(super) async fn read_to(log: &EventLog, page: usize, end: Position) -> Vec<StoredEvent> {
    let (tell, _) = watch::channel(Position::START);
    let (_end, ends) = watch::channel(Some(end));
    follow(log.clone(), page, tell, ends).await
}
