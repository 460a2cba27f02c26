//! One transaction of a projector: the checkpoint moves with the rows or not at all (L19).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::changes::Changes;
use super::checkpoint::{self, Checkpoint, Moved};
use super::dead_letters::{self, Letter, Parked};
use super::projection::{Part, Projection, Tailed};
use super::sift::{Failed, fold_page};

/// SQLSTATE classes that say that the data itself is refused and will be refused again: data, integrity, limits.
const REFUSAL_CLASSES: [&str; 3] = ["22", "23", "54"];

/// Longest time for one transaction before its outcome counts as unknown; each of its statements has the server's time-out.
pub(super) const STEP_PATIENCE: Duration = Duration::from_mins(1);
/// How the reason begins of an event of which the database refuses what it makes.
pub(super) const REFUSED: &str = "the database refuses what it makes";

/// Where an owner stands.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) checkpoint: Checkpoint,
    /// What waits, as of the checkpoint.
    pub(super) parked: Parked,
}

/// Why events were not taken in.
#[derive(Debug)]
pub(super) enum StepError {
    /// This event can neither be taken in nor set aside; those before it were.
    Blocked { at: Position, reason: String },
    /// As many events wait as may; all before this one were taken in or set aside.
    Full { at: Position },
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
    Full { place: usize },
    Refused(String),
    Elsewhere(Position),
    Deposed,
    Database(String),
}

/// Takes events in or sets them aside, and moves the checkpoint behind them.
pub(super) async fn take_in<P: Projection>(
    projection: &P,
    connection: &mut PgConnection,
    standing: &mut Standing,
    events: &[Arc<Tailed>],
) -> Result<(), StepError> {
    match apply(projection, connection, standing, events, Failed::new()).await {
        Ok(()) => Ok(()),
        Err(ApplyError::Full { place }) => {
            if place > 0 {
                Box::pin(take_in(projection, connection, standing, &events[..place])).await?;
            }
            Err(StepError::Full { at: events[place].position })
        }
        Err(ApplyError::Refused(reason)) if events.len() == 1 => {
            set_aside(projection, connection, standing, events, reason).await
        }
        // Halved until the guilty event stands alone.
        Err(ApplyError::Refused(_)) => {
            let (earlier, later) = events.split_at(events.len() / 2);
            Box::pin(take_in(projection, connection, standing, earlier)).await?;
            Box::pin(take_in(projection, connection, standing, later)).await
        }
        Err(error) => Err(failed(standing, error)),
    }
}

/// The database refuses what this one event makes.
async fn set_aside<P: Projection>(
    projection: &P,
    connection: &mut PgConnection,
    standing: &mut Standing,
    event: &[Arc<Tailed>],
    reason: String,
) -> Result<(), StepError> {
    let at = event[0].position;
    let reason = format!("{REFUSED}: {reason}");
    match apply(projection, connection, standing, event, Failed::from([(at, reason)])).await {
        Ok(()) => Ok(()),
        Err(ApplyError::Full { .. }) => Err(StepError::Full { at }),
        Err(ApplyError::Refused(reason)) => Err(StepError::Blocked { at, reason }),
        Err(error) => Err(failed(standing, error)),
    }
}

fn failed(standing: &mut Standing, error: ApplyError) -> StepError {
    match error {
        ApplyError::Elsewhere(position) => {
            standing.checkpoint.position = position;
            StepError::Moved
        }
        ApplyError::Deposed => StepError::Deposed,
        ApplyError::Database(reason) | ApplyError::Refused(reason) => StepError::Database(reason),
        ApplyError::Full { .. } => StepError::Full { at: standing.checkpoint.position },
    }
}

/// Makes one transaction, in which the events of `refused` are set aside.
async fn apply<P: Projection>(
    projection: &P,
    connection: &mut PgConnection,
    standing: &mut Standing,
    events: &[Arc<Tailed>],
    refused: Failed,
) -> Result<(), ApplyError> {
    let Some(last) = events.last() else { return Ok(()) };
    let Standing { checkpoint, parked } = standing;
    if events.iter().all(|event| event.key::<P>().is_none()) {
        // Nothing of it concerns the projection: the one statement is a transaction by itself.
        advance::<P>(connection, checkpoint, last.position).await?;
        checkpoint.position = last.position;
        return Ok(());
    }
    let mut transaction = outgoing(Point::ProjectionBegun, connection.begin()).await?;
    advance::<P>(&mut transaction, checkpoint, last.position).await?;
    let folded = fold_page(projection, &mut transaction, parked, events, refused).await?;
    if let Some(first) = folded.letters.get(parked.room()) {
        return Err(ApplyError::Full { place: events.partition_point(|event| event.position < first.position) });
    }
    if let Some(mut batch) = folded.batch {
        let mut changes = Changes::none();
        projection.flush(&mut batch, Part::All, &mut changes);
        outgoing(Point::ProjectionWritten, changes.make(&mut transaction)).await?;
    }
    dead_letters::park(&mut transaction, P::NAME, checkpoint.generation, &folded.letters).await?;
    outgoing(Point::ProjectionCommitted, transaction.commit()).await?;
    checkpoint.position = last.position;
    parked.add(&folded.letters);
    tell::<P>(&folded.letters);
    Ok(())
}

async fn advance<P: Projection>(
    connection: &mut PgConnection,
    checkpoint: &Checkpoint,
    to: Position,
) -> Result<(), ApplyError> {
    match checkpoint::advance(connection, P::NAME, checkpoint.epoch, checkpoint.position, to).await? {
        Moved::Yes => Ok(()),
        Moved::Elsewhere(position) => Err(ApplyError::Elsewhere(position)),
        Moved::Deposed => Err(ApplyError::Deposed),
    }
}

fn tell<P: Projection>(letters: &[Letter]) {
    for letter in letters {
        if let Some(reason) = &letter.reason {
            tracing::error!(
                projection = P::NAME,
                position = letter.position.0,
                key = %letter.key,
                reason,
                "an event cannot be taken in: it is set aside, and what follows of its key waits"
            );
        }
    }
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> Self {
        if is_refusal(&error) { Self::Refused(describe(&error)) } else { Self::Database(describe(&error)) }
    }
}

/// Whether it is the data's fault: it would fail again.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|database| database.code().map(Cow::into_owned));
    let refused = code.is_some_and(|code| REFUSAL_CLASSES.iter().any(|class| code.starts_with(class)));
    refused || matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_))
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
