//! Rows made anew are the live ones, whatever happened and whatever happens meanwhile.

mod famous;
mod histories;
mod pieces;
mod serving;
mod switch;
pub(crate) mod verify;
mod versions;
pub(crate) mod writing;

use sqlx::{PgPool, Row};
use tokio::sync::watch;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{Progress, Rate, Rebuild, RebuildError, Rebuilt, rebuild};

/// More memory than the rows of a test need.
pub(crate) const ROOMY: usize = 64 << 20;
/// So little that rows leave the memory all the time.
pub(crate) const CRAMPED: usize = 1;

/// Rebuilds projections as fast as can be, with so much memory.
pub(crate) async fn rebuild_all(log: &EventLog, bytes_max: usize) -> Vec<Rebuilt> {
    rebuild_some(log, &ProjectionName::ALL, bytes_max).await.expect("rebuilt")
}

/// Rebuilds some projections.
pub(crate) async fn rebuild_some(
    log: &EventLog,
    names: &[ProjectionName],
    bytes_max: usize,
) -> Result<Vec<Rebuilt>, RebuildError> {
    let how = Rebuild { rate: Rate::Unlimited, bytes_max, ..Rebuild::default() };
    rebuild(log, names, how, &watch::Sender::new(Progress::START)).await
}

/// All rows of all read models, by table, in an order of their own.
pub(crate) async fn rows(pool: &PgPool, schema: &str) -> Vec<String> {
    let tables = sqlx::query_scalar::<_, String>(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE' \
            AND (table_name IN ('bookings', 'hotels', 'flights', 'cars', 'members', 'campaigns', 'vouchers') \
              OR table_name ~ '^(booking|hotel|flight|car|traveller|payment|occupancy|points)_') \
          ORDER BY 1",
    );
    let mut rows = Vec::new();
    for table in tables.bind(schema).fetch_all(pool).await.expect("the database answers") {
        let query = format!("SELECT row_to_json(t)::text AS row FROM {schema}.{table} t ORDER BY 1");
        let found = sqlx::query(&query).fetch_all(pool).await.expect("the database answers");
        rows.extend(found.iter().map(|row| format!("{table} {}", row.get::<&str, _>("row"))));
    }
    rows
}
