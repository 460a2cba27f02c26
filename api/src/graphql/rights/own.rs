//! One's own trips: another's look as if they did not exist.

use std::sync::Arc;

use async_graphql::{Context, Result};
use traveladvisor_domain::id::BookingId;

use crate::caller::{Caller, Scope};
use crate::graphql::fault::internal;
use crate::graphql::read::{read_fault, reads};

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
