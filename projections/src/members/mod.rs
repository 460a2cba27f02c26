//! The read model `members`: who has signed up, by id, by identity and by e-mail address.

pub(crate) mod query;
mod rows;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::{MemberId, StreamId, StreamKind};
use traveladvisor_domain::member::MemberEvent;

use crate::runtime::{Changes, FoldError, Part, Projection, Recorded, Table};
use rows::{MEMBERS, MemberBatch, MemberRow};

/// The projection of members. Its key is the member.
#[derive(Debug, Clone, Copy, Default)]
pub struct Members;

impl Projection for Members {
    const NAME: &'static str = "members";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Member];
    const TABLES: &'static [&'static Table] = &[&MEMBERS];
    type Batch = MemberBatch;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        matches!(recorded.told.event, Event::Member(_)).then_some(recorded.stream)
    }

    async fn load(
        &self,
        keys: &BTreeSet<StreamId>,
        batch: &mut MemberBatch,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        batch.load(keys, connection).await
    }

    fn begins(recorded: &Recorded) -> bool {
        recorded.sequence == 1
    }

    fn holds(batch: &MemberBatch, key: StreamId) -> bool {
        batch.members.holds(&MemberId(key.uuid))
    }

    fn fold(&self, batch: &mut MemberBatch, recorded: &Recorded) -> Result<(), FoldError> {
        let Event::Member(event) = &recorded.told.event else { return Ok(()) };
        let (id, at) = (MemberId(recorded.stream.uuid), recorded.told.occurred_at);
        if let MemberEvent::MemberSignedUp { identity, profile, referrer } = event {
            if batch.members.holds(&id) {
                return Err(FoldError::new("the member has signed up twice"));
            }
            let (identity, profile) = (identity.clone(), Some(profile.value.clone()));
            let row = MemberRow { identity, profile, referrer: *referrer, version: 0, created_at: at, updated_at: at };
            batch.members.keep_new(id, row);
        }
        // What concerns somebody who never signed up is left out: there is nothing to show.
        let Some(row) = batch.members.change(&id) else { return Ok(()) };
        match event {
            MemberEvent::MemberSignedUp { .. } => {}
            MemberEvent::ProfileChanged { changes } => {
                row.profile = row.profile.take().map(|profile| changes.value.of(&profile));
            }
            MemberEvent::MemberClosed { .. } => row.profile = None,
        }
        row.version = recorded.sequence;
        row.updated_at = row.updated_at.max(at);
        Ok(())
    }

    fn flush(&self, batch: &mut MemberBatch, part: Part, changes: &mut Changes) {
        batch.flush(part, changes);
    }

    fn bytes(batch: &MemberBatch) -> usize {
        batch.bytes()
    }
}
