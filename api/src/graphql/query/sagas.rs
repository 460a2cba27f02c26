//! `sagas`: process managers of trips, by state, need and reason.

use async_graphql::{Context, InputObject, Object, Result};
use traveladvisor_projections::reads;

use super::filter;
use crate::graphql::read::{ENTRIES, read_fault, reads_with};
use crate::graphql::scalars::DateTime;
use crate::graphql::types::{SagaConnection, SagaStatus, Window, page};

/// Which process managers. All that is given must hold.
#[derive(InputObject, Default)]
pub(crate) struct SagaFilter {
    /// Only those in one of these states.
    pub(crate) status: Option<Vec<SagaStatus>>,
    /// True: only those that need an operator, who waits longest first. False: only the others.
    pub(crate) needs_attention: Option<bool>,
    /// Only those that need an operator for the reason with this fingerprint, who waits longest first.
    pub(crate) fingerprint: Option<String>,
    /// Only those that are to be woken before this instant: with the present one, those that are overdue.
    pub(crate) next_wake_up_before: Option<DateTime>,
}

#[derive(Debug, Default)]
pub(crate) struct SagasQuery;

#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl SagasQuery {
    /// Process managers of trips: with `needsAttention: true` or a fingerprint who waits longest for an operator first, else the newest.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn sagas(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which process managers; all when left out.")] filter: Option<SagaFilter>,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<SagaConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let filter = wanted(filter.unwrap_or_default())?;
        Ok(reads_with(ctx, "history", ENTRIES)?.sagas(&filter, &page).await.map_err(read_fault)?.into())
    }
}

fn wanted(given: SagaFilter) -> Result<reads::SagaFilter> {
    let wakes_before = given.next_wake_up_before.map(|at| filter::moment("nextWakeUpBefore", at.0)).transpose()?;
    Ok(reads::SagaFilter {
        status: given.status.unwrap_or_default().into_iter().map(Into::into).collect(),
        needs_attention: given.needs_attention,
        fingerprint: filter::text("fingerprint", given.fingerprint)?,
        wakes_before,
    })
}
