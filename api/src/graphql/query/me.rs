//! `me`, `member`: who has signed up.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::MemberId;
use traveladvisor_projections::runtime::ProjectionName;

use super::traveller_bookings::address;
use crate::caller::Scope;
use crate::graphql::fault::argument_error;
use crate::graphql::read::{read_fault, reads, seen};
use crate::graphql::rights::{caller, member_to_see, own_member};
use crate::graphql::scalars::Position;
use crate::graphql::types::Member;

#[derive(Debug, Default)]
pub(crate) struct MeQuery;

#[Object]
impl MeQuery {
    /// The member that the caller is; null when the caller has not signed up.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn me(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Option<Result<Member>> {
        let own = async { read(ctx, own_member(ctx)?, at_least).await };
        own.await.transpose()
    }

    /// A member, by `id` or by `email`; null when there is none that the caller may see: a member sees itself, operators see all. By an
    /// address only operators find anybody.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member's id.")] id: Option<ID>,
        #[graphql(
            desc = "The whole e-mail address that the member has now, instead of `id`. Upper and lower case are the same."
        )]
        email: Option<String>,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Option<Result<Member>> {
        let found = async {
            match (id, email) {
                (Some(id), None) => match member_to_see(ctx, Some(&id))? {
                    Some(member) => read(ctx, member, at_least).await,
                    None => Ok(None),
                },
                (None, Some(email)) => by_email(ctx, address(&email)?, at_least).await,
                (Some(_), Some(_)) => Err(argument_error(&["email"], "Give id or email, not both.")),
                (None, None) => Err(argument_error(&["id"], "Give the id or the e-mail address of a member.")),
            }
        };
        found.await.transpose()
    }
}

/// Whoever could ask for addresses could find out who is a member: to all but operators there is nobody.
async fn by_email(ctx: &Context<'_>, email: &str, at_least: Option<Position>) -> Result<Option<Member>> {
    if !caller(ctx)?.may(Scope::Operations) {
        return Ok(None);
    }
    seen(ctx, ProjectionName::Members, at_least).await?;
    let found = reads(ctx)?.member_by_email(email).await.map_err(read_fault)?;
    Ok(found.map(|view| Member::at(view, at_least.map(|Position(position)| position))))
}

async fn read(ctx: &Context<'_>, id: MemberId, at_least: Option<Position>) -> Result<Option<Member>> {
    seen(ctx, ProjectionName::Members, at_least).await?;
    let found = reads(ctx)?.member(id).await.map_err(read_fault)?;
    Ok(found.map(|view| Member::at(view, at_least.map(|Position(position)| position))))
}
