//! Tables that stand beside the live ones, in a schema of their own: filled without keys and indexes, which come when the rows are there.

use std::fmt::Write;

use sqlx::{Executor, PgConnection, Row};
use traveladvisor_infra::fail_points::{Point, outgoing};

use super::ddl;
use super::error::RebuildError;
use crate::runtime::table::{Meeting, Table};

/// Memory that the server may take for sorting an index.
const INDEX_MEMORY: &str = "128MB";

/// The tables of one projection in another schema than the live ones.
#[derive(Debug)]
pub(in crate::runtime) struct Shadow {
    /// The schema, as it is written in statements.
    pub(in crate::runtime) schema: String,
    /// The tables.
    pub(in crate::runtime) tables: &'static [&'static Table],
    /// What is not there yet.
    missing: Vec<Definition>,
}

/// A key or an index that was taken away.
#[derive(Debug)]
struct Definition {
    table: String,
    is_key: bool,
    create: String,
}

/// A name as it is written in statements.
pub(in crate::runtime) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The primary keys and other constraints that are indexes, then all other indexes.
const DEFINITIONS: &str = "\
SELECT t.relname::text AS table_name, true AS is_key, \
       format('ALTER TABLE %s DROP CONSTRAINT %I', t.oid::regclass, c.conname) AS drop, \
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.oid::regclass, c.conname, pg_get_constraintdef(c.oid)) AS create \
  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid \
 WHERE t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.contype IN ('p', 'u') AND t.relname = ANY($1) \
UNION ALL \
SELECT t.relname::text, false, format('DROP INDEX %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid) \
  FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid \
 WHERE t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND t.relname = ANY($1) \
   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)";

impl Shadow {
    /// Makes empty tables, in place of what an earlier attempt may have left. From here on the connection knows no other tables than those
    /// of this schema.
    pub(super) async fn create(
        connection: &mut PgConnection,
        schema: &str,
        tables: &'static [&'static Table],
    ) -> Result<Self, RebuildError> {
        let schema = quoted(schema);
        let mut statements = format!(
            "SET search_path = {schema}; SET statement_timeout = 0; SET synchronous_commit = off; \
             SET maintenance_work_mem = '{INDEX_MEMORY}'; SET client_min_messages = error; \
             BEGIN; CREATE SCHEMA IF NOT EXISTS {schema};"
        );
        for table in tables {
            let made = ddl::statements(table.name);
            if made.is_empty() {
                return Err(RebuildError::UnknownTable(table.name));
            }
            let (name, made) = (table.name, made.concat());
            // The server would look after tables that are about to be filled and switched.
            let unattended = format!("ALTER TABLE {schema}.{name} SET (autovacuum_enabled = false);");
            let _ = write!(statements, "DROP TABLE IF EXISTS {schema}.{name}; {made} {unattended}");
        }
        statements.push_str("COMMIT;");
        outgoing(Point::Rebuilt, connection.execute(sqlx::raw_sql(&statements))).await?;
        let mut shadow = Self { schema, tables, missing: Vec::new() };
        shadow.take_away(connection).await?;
        Ok(shadow)
    }

    async fn take_away(&mut self, connection: &mut PgConnection) -> Result<(), RebuildError> {
        let names: Vec<_> = self.tables.iter().map(|table| table.name).collect();
        let definitions = sqlx::query(DEFINITIONS).bind(names);
        let rows = outgoing(Point::Rebuilt, definitions.fetch_all(&mut *connection)).await?;
        for row in rows {
            let drop: String = row.try_get("drop")?;
            outgoing(Point::Rebuilt, connection.execute(sqlx::raw_sql(&drop))).await?;
            self.missing.push(Definition {
                table: row.try_get("table_name")?,
                is_key: row.try_get("is_key")?,
                create: row.try_get("create")?,
            });
        }
        Ok(())
    }

    /// Gives the tables whose rows meet others their keys, if they lack them.
    pub(super) async fn give_keys(&mut self, connection: &mut PgConnection) -> Result<(), RebuildError> {
        let meets = |name: &str| {
            self.tables.iter().any(|table| table.name == name && matches!(table.meeting, Meeting::Merges(_)))
        };
        let (now, later) =
            std::mem::take(&mut self.missing).into_iter().partition(|missing| missing.is_key && meets(&missing.table));
        self.missing = later;
        build(connection, now).await
    }

    /// Gives the tables all that they lack.
    pub(super) async fn give_all(&mut self, connection: &mut PgConnection) -> Result<(), RebuildError> {
        build(connection, std::mem::take(&mut self.missing)).await
    }

    /// Gives the tables all that they lack, and tells the server what is in them.
    pub(super) async fn complete(&mut self, connection: &mut PgConnection) -> Result<(), RebuildError> {
        self.give_all(connection).await?;
        for table in self.tables {
            let statements = format!("ALTER TABLE {0} RESET (autovacuum_enabled); ANALYZE {0};", table.name);
            outgoing(Point::Rebuilt, connection.execute(sqlx::raw_sql(&statements))).await?;
        }
        Ok(())
    }

    /// Leaves nothing of the tables, whatever is under way on the connection.
    pub(super) async fn drop_all(self, connection: &mut PgConnection) -> Result<(), RebuildError> {
        let names: Vec<_> = self.tables.iter().map(|table| format!("{}.{}", self.schema, table.name)).collect();
        let statement = format!("ROLLBACK; DROP TABLE IF EXISTS {}", names.join(", "));
        outgoing(Point::Rebuilt, connection.execute(sqlx::raw_sql(&statement))).await?;
        Ok(())
    }
}

async fn build(connection: &mut PgConnection, missing: Vec<Definition>) -> Result<(), RebuildError> {
    for definition in missing {
        outgoing(Point::Rebuilt, connection.execute(sqlx::raw_sql(&definition.create))).await?;
    }
    Ok(())
}
