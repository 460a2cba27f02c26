//! One's own trips, membership and rewards: another's look as if they did not exist.

use std::sync::Arc;

use async_graphql::{Context, ID, Result};
use traveladvisor_domain::id::{BookingId, MemberId};

use crate::caller::{Caller, Scope};
use crate::graphql::fault::internal;
use crate::graphql::read::{read_fault, reads};
use crate::graphql::types::{ErrorCode, UserError};

/// The input field by which a member is named.
const MEMBER_ID: &str = "memberId";

/// Who asks.
pub(crate) fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller> {
    ctx.data::<Arc<Caller>>().map(Arc::as_ref).map_err(|error| internal(&error.message))
}

/// The owner whose trips alone a caller sees; none for operators, who see all.
pub(crate) fn only_own(ctx: &Context<'_>) -> Result<Option<String>> {
    let caller = caller(ctx)?;
    Ok((!caller.may(Scope::Operations)).then(|| caller.owner().to_owned()))
}

/// Whether there is such a trip for this caller. The log is asked, not a read model: who has just booked may cancel at once.
pub(crate) async fn may_change(ctx: &Context<'_>, booking: BookingId) -> Result<bool> {
    let caller = caller(ctx)?;
    if caller.may(Scope::Operations) {
        return Ok(true);
    }
    let owner = reads(ctx)?.owner_of(booking).await.map_err(read_fault)?;
    Ok(owner.is_some_and(|owner| caller.sees(&owner)))
}

/// The member that the caller is, or could become: an identity has one, by construction.
pub(crate) fn own_member(ctx: &Context<'_>) -> Result<MemberId> {
    Ok(MemberId::of(caller(ctx)?.owner()))
}

/// Whether the caller sees what belongs to a member: its own, and that of all for operators.
fn sees_member(ctx: &Context<'_>, member: MemberId) -> Result<bool> {
    Ok(caller(ctx)?.may(Scope::Operations) || own_member(ctx)? == member)
}

/// The member whose things are read: the caller's own, or for operators whose they name. None for anybody else's, be there such a member or
/// not.
pub(crate) fn member_to_see(ctx: &Context<'_>, given: Option<&ID>) -> Result<Option<MemberId>> {
    let Some(given) = given else { return own_member(ctx).map(Some) };
    match given.parse() {
        Ok(member) => Ok(sees_member(ctx, member)?.then_some(member)),
        Err(_) => Ok(None),
    }
}

/// The member whom a change is about, in the same way.
pub(crate) fn member_to_change(
    ctx: &Context<'_>,
    given: Option<&ID>,
) -> Result<std::result::Result<MemberId, UserError>> {
    let no_such = || UserError::at(ErrorCode::NotFound, "No such member: check the id.", [MEMBER_ID.to_owned()]);
    Ok(member_to_see(ctx, given)?.ok_or_else(no_such))
}
