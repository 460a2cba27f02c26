//! Reading at a position: a projection is waited for, within a bound, then asked.
//!
//! Fields that may be null answer `Option<Result<…>>`: with `Result<Option<…>>` the library lets one failed read take the whole answer.

use std::sync::Arc;

use async_graphql::{Context, Error, Result};
use chrono::{DateTime, Utc};
use tokio::time::Instant;
use traveladvisor_domain::id::{BookingId, CampaignId, MemberId, RewardId};
use traveladvisor_infra::clock::Clock;
use traveladvisor_infra::event_log::Position;
use traveladvisor_projections::reads::{ReadError, Reads};
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::views::BookingView;

use super::fault::{argument_error, fault, internal};
use super::scalars;
use super::types::{Campaign, ErrorCode, Member, Reward, bad_cursor};
use crate::api::Reach;
use crate::limits::READ_WAIT;
use crate::place::Place;

/// The read side of a request.
pub(crate) fn reads<'a>(ctx: &Context<'a>) -> Result<&'a Reads> {
    ctx.data::<Reads>().map_err(|error| internal(&error.message))
}

/// The read side, of which no histories are read when the query does not look at them: here, `path` below, in a field of this name.
pub(crate) fn reads_with(ctx: &Context<'_>, history: &str, paths: &[&[&str]]) -> Result<Reads> {
    let looks = |path: &&[&str]| path.iter().fold(ctx.look_ahead(), |at, name| at.field(name)).field(history).exists();
    let reads = reads(ctx)?;
    Ok(if paths.iter().any(looks) { reads.clone() } else { reads.without_history() })
}

/// Where the entries of a page stand below its field.
pub(crate) const ENTRIES: &[&[&str]] = &[&["nodes"], &["edges", "node"]];
/// Where that is which is no page.
pub(crate) const ITSELF: &[&[&str]] = &[&[]];

/// The program's time.
pub(crate) fn now(ctx: &Context<'_>) -> Result<DateTime<Utc>> {
    ctx.data::<Arc<dyn Clock>>().map(|clock| clock.now()).map_err(|error| internal(&error.message))
}

/// Waits until a projection has come to a position; UNAVAILABLE when that takes too long.
pub(crate) async fn wait_for(ctx: &Context<'_>, projection: ProjectionName, place: Place) -> Result<()> {
    let position = read_position(ctx, place).await?;
    reads(ctx)?.wait_for(projection, position, READ_WAIT).await.map_err(read_fault)
}

/// Where in the log that is read all stands that stands up to a place in another log, once it does; UNAVAILABLE when that takes too long.
pub(crate) async fn read_position(ctx: &Context<'_>, place: Place) -> Result<Position> {
    let Some(log) = place.log else { return Ok(place.position) };
    let Some(Some(reach)) = ctx.data_opt::<Option<Reach>>() else {
        return Err(argument_error(
            &[],
            "This position is of another installation: hand back one that this one gave.".to_owned(),
        ));
    };
    reach(log, place.position, READ_WAIT).await.map_err(|reason| {
        tracing::warn!(%log, reason, "a read gave up waiting for a log to be gathered");
        behind()
    })
}

/// The same for the argument `atLeast`, if it is given: who hands back the position of a write reads it.
pub(crate) async fn seen(
    ctx: &Context<'_>,
    projection: ProjectionName,
    at_least: Option<scalars::Position>,
) -> Result<()> {
    match at_least {
        Some(scalars::Position(place)) => wait_for(ctx, projection, place).await,
        None => Ok(()),
    }
}

/// A trip that is there at a position.
pub(crate) async fn booking_at(ctx: &Context<'_>, id: BookingId, position: Place) -> Result<BookingView> {
    wait_for(ctx, ProjectionName::Booking, position).await?;
    let view = reads(ctx)?.booking(id).await.map_err(read_fault)?;
    view.ok_or_else(|| internal(&format!("{id} is in the log and not in its projection")))
}

/// A member that is there at a position; its points, rewards and trips are read there, too.
pub(crate) async fn member_at(ctx: &Context<'_>, id: MemberId, position: Place) -> Result<Member> {
    wait_for(ctx, ProjectionName::Members, position).await?;
    let view = reads(ctx)?.member(id).await.map_err(read_fault)?;
    let view = view.ok_or_else(|| internal(&format!("{id} is in the log and not in its projection")))?;
    Ok(Member::at(view, Some(position)))
}

/// A campaign that is there at a position.
pub(crate) async fn campaign_at(ctx: &Context<'_>, id: CampaignId, position: Place) -> Result<Campaign> {
    wait_for(ctx, ProjectionName::Campaigns, position).await?;
    let view = reads(ctx)?.campaign(id).await.map_err(read_fault)?;
    let view = view.ok_or_else(|| internal(&format!("{id} is in the log and not in its projection")))?;
    Ok(Campaign::at(view, now(ctx)?))
}

/// A reward that is there at a position.
pub(crate) async fn reward_at(ctx: &Context<'_>, id: RewardId, position: Place) -> Result<Reward> {
    wait_for(ctx, ProjectionName::Vouchers, position).await?;
    let view = reads(ctx)?.voucher(id).await.map_err(read_fault)?;
    let view = view.ok_or_else(|| internal(&format!("{id} is in the log and not in its projection")))?;
    Ok(Reward::at(view, now(ctx)?))
}

/// The trip once its saga has ended. None at `until`, or when the read side cannot tell: whoever needs its fields then reads it as it
/// stands, and hears of a fault if there is one.
pub(crate) async fn booking_finished(
    ctx: &Context<'_>,
    id: BookingId,
    place: Place,
    until: Instant,
) -> Result<Option<BookingView>> {
    let reads = reads(ctx)?;
    let settled = async {
        let position = read_position(ctx, place).await.ok()?;
        settled(reads, id, position).await
    };
    Ok(tokio::time::timeout_at(until, settled).await.ok().flatten())
}

/// None when the read side cannot tell.
async fn settled(reads: &Reads, id: BookingId, position: Position) -> Option<BookingView> {
    reads.wait_for(ProjectionName::Booking, position, READ_WAIT).await.ok()?;
    let mut changes = reads.booking_changes();
    loop {
        changes.borrow_and_update();
        // Asked by everyone who waits at every batch of any trip, so it must be cheap; the trip itself is read once.
        if reads.is_settled(id).await.ok()? {
            let view = reads.booking(id).await.ok()?;
            // Between the two reads somebody may have had it cancelled.
            if view.as_ref().is_some_and(BookingView::is_settled) {
                return view;
            }
        }
        changes.changed().await.ok()?;
    }
}

fn behind() -> Error {
    fault(ErrorCode::Unavailable, "What happened up to this position is not seen yet: ask again in a moment.")
}

/// What a caller hears when a read failed. The reason itself may name tables and hosts, so it goes to our log only.
#[expect(clippy::needless_pass_by_value, reason = "stands in map_err")]
pub(crate) fn read_fault(error: ReadError) -> Error {
    match error {
        ReadError::BadCursor(end) => bad_cursor(end),
        ReadError::Behind { .. } => {
            tracing::warn!(%error, "a read gave up waiting");
            behind()
        }
        ReadError::Unavailable(_) => {
            tracing::warn!(%error, "a read failed");
            fault(ErrorCode::Unavailable, "The database does not answer: ask again in a moment.")
        }
        ReadError::Damaged(_) => internal(&error),
    }
}
