//! What a rebuild would do, before it does it; and what one that was cut off has left.

use sqlx::{Executor, Row};
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::fail_points::{Point, outgoing};
use traveladvisor_infra::postgres::own_connection;

use super::error::RebuildError;
use super::shadow::quoted;
use super::switch::drop_tables;
use super::{Schemas, lock, progress};
use crate::runtime::projection::Projection;
use crate::runtime::projectors::{ProjectionName, Visit};

/// What a rebuild of a projection would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Which.
    pub name: &'static str,
    /// The version of the live rows; absent when there are none.
    pub live_version: Option<u32>,
    /// The version that the new rows would have.
    pub version: u32,
    /// Where the log ends: so many events are read at most.
    pub until: Position,
    /// Bytes that the live rows take with their indexes; the new ones will take about as many beside them.
    pub live_bytes: u64,
    /// Former rows that would go, by their generation: there would be no way back to them any more.
    pub drops_generation: Option<u64>,
}

/// Tells what a rebuild of a projection would do.
///
/// # Errors
///
/// When the database does not answer.
pub async fn plan(log: &EventLog, name: ProjectionName) -> Result<Plan, RebuildError> {
    name.meet(Look { log }).await
}

struct Look<'a> {
    log: &'a EventLog,
}

impl Visit for Look<'_> {
    type Out = Result<Plan, RebuildError>;

    async fn visit<P: Projection>(self, _projection: P) -> Self::Out {
        let tables: Vec<_> = P::TABLES.iter().map(|table| table.name).collect();
        let look = sqlx::query(
            "SELECT (SELECT sum(pg_total_relation_size(to_regclass(name)))::bigint FROM unnest($2::text[]) AS name) AS bytes, \
                    c.version, c.former_generation \
               FROM (VALUES (1)) AS one LEFT JOIN projection_checkpoints c ON c.name = $1",
        )
        .bind(P::NAME)
        .bind(tables);
        let row = outgoing(Point::Rebuilt, look.fetch_one(self.log.pool())).await?;
        Ok(Plan {
            name: P::NAME,
            live_version: row.get::<Option<i32>, _>("version").map(i32::unsigned_abs),
            version: P::VERSION,
            until: self.log.head().await?,
            live_bytes: row.get::<Option<i64>, _>("bytes").unwrap_or(0).unsigned_abs(),
            drops_generation: row.get::<Option<i64>, _>("former_generation").map(i64::unsigned_abs),
        })
    }
}

/// Leaves nothing of a rebuild or a comparison that was cut off. One that another process makes is left alone.
///
/// # Errors
///
/// When the database does not answer.
pub async fn clear(log: &EventLog, names: &[ProjectionName]) -> Result<(), RebuildError> {
    let schemas = Schemas::of(log.pool()).await?;
    for name in names {
        match name.meet(Clear { log, schemas: &schemas }).await {
            Ok(()) | Err(RebuildError::Busy { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Clear<'a> {
    log: &'a EventLog,
    schemas: &'a Schemas,
}

impl Visit for Clear<'_> {
    type Out = Result<(), RebuildError>;

    async fn visit<P: Projection>(self, _projection: P) -> Self::Out {
        let mut connection = own_connection(self.log.pool()).await?;
        lock::take(&mut connection, &self.schemas.live, P::NAME).await?;
        let schemas = [&self.schemas.rebuild, &self.schemas.verify];
        let statements = schemas.map(|schema| drop_tables(P::TABLES, &quoted(schema))).concat();
        let quietly = format!("SET client_min_messages = warning; {statements}");
        outgoing(Point::Rebuilt, connection.execute(sqlx::raw_sql(&quietly))).await?;
        progress::forget(self.log.pool(), &[P::NAME]).await;
        Ok(())
    }
}
