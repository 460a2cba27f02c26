//! What a projection is: which events it takes in, into which rows, and how it writes them.

use std::collections::BTreeSet;
use std::future::Future;
use std::iter::once;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use traveladvisor_domain::id::{StreamId, StreamKind};
use traveladvisor_infra::event_log::{Position, StoredEvent, Told};

use super::changes::Changes;
use super::table::Table;

/// An event of the log, decoded once and shared by all projections.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream, from 1.
    pub sequence: u64,
    /// The server's time at the append.
    pub recorded_at: DateTime<Utc>,
    /// The event itself, and the program's time of its decision.
    pub told: Arc<Told>,
}

/// One stored event: mostly one of today's, several where its shape was split since. They are taken in all or none, so that a checkpoint
/// never stands between them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    first: Recorded,
    rest: Vec<Recorded>,
}

impl Entry {
    /// Each in turn.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Recorded> {
        once(&self.first).chain(&self.rest)
    }

    /// The row family of a projection that it belongs to: all parts that concern the projection belong to the same.
    pub(crate) fn key<P: Projection>(&self) -> Option<StreamId> {
        self.parts().find_map(P::key)
    }

    /// Takes all of it into the batch. After an error some of its parts may be in there.
    pub(crate) fn fold<P: Projection>(&self, projection: &P, batch: &mut P::Batch) -> Result<(), FoldError> {
        self.parts().try_for_each(|recorded| projection.fold(batch, recorded))
    }
}

/// An event that a projection cannot take in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FoldError {
    /// Why, without any value of the event.
    pub reason: String,
}

impl FoldError {
    /// An error with its reason, which must not quote values.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// A read model: events in, rows out. Live runs and rebuilds use the same `fold` and `flush`.
pub trait Projection: Send + Sync + 'static {
    /// Its stored name.
    const NAME: &'static str;
    /// The version of its fold, from 1. Rows of another version are never touched.
    const VERSION: u32;
    /// The kinds of streams that it reads; events of others pass by.
    const STREAMS: &'static [StreamKind];
    /// Its tables: whatever `flush` writes into.
    const TABLES: &'static [&'static Table];
    /// Rows in the making. An empty one knows that there are no rows at all.
    type Batch: Default + Send + 'static;

    /// Which row family an event belongs to, named by a stream, for example that of the booking; absent when it does not concern this
    /// projection. Later events of a key must not overtake earlier ones.
    fn key(recorded: &Recorded) -> Option<StreamId>;

    /// Which row family an event belongs to that this program cannot read: what follows of it waits until the event can be read. All that
    /// is known is its stream and what it belongs together with (its `correlation`, of a trip's events the booking's id; empty when even
    /// that cannot be read). By default the stream itself, which is right where keys are streams that are read. Whoever's key is another
    /// tells it here; an event that might concern several keys holds back the one that its correlation names, because whatever concerns a
    /// trip bears the trip's correlation, and what bears none changes no trip.
    fn key_of_unreadable(stream: StreamId, correlation: &str) -> StreamId {
        let _ = correlation;
        stream
    }

    /// Reads the present rows of these keys into a batch, as far as the fold needs them.
    fn load(
        &self,
        keys: &BTreeSet<StreamId>,
        batch: &mut Self::Batch,
        connection: &mut PgConnection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Whether an event can only be the first of its key: no row of the key is there before it, so none is looked for. A second one is an
    /// error of the fold.
    fn begins(_recorded: &Recorded) -> bool {
        false
    }

    /// Whether a batch knows the rows of a key, or the fold needs none.
    fn holds(batch: &Self::Batch, key: StreamId) -> bool;

    /// Takes an event into the batch. Pure. After an error the batch must be as before.
    fn fold(&self, batch: &mut Self::Batch, recorded: &Recorded) -> Result<(), FoldError>;

    /// Takes rows out of the batch, as changes. Pure.
    fn flush(&self, batch: &mut Self::Batch, part: Part, changes: &mut Changes);

    /// About how many bytes the rows of a batch hold that [`Part::Final`] would leave there.
    fn bytes(batch: &Self::Batch) -> usize;
}

/// What leaves a batch at a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything.
    All,
    /// Rows that no later event changes.
    Final,
    /// These, and those rows that were not touched for longest.
    Cold,
}

/// An event as the tail hands it out; one that cannot be read is set aside by those who need it.
#[derive(Debug, Clone)]
pub(super) struct Tailed {
    pub(super) position: Position,
    pub(super) stream: StreamId,
    pub(super) kind: StreamKind,
    pub(super) recorded: Result<Entry, FoldError>,
    /// What it belongs together with; only of those that cannot be read.
    correlation: Box<str>,
}

impl Tailed {
    pub(super) fn read(stored: &StoredEvent) -> Self {
        let (position, stream, recorded) = (stored.position, stored.stream, decode(stored));
        let metadata = recorded.is_err().then(|| stored.decode_metadata().ok()).flatten();
        let correlation = metadata.map_or_else(Box::default, |metadata| metadata.correlation.into());
        Self { position, stream, kind: stream.kind, recorded, correlation }
    }

    /// Which row family of a projection it belongs to; absent when it does not concern the projection.
    pub(super) fn key<P: Projection>(&self) -> Option<StreamId> {
        if !P::STREAMS.contains(&self.kind) {
            return None;
        }
        match &self.recorded {
            Ok(entry) => entry.key::<P>(),
            Err(_unreadable) => Some(P::key_of_unreadable(self.stream, &self.correlation)),
        }
    }
}

/// An event of the log as projections take it in.
pub(crate) fn decode(stored: &StoredEvent) -> Result<Entry, FoldError> {
    let mut parts =
        stored.tell().map_err(|error| FoldError::new(error.to_string()))?.into_iter().map(|told| Recorded {
            position: stored.position,
            stream: stored.stream,
            sequence: stored.sequence,
            recorded_at: stored.recorded_at,
            told,
        });
    let first = parts.next().ok_or_else(|| FoldError::new("it is no event"))?;
    Ok(Entry { first, rest: parts.collect() })
}

/// Which row family of a projection a stored event belongs to; absent when it does not concern the projection.
pub(crate) fn key_of<P: Projection>(stored: &StoredEvent) -> Option<StreamId> {
    Tailed::read(stored).key::<P>()
}
