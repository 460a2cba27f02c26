//! The read model `points`: the account of each member, and its history line by line.

mod fold;
pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{MemberId, StreamId, StreamKind};

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{ACCOUNTS, ENTRIES, PointsBatch};

/// The projection of points. Its key is the account.
#[derive(Debug, Clone, Copy, Default)]
pub struct Points;

impl Projection for Points {
    const NAME: &'static str = "points";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::PointsAccount];
    const TABLES: &'static [&'static Table] = &[&ACCOUNTS, &ENTRIES];
    type Batch = PointsBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        match &recorded.told.event {
            Event::PointsAccount(event) => fold::moved(event).map(|_| recorded.stream),
            _ => None,
        }
    }

    /// Each line says what the account holds after it, so the fold needs what it holds before.
    async fn load(
        &self,
        keys: &BTreeSet<StreamId>,
        batch: &mut PointsBatch,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        batch.load(keys, connection).await
    }

    fn begins(recorded: &Recorded) -> bool {
        recorded.sequence == 1
    }

    fn holds(batch: &PointsBatch, key: StreamId) -> bool {
        batch.accounts.holds(&MemberId(key.uuid))
    }

    fn fold(&self, batch: &mut PointsBatch, recorded: &Recorded) -> Result<(), FoldError> {
        let Event::PointsAccount(event) = &recorded.told.event else { return Ok(()) };
        fold::moved(event).map_or(Ok(()), |moved| fold::fold(batch, recorded, moved))
    }

    fn flush(&self, batch: &mut PointsBatch, part: Part, changes: &mut Changes) {
        batch.flush(part, changes);
    }

    fn bytes(batch: &PointsBatch) -> usize {
        batch.bytes()
    }
}
