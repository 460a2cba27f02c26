//! `campaigns`: what is granted for which action.

use async_graphql::{Context, InputObject, Object, Result};
use traveladvisor_projections::reads;

use crate::graphql::read::{now, read_fault, reads};
use crate::graphql::types::{CampaignAction, CampaignConnection, CampaignStatus, Window, page};

/// Which campaigns. All that is given must hold.
#[derive(InputObject, Default)]
pub(crate) struct CampaignFilter {
    /// Only those that reward one of these.
    pub(crate) action: Option<Vec<CampaignAction>>,
    /// Only those that stand so now.
    pub(crate) status: Option<Vec<CampaignStatus>>,
}

#[derive(Debug, Default)]
pub(crate) struct CampaignsQuery;

#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl CampaignsQuery {
    /// Campaigns, those that open last first.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn campaigns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaigns; all when left out.")] filter: Option<CampaignFilter>,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<CampaignConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        let (filter, now) = (filter.unwrap_or_default(), now(ctx)?);
        let filter = reads::CampaignFilter {
            status: filter.status.unwrap_or_default().into_iter().map(Into::into).collect(),
            action: filter.action.unwrap_or_default().into_iter().map(Into::into).collect(),
            now,
        };
        Ok(CampaignConnection::at(reads(ctx)?.campaigns(&filter, &page).await.map_err(read_fault)?, now))
    }
}
