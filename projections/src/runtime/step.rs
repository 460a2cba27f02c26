//! One transaction of a projector: the checkpoint moves with the rows or not at all (L19).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::{Connection, PgConnection};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::changes::Changes;
use super::checkpoint::{self, Checkpoint, Moved};
use super::projection::{Entry, Part, Projection, Tailed};

/// SQLSTATE classes that say that the data itself is refused and will be refused again: data, integrity, limits.
const REFUSAL_CLASSES: [&str; 3] = ["22", "23", "54"];

/// Why events were not taken in.
#[derive(Debug)]
pub(super) enum StepError {
    /// This event cannot be taken in; those before it were.
    Blocked { at: Position, reason: String },
    /// A commit whose answer was lost stands after all: the checkpoint now tells how far. What was left of the events was dropped, for
    /// some of them may be in the rows already.
    Moved,
    /// The checkpoint is another's.
    Deposed,
    /// The database failed; whether the batch stands is unknown.
    Database(String),
}

/// Why one transaction was not made.
enum ApplyError {
    Blocked { place: usize, reason: String },
    Refused(String),
    Elsewhere(Position),
    Deposed,
    Database(String),
}

/// Takes events in, as many as can be, and moves the checkpoint behind them.
pub(super) async fn take_in<P: Projection>(
    projection: &P,
    connection: &mut PgConnection,
    checkpoint: &mut Checkpoint,
    events: &[Arc<Tailed>],
) -> Result<(), StepError> {
    match apply(projection, connection, checkpoint, events).await {
        Ok(()) => Ok(()),
        Err(ApplyError::Elsewhere(position)) => {
            checkpoint.position = position;
            Err(StepError::Moved)
        }
        Err(ApplyError::Deposed) => Err(StepError::Deposed),
        Err(ApplyError::Database(reason)) => Err(StepError::Database(reason)),
        Err(ApplyError::Blocked { place, reason }) => {
            let blocked = StepError::Blocked { at: events[place].position, reason };
            if place > 0 {
                Box::pin(take_in(projection, connection, checkpoint, &events[..place])).await?;
            }
            Err(blocked)
        }
        Err(ApplyError::Refused(reason)) if events.len() == 1 => {
            Err(StepError::Blocked { at: events[0].position, reason })
        }
        // Halved until the guilty event stands alone.
        Err(ApplyError::Refused(_)) => {
            let (earlier, later) = events.split_at(events.len() / 2);
            Box::pin(take_in(projection, connection, checkpoint, earlier)).await?;
            Box::pin(take_in(projection, connection, checkpoint, later)).await
        }
    }
}

async fn apply<P: Projection>(
    projection: &P,
    connection: &mut PgConnection,
    checkpoint: &mut Checkpoint,
    events: &[Arc<Tailed>],
) -> Result<(), ApplyError> {
    let Some(last) = events.last() else { return Ok(()) };
    let (concerned, keys) = select::<P>(events)?;
    let mut transaction = outgoing(Point::ProjectionBegun, connection.begin()).await?;
    let moved =
        checkpoint::advance(&mut transaction, P::NAME, checkpoint.epoch, checkpoint.position, last.position).await?;
    match moved {
        Moved::Yes => {}
        Moved::Elsewhere(position) => return Err(ApplyError::Elsewhere(position)),
        Moved::Deposed => return Err(ApplyError::Deposed),
    }
    if !concerned.is_empty() {
        let mut batch = P::Batch::default();
        outgoing(Point::ProjectionLoaded, projection.load(&keys, &mut batch, &mut transaction)).await?;
        for (place, entry) in concerned {
            entry.fold(projection, &mut batch).map_err(|error| ApplyError::Blocked { place, reason: error.reason })?;
        }
        let mut changes = Changes::none();
        projection.flush(&mut batch, Part::All, &mut changes);
        outgoing(Point::ProjectionWritten, changes.make(&mut transaction)).await?;
    }
    outgoing(Point::ProjectionCommitted, transaction.commit()).await?;
    checkpoint.position = last.position;
    Ok(())
}

type Concerned<'a> = (Vec<(usize, &'a Entry)>, BTreeSet<StreamId>);

/// The events that concern a projection, with their places, and their keys.
fn select<P: Projection>(events: &[Arc<Tailed>]) -> Result<Concerned<'_>, ApplyError> {
    let mut concerned = Vec::new();
    let mut keys = BTreeSet::new();
    for (place, tailed) in events.iter().enumerate().filter(|(_, tailed)| P::STREAMS.contains(&tailed.kind)) {
        let entry =
            tailed.recorded.as_ref().map_err(|error| ApplyError::Blocked { place, reason: error.reason.clone() })?;
        if let Some(key) = entry.key::<P>() {
            keys.insert(key);
            concerned.push((place, entry));
        }
    }
    Ok((concerned, keys))
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|database| database.code().map(Cow::into_owned));
        let refused = code.is_some_and(|code| REFUSAL_CLASSES.iter().any(|class| code.starts_with(class)));
        let is_ours =
            matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_));
        if refused || is_ours { Self::Refused(describe(&error)) } else { Self::Database(describe(&error)) }
    }
}

/// The server's own words may quote values: only the kind of failure is told.
pub(super) fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::ColumnDecode { index, .. } => format!("column {index} of a row cannot be read"),
        sqlx::Error::Decode(_) => "a row cannot be read".to_owned(),
        sqlx::Error::Encode(_) => "a row cannot be written".to_owned(),
        sqlx::Error::Database(database) => format!("SQLSTATE {}", database.code().unwrap_or_default()),
        sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
        sqlx::Error::Io(error) => format!("connection: {}", error.kind()),
        _ => "the connection failed".to_owned(),
    }
}
