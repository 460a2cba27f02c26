//! A stretch of the log folded into a schema of its own, to be looked at: what did we show on Tuesday at noon?

use sqlx::{Executor, PgConnection};
use tokio::sync::watch;
use traveladvisor_infra::event_log::{EventLog, Position, Stretch};
use traveladvisor_infra::fail_points::{Point, outgoing};
use traveladvisor_infra::postgres::own_connection;

use super::error::{RebuildError, SCHEMA_NAME_BYTES_MAX};
use super::making::{Making, Purpose};
use super::progress::Progress;
use super::shadow::quoted;
use super::{Rebuild, Schemas};
use crate::runtime::projectors::ProjectionName;

/// SQLSTATEs of a schema that is there already, and of a name that the server keeps for itself.
const TAKEN: [&str; 2] = ["42P06", "42939"];

/// Rows of a projection in a schema of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    /// Which.
    pub name: &'static str,
    /// Its tables there.
    pub tables: Vec<&'static str>,
    /// How far they have taken in the log.
    pub position: Position,
    /// Events that could not be taken in, with those that wait behind them.
    pub dead_letters: usize,
}

/// Makes a new schema for [`scratch`].
///
/// # Errors
///
/// [`RebuildError::SchemaExists`] when it was there before.
pub async fn prepare(log: &EventLog, schema: &str) -> Result<(), RebuildError> {
    let mut connection = own_connection(log.pool()).await?;
    create(&mut connection, &Schemas::of(log.pool()).await?, schema).await
}

/// Folds a stretch of the log through projections into a schema that [`prepare`] has made, which is the caller's from then on. Of a trip that
/// began before the stretch nothing is shown.
///
/// # Errors
///
/// See [`RebuildError`]; the schema is gone then.
pub async fn scratch(
    log: &EventLog,
    names: &[ProjectionName],
    stretch: Stretch,
    (schema, how): (&str, Rebuild),
    progress: &watch::Sender<Progress>,
) -> Result<Vec<Scratch>, RebuildError> {
    let made = make(log, names, stretch, (schema, how), progress).await;
    if made.is_err() {
        abandon(log, schema).await?;
    }
    made
}

async fn create(connection: &mut PgConnection, schemas: &Schemas, schema: &str) -> Result<(), RebuildError> {
    let own = [&schemas.live, &schemas.rebuild, &schemas.former, &schemas.gone, &schemas.verify];
    if own.into_iter().any(|own| own == schema) {
        return Err(RebuildError::SchemaExists(schema.to_owned()));
    }
    if schema.len() > SCHEMA_NAME_BYTES_MAX {
        return Err(RebuildError::LongName);
    }
    let create = format!("CREATE SCHEMA {}", quoted(schema));
    match outgoing(Point::Rebuilt, connection.execute(sqlx::raw_sql(&create))).await {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => Err(RebuildError::SchemaExists(schema.to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn is_taken(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| TAKEN.contains(&&*code))
}

async fn make(
    log: &EventLog,
    names: &[ProjectionName],
    stretch: Stretch,
    (schema, how): (&str, Rebuild),
    progress: &watch::Sender<Progress>,
) -> Result<Vec<Scratch>, RebuildError> {
    let mut making = Making::begin(log, names, how, Purpose::Scratch, schema).await?;
    making.read(stretch, progress).await?;
    making.complete(progress).await?;
    let made = making.parts.iter_mut().map(|part| Scratch {
        name: part.name,
        tables: part.builds.writer().shadow.tables.iter().map(|table| table.name).collect(),
        position: part.position,
        dead_letters: part.builds.dead_letters().len(),
    });
    Ok(made.collect())
}

/// Leaves nothing of a schema whose making by [`scratch`] was broken off.
///
/// # Errors
///
/// When the database does not answer.
pub async fn abandon(log: &EventLog, schema: &str) -> Result<(), RebuildError> {
    drop_schema(&mut own_connection(log.pool()).await?, schema).await
}

/// Leaves nothing of a schema that was made to be looked at.
async fn drop_schema(connection: &mut PgConnection, schema: &str) -> Result<(), RebuildError> {
    let drop = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {} CASCADE", quoted(schema));
    outgoing(Point::Rebuilt, connection.execute(sqlx::raw_sql(&drop))).await?;
    Ok(())
}
