//! The log read in bulk, as rebuilds and checks of the whole log do: streamed by COPY in its binary form.
//!
//! Each page is a COPY of its own, read to its end as fast as the server sends it: no statement and no snapshot waits for whoever takes the
//! pages, however slow that is, and the server's time-out of statements holds here as everywhere. One more page is read ahead meanwhile.

mod rows;
#[cfg(test)]
mod tests;

use futures::StreamExt;
use sqlx::{Executor, PgConnection};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use traveladvisor_domain::id::StreamKind;

use super::{EventLog, LogError, Position, STATEMENT_PATIENCE, StoredEvent, in_time};
use crate::fail_points::{Point, outgoing};
use rows::Rows;

/// Events of a page at most.
pub const PAGE_EVENTS_MAX: usize = 8_192;
/// Payloads and metadata of a page at most, in bytes, but for the last event that found room.
pub const PAGE_BYTES_MAX: usize = 16 << 20;
/// Positions that one COPY looks at, at most: where few of them hold what is asked for it ends all the same, well before the server's
/// time-out of statements.
pub const COPY_POSITIONS_MAX: u64 = 100_000;
/// Pages that are read ahead of whoever takes them.
const PAGES_AHEAD: usize = 1;

/// Pages are read in the order of positions, off the index, whatever the statistics of a young table make the server think of sorting.
const IN_ORDER: &str = "SET enable_sort = off";

/// A stretch of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// It begins after this position.
    pub after: Position,
    /// And ends with this one, which must be committed: the log's head, as somebody has read it, or a place before.
    pub until: Position,
}

/// The events of a stretch, page by page. Dropping it ends the reading.
#[derive(Debug)]
pub struct LogPages {
    pages: mpsc::Receiver<Result<Read, LogError>>,
    reader: JoinHandle<()>,
    through: Position,
    until: Position,
}

/// What one COPY has brought.
#[derive(Debug)]
struct Read {
    events: Vec<StoredEvent>,
    through: Position,
}

impl EventLog {
    /// Reads a stretch of the log in bulk, in order: the events of streams of these kinds. The connection is the caller's own, see
    /// [`own_connection`](crate::postgres::own_connection), with the log's schema as its search path; it is closed at the end.
    pub fn pages(&self, connection: PgConnection, stretch: Stretch, kinds: &[StreamKind]) -> LogPages {
        self.pages_of(PAGE_EVENTS_MAX, connection, stretch, kinds)
    }

    /// The same with fewer events in a page, for who does not want to be a burden for as long as a large one takes.
    pub fn pages_of(
        &self,
        page_events: usize,
        connection: PgConnection,
        stretch: Stretch,
        kinds: &[StreamKind],
    ) -> LogPages {
        let (sender, pages) = mpsc::channel(PAGES_AHEAD);
        let names = kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(",");
        // What is of no known kind is not passed by when all are asked for.
        let is_all = StreamKind::ALL.iter().all(|kind| kinds.contains(kind));
        let kinds = if is_all { String::new() } else { format!("AND aggregate_type = ANY ('{{{names}}}') ") };
        let reader =
            Reader { connection, kinds, through: stretch.after, until: stretch.until, page_events, limit: page_events };
        let reader = tokio::spawn(reader.run(sender));
        LogPages { pages, reader, through: stretch.after, until: stretch.until }
    }
}

impl LogPages {
    /// The next events, at least one; none when the stretch has been read to its end.
    ///
    /// # Errors
    ///
    /// When the database broke off or sent what is no event. Nothing is known of what follows then: it is never taken for the end.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredEvent>>, LogError> {
        while self.through < self.until {
            let broken_off = || Err(LogError::Unavailable("the reading of the log broke off".to_owned()));
            let read = self.pages.recv().await.unwrap_or_else(broken_off)?;
            self.through = read.through;
            if !read.events.is_empty() {
                return Ok(Some(read.events));
            }
        }
        Ok(None)
    }

    /// How far the stretch has been handed out: the last event's position, or later where nothing follows that was asked for.
    pub const fn through(&self) -> Position {
        self.through
    }
}

impl Drop for LogPages {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Reads ahead, page by page, on its own connection.
struct Reader {
    connection: PgConnection,
    /// A condition, or nothing.
    /// The condition on the kinds of streams, if there is one.
    kinds: String,
    through: Position,
    until: Position,
    /// Events of a page at most.
    page_events: usize,
    /// Events that the next page asks for: fewer where they are large.
    limit: usize,
}

impl Reader {
    async fn run(mut self, pages: mpsc::Sender<Result<Read, LogError>>) {
        let mut is_over = self.until <= self.through;
        if !is_over && let Err(error) = in_time(Point::ReadCopied, self.connection.execute(IN_ORDER)).await {
            // Whoever no longer takes the pages does not miss the error.
            pages.send(Err(error)).await.ok();
            return;
        }
        while !is_over {
            let read = tokio::time::timeout(STATEMENT_PATIENCE, self.page()).await;
            let too_late = |_| Err(LogError::Unavailable("no page of the log in time".to_owned()));
            let read = read.unwrap_or_else(too_late);
            is_over = read.as_ref().map_or(true, |read| read.through >= self.until);
            if pages.send(read).await.is_err() {
                return;
            }
        }
    }

    /// One COPY, from its first byte to its last.
    async fn page(&mut self) -> Result<Read, LogError> {
        let looked_at = Position(self.until.0.min(self.through.0.saturating_add(COPY_POSITIONS_MAX)));
        let sql = format!(
            "COPY (SELECT position, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at \
                     FROM events WHERE position > {} AND position <= {} {}\
                    ORDER BY position LIMIT {}) TO STDOUT (FORMAT BINARY)",
            self.through, looked_at, self.kinds, self.limit
        );
        let mut rows = Rows::new(PAGE_BYTES_MAX);
        let mut copy = outgoing(Point::ReadCopied, self.connection.copy_out_raw(&sql)).await?;
        while let Some(bytes) = copy.next().await {
            rows.take(&bytes?)?;
        }
        let copied = rows.end()?;
        self.through = match copied.events.last() {
            Some(last) if copied.is_cut || copied.events.len() == self.limit => last.position,
            _ => looked_at,
        };
        self.limit = if copied.is_cut { copied.events.len().max(1) } else { self.page_events.min(self.limit * 2) };
        Ok(Read { events: copied.events, through: self.through })
    }
}
