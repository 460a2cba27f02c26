//! The event log: one append-only table, one order, one way in (L2 to L6).

mod admission;
mod append;
mod back;
mod copied;
mod gathered;
mod lease;
mod lent;
mod letters;
mod listen;
mod old_keys;
mod outbox;
mod position;
mod read;
mod recent;
mod repository;
mod snapshot;
mod stored;
mod write;
mod writers;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;

pub use admission::{APPEND_BYTES_MAX, APPEND_SNAPSHOT_BYTES_MAX, EVENT_BYTES_MAX};
pub use append::{Append, Appended, Conflict, Key, KeyEffect, KeyRow, NewEvent, OutboxRow, Told, Wakeup};
pub use copied::{COPY_POSITIONS_MAX, LogPages, PAGE_BYTES_MAX, PAGE_EVENTS_MAX, Stretch};
pub use gathered::{
    BEHIND_COUNTED_MAX, GATHER, GATHER_BYTES_MAX, GATHER_EVENTS_MAX, GatherTold, GatheredLog, Gathering, Moved,
    PageAsOf,
};
pub use lease::{
    CLAIM_EVERY, CLAIM_PATIENCE, FAILURE_TOLD_EVERY, LEASE, LEASE_MARGIN, LET_GO_PATIENCE, Lease, Owner, PROJECTIONS,
    RELAY, RENEW_AGAIN, RENEW_EVERY, RENEW_PATIENCE, Turn, Turns, UNHELD_PATIENCE,
};
use lent::OnLent;
pub use letters::{LETTER_EVENTS_COUNTED_MAX, OpenLetters};
pub use outbox::Carried;
pub use position::{Position, PositionError};
pub use read::{DuePage, DueWakeup, EventFilter};
use recent::Recent;
pub use recent::{RECENT_BYTES_MAX, RECENT_EVENTS_MAX};
pub use snapshot::{FromSnapshot, NewSnapshot, StoredSnapshot, decode_state, encode_state};
pub use stored::{CAUSED_BY_REQUEST, DecodeError, Metadata, StoredEvent, Telling, encode};
pub use write::{RESEND_PAUSE_FIRST, RESEND_PAUSE_MAX};
pub use writers::KEPT_WRITERS_MAX;
use writers::Writers;

use crate::fail_points::{Point, outgoing};

/// One log: one schema of one database (L7). Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventLog {
    name: Arc<str>,
    pool: PgPool,
    head: Arc<watch::Sender<Position>>,
    recent: Arc<Mutex<Recent>>,
    writers: Writers,
}

/// Why the log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The server is away, too slow or out of connections; nothing is known of what was under way.
    #[error("the database does not answer: check that Postgres runs and can be reached ({0})")]
    Unavailable(String),
    /// The server answered and refused the data itself; nothing was written.
    #[error("the database refused the data: {0}")]
    Refused(String),
    /// A newer program has written to a kind of stream that this one does not have: what stands behind it cannot be read past it.
    #[error(
        "{what} is of a stream of the kind `{kind}`, which this program does not know: a newer program has written it, go on with that one"
    )]
    UnknownKind {
        /// What was read, for example `event 17`.
        what: String,
        /// The kind, as it is stored.
        kind: String,
    },
    /// A row that this program cannot read.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
}

/// How long a statement is waited for: a little longer than the server's own time-out, for a server or a network that says nothing at all.
pub const STATEMENT_PATIENCE: Duration = Duration::from_secs(15);

/// Waits for a statement no longer than [`STATEMENT_PATIENCE`]; its outcome is unknown then.
async fn in_time<T>(point: Point, statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, LogError> {
    match tokio::time::timeout(STATEMENT_PATIENCE, outgoing(point, statement)).await {
        Ok(answer) => answer.map_err(LogError::from),
        Err(_elapsed) => Err(LogError::Unavailable("no answer in time".to_owned())),
    }
}

impl EventLog {
    /// A log over a pool whose connections have the log's schema as their search path.
    pub fn new(name: &str, pool: PgPool) -> Self {
        let head = Arc::new(watch::Sender::new(Position::START));
        let writers = Writers::new(pool.clone());
        Self { name: name.into(), pool, head, recent: Arc::default(), writers }
    }

    /// The log's name: part of the ids of its messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The pool, for what stands beside the log in the same database.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection for one statement, which may be given up.
    const fn lent(&self) -> OnLent<'_> {
        OnLent(&self.pool)
    }

    /// Tells the highest position that this process knows to be committed. Tails sleep on it; it is a hint and never relied on (L6).
    pub fn committed(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    /// Nothing can panic half-way through a change of it, so a poisoned lock is as good as any.
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, position: Position) {
        self.head.send_if_modified(|head| {
            let newer = position > *head;
            if newer {
                *head = position;
            }
            newer
        });
    }
}

impl From<sqlx::Error> for LogError {
    /// The server's own words may quote the data: only code and table are told of a refusal.
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if is_refusal(database.code().as_deref()) => {
                Self::Refused(format!("SQLSTATE {}", database.code().unwrap_or_default()))
            }
            sqlx::Error::Database(database) => {
                Self::Unavailable(format!("SQLSTATE {}", database.code().unwrap_or_default()))
            }
            sqlx::Error::PoolTimedOut => Self::Unavailable("no connection became free in time".to_owned()),
            sqlx::Error::Io(error) => Self::Unavailable(format!("connection: {}", error.kind())),
            _ => Self::Unavailable("the connection failed".to_owned()),
        }
    }
}

/// A row named twice (21), data exceptions (22), integrity (23), raised by our function (P0) and programme limits (54) will be refused again;
/// time-outs, shut-downs and missing resources pass. So does what says nothing of the data: a function, a column or a right that is not
/// there (42), as after a restore or beside an older schema. Whoever waits does so until an operator has mended it; nothing becomes a dead
/// letter.
fn is_refusal(code: Option<&str>) -> bool {
    code.is_some_and(|code| ["21", "22", "23", "54", "P0"].iter().any(|class| code.starts_with(class)))
}
