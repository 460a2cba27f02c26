//! `grantReward`: an operator grants what a campaign promises, or gives points by hand.

use async_graphql::{Context, ID, InputObject, Object, Result};
use serde::Serialize;
use traveladvisor_commands::{CallerCommand, IdempotencyKey, input_hash};
use traveladvisor_domain::id::{CampaignId, MemberId, RewardId};
use traveladvisor_domain::points_account::REASON_CHARS_MAX;
use traveladvisor_domain::together::Together;

use super::key::given_key;
use super::member_rules::{cause, points};
use super::rules::{free_text, idempotency_key};
use super::submit::{Findings, Submission, submit};
use crate::graphql::read::{member_at, reward_at};
use crate::graphql::scalars::Position;
use crate::graphql::types::{ErrorCode, Member, Reward, UserError};
use crate::place::Place;

/// What is granted to a member: either a campaign's reward, with `campaignId` and `cause`, or points by hand, with `points` and `reason`.
#[derive(InputObject)]
pub(crate) struct GrantRewardInput {
    /// 1 to 255 characters. Same key and input: granted once. Same key, other input: `IDEMPOTENCY_KEY_REUSED`. A header `Idempotency-Key`
    /// must bear the same key.
    pub(crate) idempotency_key: String,
    /// To whom.
    pub(crate) member_id: ID,
    /// Which campaign grants it.
    pub(crate) campaign_id: Option<ID>,
    /// For what, for example the number of a review: 1 to 100 letters, digits, `-`, `_`, `:` and `.`, without personal data. A campaign
    /// rewards each cause once, whatever the idempotency key.
    pub(crate) cause: Option<String>,
    /// How many points: a whole number from 1 on, in digits.
    pub(crate) points: Option<String>,
    /// Why the points are given, at most 500 characters: the member reads it. It is kept in the event log for ever and must not hold personal
    /// data; a card number is refused.
    pub(crate) reason: Option<String>,
}

/// What became of a reward.
#[derive(Debug)]
pub(crate) struct RewardPayload(std::result::Result<Granted, Vec<UserError>>);

#[derive(Debug, Clone, Copy)]
struct Granted {
    member: MemberId,
    /// Absent where points were given by hand.
    reward: Option<RewardId>,
    position: Place,
}

/// What became of a reward.
#[Object]
impl RewardPayload {
    /// The campaign's reward, read at `position`; null when points were given by hand, and when there are errors.
    async fn reward(&self, ctx: &Context<'_>) -> Option<Result<Reward>> {
        let Granted { reward, position, .. } = *self.0.as_ref().ok()?;
        Some(reward_at(ctx, reward?, position).await)
    }

    /// The member, read at `position`; null when there are errors.
    async fn member(&self, ctx: &Context<'_>) -> Option<Result<Member>> {
        let Granted { member, position, .. } = *self.0.as_ref().ok()?;
        Some(member_at(ctx, member, position).await)
    }

    /// Hand it back as `atLeast` to read your own write; null when there are errors.
    async fn position(&self) -> Option<Position> {
        self.0.as_ref().ok().map(|granted| Position(granted.position))
    }

    /// What to put right; empty when it was granted, now or before.
    async fn errors(&self) -> &[UserError] {
        self.0.as_ref().err().map_or(&[], Vec::as_slice)
    }
}

#[derive(Debug, Default)]
pub(crate) struct GrantReward;

#[Object]
impl GrantReward {
    /// Grants a member what a campaign promises, or points by hand. The reward of a cause is granted once.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn grant_reward(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To whom, and what.")] input: GrantRewardInput,
    ) -> Result<RewardPayload> {
        if let Err(errors) = given_key(ctx, Some(input.idempotency_key.clone()))? {
            return Ok(RewardPayload(Err(errors)));
        }
        let Checked { key, member, what } = match check(&input) {
            Ok(checked) => checked,
            Err(errors) => return Ok(RewardPayload(Err(errors))),
        };
        let input_hash = input_hash(&Hashed { member, what: &what });
        let reward = what.reward();
        let submission = Submission {
            command: CallerCommand::Together(what.command(member)),
            idempotency: Some(IdempotencyKey { key, input_hash }),
            expected_version: None,
        };
        let outcome = submit(ctx, submission).await?;
        Ok(RewardPayload(outcome.map(|receipt| Granted { member, reward, position: receipt.position })))
    }
}

/// What of the input tells whether a key came with the same input again.
#[derive(Serialize)]
struct Hashed<'a> {
    member: MemberId,
    what: &'a What,
}

#[derive(Debug)]
struct Checked {
    key: String,
    member: MemberId,
    what: What,
}

/// What is granted.
#[derive(Debug, PartialEq, Eq, Serialize)]
enum What {
    ByCampaign { campaign: CampaignId, cause: String },
    ByHand { points: u64, reason: String },
}

impl What {
    fn reward(&self) -> Option<RewardId> {
        match self {
            Self::ByCampaign { campaign, cause } => Some(RewardId::of(*campaign, cause)),
            Self::ByHand { .. } => None,
        }
    }

