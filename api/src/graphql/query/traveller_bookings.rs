//! `travellerBookings`: the trips of a traveller, the newest first.

use async_graphql::{Context, Object, Result};
use traveladvisor_projections::reads::TravellerTrips;
use traveladvisor_projections::runtime::ProjectionName;

use crate::graphql::fault::argument_error;
use crate::graphql::read::{read_fault, reads, wait_for};
use crate::graphql::rights::only_own;
use crate::graphql::scalars::Position;
use crate::graphql::types::{TravellerBookingConnection, Window, page};
use crate::limits::EMAIL_CHARS_MAX;

#[derive(Debug, Default)]
pub(crate) struct TravellerBookingsQuery;

#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl TravellerBookingsQuery {
    /// The caller's trips for the traveller with an e-mail address, the newest first; upper and lower case are the same. Empty where there is
    /// none. Operators see those of all callers.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn traveller_bookings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The whole e-mail address.")] email: String,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Result<TravellerBookingConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let email = address(&email)?;
        if let Some(Position(position)) = at_least {
            wait_for(ctx, ProjectionName::TravellerBookings, position).await?;
        }
        let owner = only_own(ctx)?;
        let wanted = TravellerTrips { email, owner: owner.as_deref() };
        Ok(reads(ctx)?.traveller_bookings(&wanted, &page).await.map_err(read_fault)?.into())
    }
}

/// The argument `email`: an address as a whole, or what could be one.
pub(super) fn address(email: &str) -> Result<&str> {
    let email = email.trim();
    if email.is_empty() || email.chars().any(char::is_control) || email.chars().count() > EMAIL_CHARS_MAX {
        let message = format!("Give the whole e-mail address, {EMAIL_CHARS_MAX} characters at most.");
        return Err(argument_error(&["email"], message));
    }
    Ok(email)
}
