//! The whole log, checked: what nobody could say from a part of it.
//!
//! The log is streamed once, up to where it ends when the check begins. What is kept in memory meanwhile is one number for each stream,
//! about thirty bytes, and otherwise only what is unfinished: messages whose effect has not been met yet, sagas that have not ended. Others
//! may append all the while: whatever looks wrong is looked up in the database once more before it is told.

mod messages;
mod streams;
mod wakeups;

use chrono::DateTime;
use traveladvisor_domain::context::Contexts;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{EventLog, LogError, Position, RELAY, StoredEvent, Stretch};
use traveladvisor_infra::postgres::own_connection;

use messages::Messages;
use streams::Streams;
use wakeups::Sagas;

/// Findings of each kind that are told one by one; the others are counted.
pub const FINDINGS_TOLD_MAX: usize = 20;

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// Positions do not ascend, or rows cannot be told apart as events at all.
    Order,
    /// The sequences of a stream have a gap, or do not ascend with the positions.
    Sequence,
    /// Today's program cannot read an event or its metadata.
    Unreadable,
    /// The relay has passed a message that nobody has handled.
    Undelivered,
    /// A wake-up is not what its stream asks for.
    Wakeup,
}

impl Damage {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Order, Self::Sequence, Self::Unreadable, Self::Undelivered, Self::Wakeup];

    /// Its name, for example `undelivered`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Sequence => "sequence",
            Self::Unreadable => "unreadable",
            Self::Undelivered => "undelivered",
            Self::Wakeup => "wakeup",
        }
    }
}

/// One thing that is wrong. Never tells a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Of which kind.
    pub damage: Damage,
    /// Where in the log, if at one place.
    pub position: Option<Position>,
    /// In which stream, if in one.
    pub stream: Option<StreamId>,
    /// What it is, in a sentence.
    pub what: String,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audit {
    /// The log was checked up to here.
    pub head: Position,
    /// Messages were checked up to here: so far the relay had come.
    pub delivered_to: Position,
    /// Events read.
    pub events: u64,
    /// Streams that they belong to.
    pub streams: u64,
    /// Messages that the relay had passed.
    pub messages: u64,
    /// Those of them that are for streams of other logs: whether they were handled stands there.
    pub abroad: u64,
    /// Those of them that could not be handled and were set aside.
    pub set_aside: u64,
    /// Wake-ups compared with what their streams ask for.
    pub wakeups: u64,
    /// How many findings there are of each kind.
    pub counts: [u64; Damage::ALL.len()],
    /// The first [`FINDINGS_TOLD_MAX`] of each kind.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    fn find(&mut self, damage: Damage, at: impl Into<Place>, what: impl Into<String>) {
        let count = &mut self.counts[damage as usize];
        *count += 1;
        if *count <= FINDINGS_TOLD_MAX as u64 {
            let Place { position, stream } = at.into();
            self.findings.push(Finding { damage, position, stream, what: what.into() });
        }
    }
}

/// Where something is wrong.
struct Place {
    position: Option<Position>,
    stream: Option<StreamId>,
}

impl From<&StoredEvent> for Place {
    fn from(stored: &StoredEvent) -> Self {
        Self { position: Some(stored.position), stream: Some(stored.stream) }
    }
}

impl From<StreamId> for Place {
    fn from(stream: StreamId) -> Self {
        Self { position: None, stream: Some(stream) }
    }
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self { position: Some(position), stream: None }
    }
}

/// Checks the whole log of all contexts: see [`audit_of`].
///
/// # Errors
///
/// As there.
pub async fn audit(log: &EventLog, progress: impl FnMut(Position, Position)) -> Result<Audit, LogError> {
    audit_of(log, Contexts::ALL, progress).await
}

/// Checks the whole log of these contexts. Tells how far it has come, and the end.
///
/// # Errors
///
/// When the database is away. What is wrong with the log is no error, see [`Audit::findings`].
pub async fn audit_of(
    log: &EventLog,
    contexts: Contexts,
    mut progress: impl FnMut(Position, Position),
) -> Result<Audit, LogError> {
    // In this order: what the relay has passed was handled by events that stand before the end.
    let delivered_to = Position(log.consumed_offset(RELAY).await?);
    let head = log.head().await?;
    let mut audit = Audit { head, delivered_to, ..Audit::default() };
    let (mut streams, mut messages, mut sagas) =
        (Streams::default(), Messages::new(log, contexts, delivered_to), Sagas::default());
    let connection = own_connection(log.pool()).await?;
    let mut pages = log.pages(connection, Stretch { after: Position::START, until: head }, &StreamKind::ALL);
    loop {
        let page = match pages.next().await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(LogError::Unavailable(reason)) => return Err(LogError::Unavailable(reason)),
            Err(error) => {
                audit.find(Damage::Order, pages.through(), format!("what follows is no log: {error}"));
                break;
            }
        };
        for stored in &page {
            audit.events += 1;
            streams.check(stored, &mut audit);
            let readable = stored.decode().and_then(|events| Ok((events, stored.decode_metadata()?)));
            sagas.note(stored, readable.as_ref().ok().map(|(events, _)| events));
            match readable.and_then(|read| stored.occurred_at().map(|_instant| read)) {
                Ok((events, metadata)) => messages.note(stored, &events, &metadata, &mut audit),
                Err(error) => audit.find(Damage::Unreadable, stored, error.to_string()),
            }
        }
        progress(pages.through(), head);
    }
    audit.streams = streams.count();
    // The log's own time: a sandbox's clock may be far from this machine's.
    let now = log.last_occurred_at().await?.unwrap_or(DateTime::UNIX_EPOCH);
    messages.judge(log, now, &mut audit).await?;
    sagas.judge(log, &mut audit).await?;
    Ok(audit)
}