    fn command(self, member: MemberId) -> Together {
        match self {
            Self::ByCampaign { campaign, cause } => Together::GrantReward { member, campaign, cause },
            Self::ByHand { points, reason } => Together::GivePoints { member, points, reason },
        }
    }
}

fn check(given: &GrantRewardInput) -> std::result::Result<Checked, Vec<UserError>> {
    let mut findings = Findings::default();
    let key = findings.check(&["idempotencyKey"], idempotency_key(&given.idempotency_key));
    let member: Option<MemberId> = findings.id(&["memberId"], "member", &given.member_id);
    let what = what(&mut findings, given);
    let checked = || Some(Checked { key: key?, member: member?, what: what? });
    let checked = checked();
    findings.settle(checked)
}

/// Each of the two ways has two fields: a field of the other way is told where it stands, a missing one where it should.
fn what(findings: &mut Findings, given: &GrantRewardInput) -> Option<What> {
    let GrantRewardInput { campaign_id, cause: given_cause, points: given_points, reason, .. } = given;
    let both = (campaign_id.is_some() || given_cause.is_some()) && (given_points.is_some() || reason.is_some());
    let none = campaign_id.is_none() && given_cause.is_none() && given_points.is_none() && reason.is_none();
    if both || none {
        let message = "Give either campaignId and cause, or points and reason.";
        findings.add(ErrorCode::InvalidInput, message, &[]);
        return None;
    }
    let mut needed = |value: &Option<String>, field: &str, message: &str| {
        if value.is_none() {
            findings.add(ErrorCode::InvalidInput, message, &[field]);
        }
    };
    if given_points.is_some() || reason.is_some() {
        needed(given_points, "points", "Points that are given by hand have a number: give it.");
        needed(reason, "reason", "Points that are given by hand have a reason: give it.");
        let points = given_points.as_deref().and_then(|given| findings.check(&["points"], points(given)));
        let reason =
            reason.as_deref().and_then(|given| findings.check(&["reason"], free_text(given, REASON_CHARS_MAX)));
        return Some(What::ByHand { points: points?, reason: reason? });
    }
    if campaign_id.is_none() {
        findings.add(ErrorCode::InvalidInput, "A cause is rewarded by a campaign: give its id.", &["campaignId"]);
    }
    if given_cause.is_none() {
        findings.add(ErrorCode::InvalidInput, "A campaign rewards something: name it.", &["cause"]);
    }
    let campaign: Option<CampaignId> =
        campaign_id.as_ref().and_then(|given| findings.id(&["campaignId"], "campaign", given));
    let cause = given_cause.as_deref().and_then(|given| findings.check(&["cause"], cause(given)));
    Some(What::ByCampaign { campaign: campaign?, cause: cause? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(change: impl FnOnce(&mut GrantRewardInput)) -> std::result::Result<What, Vec<String>> {
        let mut input = GrantRewardInput {
            idempotency_key: "key".into(),
            member_id: MemberId::of("ada").to_string().into(),
            campaign_id: None,
            cause: None,
            points: None,
            reason: None,
        };
        change(&mut input);
        let told = |error: &UserError| format!("{} {}", error.code.as_str(), error.path.join("."));
        check(&input).map(|checked| checked.what).map_err(|errors| errors.iter().map(told).collect())
    }

    #[test]
    fn a_reward_is_a_campaigns_or_points_and_never_half_of_both() {
        let campaign = CampaignId::of("own", "REVIEW");
        let by_campaign = given(|input| {
            input.campaign_id = Some(campaign.to_string().into());
            input.cause = Some("review-1".into());
        });
        assert_eq!(by_campaign, Ok(What::ByCampaign { campaign, cause: "review-1".into() }));
        let by_hand = given(|input| {
            input.points = Some("500".into());
            input.reason = Some("a late flight".into());
        });
        assert_eq!(by_hand, Ok(What::ByHand { points: 500, reason: "a late flight".into() }));
        let wrong = |errors: &[&str]| Err(errors.iter().map(|error| (*error).to_owned()).collect());
        assert_eq!(given(|_| ()), wrong(&["INVALID_INPUT "]));
        assert_eq!(given(|input| input.points = Some("5".into())), wrong(&["INVALID_INPUT input.reason"]));
        assert_eq!(given(|input| input.reason = Some("why".into())), wrong(&["INVALID_INPUT input.points"]));
        assert_eq!(given(|input| input.cause = Some("c".into())), wrong(&["INVALID_INPUT input.campaignId"]));
        let both = given(|input| {
            input.cause = Some("c".into());
            input.points = Some("5".into());
        });
        assert_eq!(both, wrong(&["INVALID_INPUT "]));
        let odd = given(|input| {
            input.campaign_id = Some("nonsense".into());
            input.cause = Some("a b".into());
        });
        assert_eq!(odd, wrong(&["NOT_FOUND input.campaignId", "INVALID_INPUT input.cause"]));
        let bad = given(|input| {
            input.member_id = "me".into();
            input.points = Some("-5".into());
            input.reason = Some(" ".into());
        });
        assert_eq!(
            bad,
            wrong(&["NOT_FOUND input.memberId", "INVALID_INPUT input.points", "INVALID_INPUT input.reason"])
        );
    }
}
