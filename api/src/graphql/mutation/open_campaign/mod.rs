//! `openCampaign`: an operator opens a campaign, or lists one.

mod check;
mod input;

use async_graphql::{ComplexObject, Context, Object, Result, SimpleObject};
use serde::Serialize;
use traveladvisor_commands::{CallerCommand, IdempotencyKey, input_hash};
use traveladvisor_domain::campaign::CampaignDetails;
use traveladvisor_domain::id::CampaignId;
use traveladvisor_domain::together::Together;

use self::check::{CAMPAIGN, Checked, check};
pub(crate) use self::input::OpenCampaignInput;
use super::key::given_key;
use super::submit::{Accepted, Outcome, Submission, submit};
use crate::graphql::read::campaign_at;
use crate::graphql::scalars::Position;
use crate::graphql::types::{Campaign, UserError};
use crate::place::Place;

/// What became of a change of a campaign.
#[derive(Debug, Default, SimpleObject)]
#[graphql(complex)]
pub(crate) struct CampaignPayload {
    #[graphql(skip)]
    changed: Option<(CampaignId, Place)>,
    /// Hand it back as `atLeast` to read your own write; null when there are errors.
    position: Option<Position>,
    /// What to put right; empty when the change was accepted, or it was so already.
    errors: Vec<UserError>,
}

#[ComplexObject]
impl CampaignPayload {
    /// The campaign, read at `position`; null when there are errors.
    async fn campaign(&self, ctx: &Context<'_>) -> Option<Result<Campaign>> {
        let (id, position) = self.changed?;
        Some(campaign_at(ctx, id, position).await)
    }
}

impl From<Outcome> for CampaignPayload {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(Accepted { subject, position, .. }) => Self {
                changed: Some((CampaignId(subject.uuid), position)),
                position: Some(Position(position)),
                errors: Vec::new(),
            },
            Err(errors) => Self { errors, ..Self::default() },
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct OpenCampaign;

#[Object]
impl OpenCampaign {
    /// Opens a campaign before its date, or lists one, which opens at its date; the details of one that is listed are replaced. Who signs up
    /// from then on gets what it promises.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn open_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign.")] input: OpenCampaignInput,
    ) -> Result<CampaignPayload> {
        if let Err(errors) = given_key(ctx, Some(input.idempotency_key.clone()))? {
            return Ok(Err(errors).into());
        }
        let (key, checked) = match check(input) {
            Ok(checked) => checked,
            Err(errors) => return Ok(Err(errors).into()),
        };
        let is_listed = matches!(checked, Checked::Details(_));
        let outcome = submit(ctx, submission(key, checked)).await?;
        let outcome = if is_listed { outcome.map_err(below_campaign) } else { outcome };
        Ok(outcome.into())
    }
}

/// What of the input tells whether a key came with the same input again.
#[derive(Serialize)]
struct Hashed<'a> {
    listed: Option<CampaignId>,
    details: Option<&'a CampaignDetails>,
}

fn submission(key: String, checked: Checked) -> Submission {
    let (listed, details) = match &checked {
        Checked::Listed(campaign) => (Some(*campaign), None),
        Checked::Details(details) => (None, Some(details)),
    };
    let input_hash = input_hash(&Hashed { listed, details });
    let command = match checked {
        Checked::Listed(campaign) => Together::OpenCampaign { campaign },
        Checked::Details(details) => Together::ListCampaign(details),
    };
    Submission {
        command: CallerCommand::Together(command),
        idempotency: Some(IdempotencyKey { key, input_hash }),
        expected_version: None,
    }
}

/// What is refused of a campaign's details stands below `campaign`; of the whole campaign, there.
fn below_campaign(mut errors: Vec<UserError>) -> Vec<UserError> {
    for error in &mut errors {
        if let [_input, field, ..] = error.path.as_mut_slice() {
            match field.as_str() {
                "campaignId" => CAMPAIGN.clone_into(field),
                "idempotencyKey" => {}
                _ => error.path.insert(1, CAMPAIGN.to_owned()),
            }
        }
    }
    errors
}
