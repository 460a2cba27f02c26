//! `bookings`: trips, the newest first.

use async_graphql::{Context, InputObject, Object, Result};
use traveladvisor_projections::reads;

use super::filter;
use crate::graphql::read::{ENTRIES, read_fault, reads_with};
use crate::graphql::rights::only_own;
use crate::graphql::scalars::DateTime;
use crate::graphql::types::{BookingConnection, BookingStatus, SagaStatus, Window, page};

/// Which trips. All that is given must hold.
#[derive(InputObject, Default)]
pub(crate) struct BookingFilter {
    /// Only those of the traveller with this e-mail address; upper and lower case are the same.
    pub(crate) traveller_email: Option<String>,
    /// Only those in one of these states.
    pub(crate) status: Option<Vec<BookingStatus>>,
    /// Only those whose process manager is in one of these states.
    pub(crate) saga_status: Option<Vec<SagaStatus>>,
    /// Only those asked for at this instant or later.
    pub(crate) created_from: Option<DateTime>,
    /// Only those asked for before this instant.
    pub(crate) created_to: Option<DateTime>,
}

#[derive(Debug, Default)]
pub(crate) struct BookingsQuery;

#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl BookingsQuery {
    /// The caller's trips, the newest first. Operators see those of all callers.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn bookings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which trips; all when left out.")] filter: Option<BookingFilter>,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<BookingConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let filter = reads::BookingFilter { owner: only_own(ctx)?, ..wanted(filter.unwrap_or_default())? };
        Ok(reads_with(ctx, "timeline", ENTRIES)?.bookings(&filter, &page).await.map_err(read_fault)?.into())
    }
}

fn wanted(given: BookingFilter) -> Result<reads::BookingFilter> {
    let instant = |field, value: Option<DateTime>| value.map(|at| filter::moment(field, at.0)).transpose();
    Ok(reads::BookingFilter {
        owner: None,
        traveller_email: filter::text("travellerEmail", given.traveller_email)?,
        status: given.status.unwrap_or_default().into_iter().map(Into::into).collect(),
        saga_status: given.saga_status.unwrap_or_default().into_iter().map(Into::into).collect(),
        created_from: instant("createdFrom", given.created_from)?,
        created_to: instant("createdTo", given.created_to)?,
    })
}
