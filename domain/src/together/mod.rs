//! What members, campaigns and operators ask is often about several streams: all of them are decided together, and all or none of it
//! happens. Pure: who reads the log hands in what it says.

mod look;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use look::Look;
use serde::{Deserialize, Serialize};

use crate::aggregate::{Aggregate, Command, Error, Event};
use crate::campaign::{Action, CampaignCommand, CampaignDetails, CampaignStatus};
use crate::email_claim::EmailClaimCommand;
use crate::failure::Code;
use crate::id::{CampaignId, MemberId, RewardId, StreamId, email_claim, programme};
use crate::member::{MemberCommand, Profile, ProfileChanges};
use crate::occasion::Occasion;
use crate::points_account::{EarnedFor, PointsAccountCommand};
use crate::programme::ProgrammeCommand;
use crate::reward::RewardError;

/// What members, operators and imports ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Together {
    /// Become a member, and get what the campaigns promise for it.
    SignUp {
        /// Who it is, as the edge names callers.
        identity: String,
        /// What the member says of itself.
        profile: Profile,
        /// Who has referred the member here: gets what the campaigns promise for that.
        referrer: Option<MemberId>,
    },
    /// Change the profile; another address has to be free.
    ChangeProfile {
        /// Whose.
        member: MemberId,
        /// What changes.
        changes: ProfileChanges,
    },
    /// Leave: what is left of the points expires.
    CloseMember {
        /// Who.
        member: MemberId,
        /// The caller's words, if any.
        reason: Option<String>,
    },
    /// Grant what a campaign promises, once for a cause.
    GrantReward {
        /// To whom.
        member: MemberId,
        /// By which campaign.
        campaign: CampaignId,
        /// For what.
        cause: String,
    },
    /// Give points, by hand.
    GivePoints {
        /// To whom.
        member: MemberId,
        /// How many.
        points: u64,
        /// Why.
        reason: String,
    },
    /// List a campaign or replace its details.
    ListCampaign(CampaignDetails),
    /// Open a campaign by hand.
    OpenCampaign {
        /// Which.
        campaign: CampaignId,
    },
    /// Close a campaign by hand, for good.
    CloseCampaign {
        /// Which.
        campaign: CampaignId,
    },
}

/// Why nothing of it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTogether {
    /// A stream that the decision reads is not at hand.
    Missing(StreamId),
    /// Refused.
    Refused {
        /// The stable code.
        code: Code,
        /// A clause that says what to do.
        message: String,
        /// The input field at fault; empty when no single field is.
        field: &'static str,
    },
}

/// What the streams say; nothing of a stream that is not at hand.
pub type View<'v> = dyn Fn(StreamId) -> Option<&'v Aggregate> + 'v;

