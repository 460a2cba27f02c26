//! `closeCampaign`: an operator ends a campaign.

use async_graphql::{Context, ID, InputObject, Object, Result};
use traveladvisor_commands::CallerCommand;
use traveladvisor_domain::id::CampaignId;
use traveladvisor_domain::together::Together;

use super::open_campaign::CampaignPayload;
use super::submit::{Findings, submit};

/// Which campaign ends.
#[derive(InputObject)]
pub(crate) struct CloseCampaignInput {
    /// The campaign.
    pub(crate) campaign_id: ID,
}

#[derive(Debug, Default)]
pub(crate) struct CloseCampaign;

#[Object]
impl CloseCampaign {
    /// Closes a campaign for good, before its end. One that is closed already stays so; what was granted stays granted.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn close_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign.")] input: CloseCampaignInput,
    ) -> Result<CampaignPayload> {
        let mut findings = Findings::default();
        let campaign: Option<CampaignId> = findings.id(&["campaignId"], "campaign", &input.campaign_id);
        let campaign = match findings.settle(campaign) {
            Ok(campaign) => campaign,
            Err(errors) => return Ok(Err(errors).into()),
        };
        Ok(submit(ctx, CallerCommand::Together(Together::CloseCampaign { campaign }).into()).await?.into())
    }
}
