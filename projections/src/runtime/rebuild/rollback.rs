//! Back to the rows that were live before: at once, and from there on by the live projector.

use sqlx::{Executor, PgConnection, Row};
use tokio::time::Instant;
use traveladvisor_infra::event_log::{EventLog, Position};
use traveladvisor_infra::fail_points::{Point, outgoing};
use traveladvisor_infra::postgres::own_connection;

use super::error::RebuildError;
use super::shadow::quoted;
use super::switch::{
    Refused, SWITCH_PAUSE, drop_tables, lock_checkpoint, lock_tables, make_vacuum_yield, move_tables, present,
};
use super::{SWITCH_LOCK_MS, SWITCH_TRIES_MAX, Schemas, lock};
use crate::runtime::projection::Projection;
use crate::runtime::projectors::{ProjectionName, Visit};
use crate::runtime::table::Table;

/// A projection that is back at its former rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RolledBack {
    /// Which.
    pub name: &'static str,
    /// Which making of its rows is live now.
    pub generation: u64,
    /// Which it was until now: those rows are kept as the former ones.
    pub from_generation: u64,
    /// How far the rows have taken in the log; the rest follows.
    pub position: Position,
}

/// Lets the former rows of a projection take the place of the live ones, which become the former ones: doing it
/// once more undoes it.
///
/// # Errors
///
/// See [`RebuildError`].
pub async fn rollback(log: &EventLog, name: ProjectionName) -> Result<RolledBack, RebuildError> {
    name.meet(Back { log }).await
}

struct Back<'a> {
    log: &'a EventLog,
}

impl Visit for Back<'_> {
    type Out = Result<RolledBack, RebuildError>;

    async fn visit<P: Projection>(self, _projection: P) -> Self::Out {
        let schemas = Schemas::of(self.log.pool()).await?;
        let mut connection = own_connection(self.log.pool()).await?;
        lock::take(&mut connection, &schemas.live, P::NAME).await?;
        let place = Place { name: P::NAME, version: P::VERSION, tables: P::TABLES, schemas: &schemas };
        place.clear(&mut connection).await?;
        for _try in 0..SWITCH_TRIES_MAX {
            outgoing(Point::Switched, connection.execute("BEGIN")).await?;
            match place.change(&mut connection).await {
                Ok(done) => return Ok(done),
                Err(refused) => {
                    outgoing(Point::Switched, connection.execute("ROLLBACK")).await?;
                    if let Refused::Failed(error) = refused {
                        return Err(error);
                    }
                    tokio::time::sleep(SWITCH_PAUSE).await;
                }
            }
        }
        Err(RebuildError::InUse { name: P::NAME, tries: SWITCH_TRIES_MAX })
    }
}

/// Where the rows of a projection stand.
struct Place<'a> {
    name: &'static str,
    version: u32,
    tables: &'static [&'static Table],
    schemas: &'a Schemas,
}

impl Place<'_> {
    /// The live rows pass through the schema of those in the making: what a rebuild left there goes.
    async fn clear(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rebuild = quoted(&self.schemas.rebuild);
        let dropped = drop_tables(self.tables, &rebuild);
        let statements = format!("SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS {rebuild}; {dropped}");
        outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&statements))).await?;
        Ok(())
    }

    async fn change(&self, connection: &mut PgConnection) -> Result<RolledBack, Refused> {
        let (live, former) = (quoted(&self.schemas.live), quoted(&self.schemas.former));
        let mut tables = present(connection, self.tables, &live).await?;
        tables.extend(present(connection, self.tables, &former).await?);
        if !tables.is_empty() {
            make_vacuum_yield(connection, &tables).await?;
        }
        let settings = format!("SET LOCAL lock_timeout = '{SWITCH_LOCK_MS}ms'");
        outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&settings))).await?;
        let found = lock_checkpoint(connection, &live, self.name).await?;
        let found: Option<i32> = found.and_then(|row| row.get("former_version"));
        let found = found.ok_or(RebuildError::NoFormer { name: self.name })?.unsigned_abs();
        if found != self.version {
            return Err(RebuildError::UnknownVersion { name: self.name, found, known: self.version }.into());
        }
        let checkpoint = format!(
            "UPDATE {live}.projection_checkpoints AS c SET epoch = c.epoch + 1, stopped_reason = NULL, \
                    version = c.former_version, generation = c.former_generation, position = c.former_position, \
                    former_version = c.version, former_generation = c.generation, former_position = c.position \
              WHERE name = $1 RETURNING generation, position, former_generation"
        );
        let checkpoint = sqlx::query(&checkpoint).bind(self.name);
        let row = outgoing(Point::Switched, checkpoint.fetch_one(&mut *connection)).await?;
        let number = |column: &str| row.get::<i64, _>(column).unsigned_abs();
        let begun = Instant::now();
        lock_tables(connection, self.tables, &live, begun).await?;
        lock_tables(connection, self.tables, &former, begun).await?;
        let Schemas { live, rebuild, former, .. } = self.schemas;
        let moves = [(live, rebuild), (former, live), (rebuild, former)];
        let statements = format!("{} COMMIT", moves.map(|(from, to)| move_tables(self.tables, from, to)).concat());
        outgoing(Point::Switched, connection.execute(sqlx::raw_sql(&statements))).await?;
        Ok(RolledBack {
            name: self.name,
            generation: number("generation"),
            from_generation: number("former_generation"),
            position: Position(number("position")),
        })
    }
}