impl Together {
    /// The stored name, for example `sign_up`.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::SignUp { .. } => "sign_up",
            Self::ChangeProfile { .. } => "change_profile",
            Self::CloseMember { .. } => "close_member",
            // One operation for callers: a key stands for the one or the other.
            Self::GrantReward { .. } | Self::GivePoints { .. } => "grant_reward",
            Self::ListCampaign(_) => "list_campaign",
            Self::OpenCampaign { .. } => "open_campaign",
            Self::CloseCampaign { .. } => "close_campaign",
        }
    }

    /// The stream that it is about: the one whose effect the caller is told of.
    pub fn subject(&self) -> StreamId {
        match self {
            Self::SignUp { identity, .. } => MemberId::of(identity).stream(),
            Self::ChangeProfile { member, .. } | Self::CloseMember { member, .. } => member.stream(),
            Self::GrantReward { campaign, cause, .. } => RewardId::of(*campaign, cause).stream(),
            Self::GivePoints { member, .. } => member.account(),
            Self::ListCampaign(details) => CampaignId::of(&details.supplier, &details.code).stream(),
            Self::OpenCampaign { campaign } | Self::CloseCampaign { campaign } => campaign.stream(),
        }
    }

    /// The streams that it names.
    pub fn streams(&self) -> Vec<StreamId> {
        let subject = self.subject();
        match self {
            Self::SignUp { identity, profile, referrer } => {
                let account = MemberId::of(identity).account();
                let mut streams = vec![subject, email_claim(&profile.email), account, programme()];
                streams.extend(referrer.iter().flat_map(|referrer| [referrer.stream(), referrer.account()]));
                streams
            }
            Self::ChangeProfile { changes, .. } => {
                std::iter::once(subject).chain(changes.email.as_deref().map(email_claim)).collect()
            }
            Self::CloseMember { member, .. } => vec![subject, member.account()],
            Self::GrantReward { member, campaign, cause } => {
                let mut streams = vec![subject, campaign.stream(), member.stream(), member.account(), programme()];
                streams.extend(cause.parse().map(MemberId::stream));
                streams
            }
            Self::GivePoints { member, .. } => vec![subject, member.stream()],
            Self::ListCampaign(_) | Self::CloseCampaign { .. } => vec![subject, programme()],
            Self::OpenCampaign { .. } => vec![subject],
        }
    }

    /// The streams that are known only from those that it names: campaigns and their rewards, the address that a member gives up.
    pub fn further_streams(&self, view: &View<'_>) -> Vec<StreamId> {
        match self {
            Self::SignUp { identity, referrer, .. } => {
                let Some(Aggregate::Programme(programme)) = view(programme()) else { return Vec::new() };
                let cause = MemberId::of(identity).to_string();
                let referral = referrer.map(|_| Action::Referral);
                let campaigns = std::iter::once(Action::Signup).chain(referral).flat_map(|it| programme.campaigns(it));
                campaigns.flat_map(|it| [it.stream(), RewardId::of(it, &cause).stream()]).collect()
            }
            Self::ChangeProfile { member, changes } if changes.email.is_some() => address_of(*member, view),
            Self::CloseMember { member, .. } => address_of(*member, view),
            _ => Vec::new(),
        }
    }

    /// What happens, stream by stream in the order in which it is decided: all of it, or nothing. No events: it is so already.
    ///
    /// # Errors
    ///
    /// See [`NotTogether`].
    pub fn decide(&self, view: &View<'_>, occasion: Occasion) -> Result<Vec<(StreamId, Vec<Event>)>, NotTogether> {
        // What was decided before on the same stream counts: an account may be given to twice.
        let mut after: HashMap<StreamId, Aggregate> = HashMap::new();
        let mut decided = Vec::new();
        for (stream, command) in self.commands(view, occasion)? {
            let state = match after.remove(&stream) {
                Some(state) => state,
                None => view(stream).ok_or(NotTogether::Missing(stream))?.clone(),
            };
            let events = state.decide(command).map_err(|error| NotTogether::of(&error))?;
            let mut next = state;
            for event in &events {
                if !next.apply(event) {
                    return Err(NotTogether::of(&Error::WrongStream));
                }
            }
            after.insert(stream, next);
            if !events.is_empty() {
                decided.push((stream, events));
            }
        }
        Ok(decided)
    }

    fn commands(&self, view: &View<'_>, occasion: Occasion) -> Result<Vec<(StreamId, Command)>, NotTogether> {
        let subject = self.subject();
        let look = Look { view, occasion };
        Ok(match self {
            Self::SignUp { identity, profile, referrer } => look.sign_up(identity, profile, *referrer)?,
            Self::ChangeProfile { member, changes } => look.change_profile(*member, changes)?,
            Self::CloseMember { member, reason } => {
                let close = MemberCommand::Close { reason: reason.clone() };
                let account = (member.account(), Command::PointsAccount(PointsAccountCommand::Close { occasion }));
                let release = Command::EmailClaim(EmailClaimCommand::Release { member: *member });
                let address = address_of(*member, view).into_iter().map(|claim| (claim, release.clone()));
                [(subject, Command::Member(close)), account].into_iter().chain(address).collect()
            }
            Self::GrantReward { member, campaign, cause } => {
                let reward = look.reward(RewardId::of(*campaign, cause))?;
                if reward.is_granted() && reward.member() != Some(*member) {
                    return Err(NotTogether::of(&RewardError::AnotherMember.into()));
                }
                if reward.is_granted() {
                    return Ok(Vec::new());
                }
                look.active(*member, "memberId")?;
                look.fits(*campaign, *member, cause)?;
                look.takes_reward(*campaign, *member)?;
                look.grant(*campaign, *member, cause)?.ok_or_else(|| look.why_closed(*campaign))?
            }
            Self::GivePoints { member, points, reason } => {
                look.active(*member, "memberId")?;
                let earned_for = EarnedFor::Operator { reason: reason.clone() };
                let earn = PointsAccountCommand::Earn { points: *points, earned_for, occasion };
                vec![(subject, Command::PointsAccount(earn))]
            }
            Self::ListCampaign(details) => {
                let campaign = CampaignId::of(&details.supplier, &details.code);
                let add = ProgrammeCommand::Add { campaign, action: details.action };
                let list = CampaignCommand::List { details: details.clone() };
                let mut commands = vec![(subject, Command::Campaign(list))];
                // Each import lists it again: what is closed by then stays out of the programme.
                if look.status_once_listed(campaign, details)? == Some(CampaignStatus::Close) {
                    commands.push((programme(), Command::Programme(ProgrammeCommand::Remove { campaign })));
                } else {
                    look.has_room_for(campaign)?;
                    commands.push((programme(), Command::Programme(add)));
                }
                commands
            }
            Self::OpenCampaign { .. } => {
                vec![(subject, Command::Campaign(CampaignCommand::Open { occasion }))]
            }
            Self::CloseCampaign { campaign } => {
                let remove = ProgrammeCommand::Remove { campaign: *campaign };
                vec![(subject, Command::Campaign(CampaignCommand::Close)), (programme(), Command::Programme(remove))]
            }
        })
    }
}

/// The claim of the address that a member has now.
fn address_of(member: MemberId, view: &View<'_>) -> Vec<StreamId> {
    match view(member.stream()) {
        Some(Aggregate::Member(member)) => member.email().map(email_claim).into_iter().collect(),
        _ => Vec::new(),
    }
}

impl NotTogether {
    fn of(error: &Error) -> Self {
        Self::Refused { code: error.code(), message: error.to_string(), field: error.field() }
    }
}
