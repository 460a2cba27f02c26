//! What several streams say, and what follows from it.

use super::{NotTogether, View};
use crate::aggregate::{Aggregate, Command};
use crate::campaign::{Action, Campaign, CampaignCommand, CampaignDetails, CampaignError, CampaignStatus, RewardTerms};
use crate::email_claim::EmailClaimCommand;
use crate::failure::Code;
use crate::id::{CampaignId, MemberId, RewardId, StreamId, email_claim, normalized_email, programme};
use crate::member::{Member, MemberCommand, MemberError, Profile, ProfileChanges};
use crate::occasion::Occasion;
use crate::points_account::{EarnedFor, PointsAccount, PointsAccountCommand};
use crate::programme::ProgrammeCommand;
use crate::reward::{Grant, Reward, RewardCommand};

/// What stands in the log, and the moment.
pub(super) struct Look<'l, 'v> {
    pub(super) view: &'l View<'v>,
    pub(super) occasion: Occasion,
}

impl<'v> Look<'_, 'v> {
    pub(super) fn sign_up(
        &self,
        identity: &str,
        profile: &Profile,
        referrer: Option<MemberId>,
    ) -> Result<Vec<(StreamId, Command)>, NotTogether> {
        let member = MemberId::of(identity);
        if referrer.is_some_and(|referrer| referrer == member) {
            return Err(NotTogether::of(&MemberError::NoReferrer.into()));
        }
        if let Some(referrer) = referrer {
            self.active(referrer, "referrer").map_err(|missing| match missing {
                NotTogether::Refused { .. } => NotTogether::of(&MemberError::NoReferrer.into()),
                missing @ NotTogether::Missing(_) => missing,
            })?;
        }
        let sign_up = MemberCommand::SignUp { identity: identity.to_owned(), profile: profile.clone(), referrer };
        let claim = (email_claim(&profile.email), Command::EmailClaim(EmailClaimCommand::Claim { member }));
        let mut commands = vec![(member.stream(), Command::Member(sign_up)), claim];
        let Aggregate::Programme(programme) = self.at(programme())? else { return Ok(commands) };
        let cause = member.to_string();
        let rewarded = std::iter::once((Action::Signup, member)).chain(referrer.map(|it| (Action::Referral, it)));
        for (action, rewarded) in rewarded {
            for campaign in programme.campaigns(action) {
                commands.extend(self.grant(campaign, rewarded, &cause)?.into_iter().flatten());
                commands.extend(self.over(campaign)?);
            }
        }
        Ok(commands)
    }

    /// A campaign whose end has come leaves the programme, so that nobody looks for it again.
    fn over(&self, campaign: CampaignId) -> Result<Option<(StreamId, Command)>, NotTogether> {
        let is_over = self.campaign(campaign)?.status(self.occasion.at) == Some(CampaignStatus::Close);
        Ok(is_over.then_some((programme(), Command::Programme(ProgrammeCommand::Remove { campaign }))))
    }

    /// The address is claimed only where it is another one: a change of its spelling is none.
    pub(super) fn change_profile(
        &self,
        member: MemberId,
        changes: &ProfileChanges,
    ) -> Result<Vec<(StreamId, Command)>, NotTogether> {
        let change = MemberCommand::ChangeProfile { changes: changes.clone() };
        let mut commands = vec![(member.stream(), Command::Member(change))];
        if let Some((new, old)) = changes.email.as_deref().zip(self.member(member)?.email())
            && normalized_email(new) != normalized_email(old)
        {
            let claim = Command::EmailClaim(EmailClaimCommand::Claim { member });
            let release = Command::EmailClaim(EmailClaimCommand::Release { member });
            commands.extend([(email_claim(new), claim), (email_claim(old), release)]);
        }
        Ok(commands)
    }

    /// What a campaign grants for a cause; nothing when it grants nothing now, or has granted it already.
    pub(super) fn grant(
        &self,
        id: CampaignId,
        member: MemberId,
        cause: &str,
    ) -> Result<Option<Vec<(StreamId, Command)>>, NotTogether> {
        let (campaign, occasion) = (self.campaign(id)?, self.occasion);
        let Some(details) = campaign.details() else { return Ok(None) };
        let reward = RewardId::of(id, cause);
        if campaign.status(occasion.at) != Some(CampaignStatus::Active) || self.reward(reward)?.is_granted() {
            return Ok(None);
        }
        // What cannot be delivered is not granted; it stands in nobody's way.
        if let RewardTerms::Point(points) = &details.reward
            && !self.account(member)?.takes(*points)
        {
            return Ok(None);
        }
        let grant = match &details.reward {
            RewardTerms::Point(points) => Grant::Point(*points),
            RewardTerms::Voucher(terms) => Grant::Voucher(terms.granted_at(occasion.at)),
            RewardTerms::Discount(terms) => Grant::Discount(terms.granted_at(occasion.at)),
            RewardTerms::Gift(gift) => Grant::Gift(gift.clone()),
        };
        let points = if let Grant::Point(points) = &grant { Some(*points) } else { None };
        let earn = points.map(|points| {
            let earned_for = EarnedFor::Campaign { campaign: id, reward };
            (member.account(), Command::PointsAccount(PointsAccountCommand::Earn { points, earned_for, occasion }))
        });
        let granted = RewardCommand::Grant { member, campaign: id, cause: cause.to_owned(), grant };
        let count = (id.stream(), Command::Campaign(CampaignCommand::Count { reward, occasion }));
        let last = campaign.is_granting_last().then_some(ProgrammeCommand::Remove { campaign: id });
        let last = last.map(|remove| (programme(), Command::Programme(remove)));
        Ok(Some([(reward.stream(), Command::Reward(granted)), count].into_iter().chain(earn).chain(last).collect()))
    }

    /// A sign-up and a referral have their causes: nobody's reward can be taken by another name, or before it is due.
    pub(super) fn fits(&self, campaign: CampaignId, member: MemberId, cause: &str) -> Result<(), NotTogether> {
        let Some(details) = self.campaign(campaign)?.details() else { return Ok(()) };
        let signed_up = match cause.parse() {
            Ok(id) if *self.member(id)? != Member::Absent => Some(id),
            _ => None,
        };
        let message = match details.action {
            Action::Review => return Ok(()),
            Action::Signup if signed_up == Some(member) => return Ok(()),
            Action::Signup => "the cause of a reward for signing up is the member's own id: give that",
            Action::Referral if signed_up.is_some_and(|id| id != member) => return Ok(()),
            Action::Referral => {
                "the cause of a reward for a referral is the id of the member who was referred: give that"
            }
        };
        Err(NotTogether::Refused { code: Code::InvalidInput, message: message.to_owned(), field: "cause" })
    }

    /// Told apart from a campaign that grants nothing: the operator chose the member.
    pub(super) fn takes_reward(&self, campaign: CampaignId, member: MemberId) -> Result<(), NotTogether> {
        let Some(details) = self.campaign(campaign)?.details() else { return Ok(()) };
        match &details.reward {
            RewardTerms::Point(points) if !self.account(member)?.takes(*points) => Err(NotTogether::Refused {
                code: Code::InvalidInput,
                message: "the member's account cannot hold so many points more: grant another reward".to_owned(),
                field: "memberId",
            }),
            _ => Ok(()),
        }
    }

    /// Where a campaign stands once it has these details. What they are refused for is told by its own decision.
    pub(super) fn status_once_listed(
        &self,
        campaign: CampaignId,
        details: &CampaignDetails,
    ) -> Result<Option<CampaignStatus>, NotTogether> {
        let mut listed = self.campaign(campaign)?.clone();
        for event in listed.decide(CampaignCommand::List { details: details.clone() }).unwrap_or_default() {
            listed.apply(&event);
        }
        Ok(listed.status(self.occasion.at))
    }

    pub(super) fn has_room_for(&self, campaign: CampaignId) -> Result<(), NotTogether> {
        match self.at(programme())? {
            Aggregate::Programme(programme) if !programme.has_room_for(campaign) => {
                Err(NotTogether::of(&CampaignError::TooMany.into()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn why_closed(&self, id: CampaignId) -> NotTogether {
        let status = self.campaign(id).ok().and_then(|campaign| campaign.status(self.occasion.at));
        let error = match status {
            None => CampaignError::NotFound,
            Some(CampaignStatus::WillOpen) => CampaignError::NotOpen,
            Some(CampaignStatus::Close | CampaignStatus::Active) => CampaignError::Closed,
        };
        NotTogether::of(&error.into())
    }

    pub(super) fn active(&self, member: MemberId, field: &'static str) -> Result<(), NotTogether> {
        let (error, message) = match self.member(member)? {
            Member::Active { .. } => return Ok(()),
            Member::Absent => (MemberError::NotFound, "no such member: check the id".to_owned()),
            Member::Closed => (MemberError::Closed, "the member has left: nothing can be given any more".to_owned()),
        };
        Err(NotTogether::Refused { code: error.code(), message, field })
    }

    fn at(&self, stream: StreamId) -> Result<&'v Aggregate, NotTogether> {
        (self.view)(stream).ok_or(NotTogether::Missing(stream))
    }

    fn account(&self, member: MemberId) -> Result<&'v PointsAccount, NotTogether> {
        let stream = member.account();
        let Aggregate::PointsAccount(account) = self.at(stream)? else { return Err(NotTogether::Missing(stream)) };
        Ok(account)
    }

    fn member(&self, id: MemberId) -> Result<&'v Member, NotTogether> {
        let Aggregate::Member(member) = self.at(id.stream())? else { return Err(NotTogether::Missing(id.stream())) };
        Ok(member)
    }

    pub(super) fn campaign(&self, id: CampaignId) -> Result<&'v Campaign, NotTogether> {
        let Aggregate::Campaign(it) = self.at(id.stream())? else { return Err(NotTogether::Missing(id.stream())) };
        Ok(it)
    }

    pub(super) fn reward(&self, id: RewardId) -> Result<&'v Reward, NotTogether> {
        let Aggregate::Reward(reward) = self.at(id.stream())? else { return Err(NotTogether::Missing(id.stream())) };
        Ok(reward)
    }
}
