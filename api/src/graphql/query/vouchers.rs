//! `vouchers`: what a member was granted.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_projections::reads::{Slice, VoucherFilter};
use traveladvisor_projections::runtime::ProjectionName;

use crate::graphql::read::{now, read_fault, reads, seen};
use crate::graphql::rights::member_to_see;
use crate::graphql::scalars::Position;
use crate::graphql::types::{RewardConnection, Window, page};

#[derive(Debug, Default)]
pub(crate) struct VouchersQuery;

#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl VouchersQuery {
    /// What the caller was granted, the newest first: vouchers and discounts, points and gifts. Empty where there is nothing.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn vouchers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose; the caller's own when left out. Operators may name any member.")] member_id: Option<
            ID,
        >,
        #[graphql(desc = "True: only those that a trip can use now.", default)] usable: bool,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Wait until what happened up to this position is seen; `UNAVAILABLE` after 5 s.")]
        at_least: Option<Position>,
    ) -> Result<RewardConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let now = now(ctx)?;
        let Some(member) = member_to_see(ctx, member_id.as_ref())? else {
            let nothing = Slice { items: Vec::new(), has_next: false, has_previous: false };
            return Ok(RewardConnection::at(nothing, now));
        };
        // Whether the member is one still is told by the members.
        seen(ctx, ProjectionName::Members, at_least).await?;
        seen(ctx, ProjectionName::Vouchers, at_least).await?;
        let filter = VoucherFilter { member, usable_at: usable.then_some(now) };
        Ok(RewardConnection::at(reads(ctx)?.vouchers(&filter, &page).await.map_err(read_fault)?, now))
    }
}
