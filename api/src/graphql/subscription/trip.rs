//! The trip that somebody wants to follow, if it is one that the caller may see.

use async_graphql::{Context, Error, Result};
use traveladvisor_domain::id::BookingId;
use traveladvisor_projections::reads::Reads;

use crate::graphql::fault::fault;
use crate::graphql::read::read_fault;
use crate::graphql::rights::caller;
use crate::graphql::types::ErrorCode;

/// Refuses a trip of somebody else's as one that is not there. The log is asked, not a read model: who has just booked may follow at once.
pub(super) async fn only_own_trip(ctx: &Context<'_>, reads: &Reads, id: BookingId) -> Result<()> {
    let owner = reads.owner_of(id).await.map_err(read_fault)?.ok_or_else(not_found)?;
    if caller(ctx)?.sees(&owner) { Ok(()) } else { Err(not_found()) }
}

/// The answer to an id that names no trip of the caller's.
pub(super) fn not_found() -> Error {
    fault(ErrorCode::NotFound, "There is no such booking: check its id.")
}

/// The answer when this process cannot tell what happens any more.
pub(super) fn ended() -> Error {
    fault(ErrorCode::Unavailable, "Nothing more is told here: subscribe again, with the last position as `after`.")
}
