//! What every change of a member answers.

use async_graphql::{Context, Object, Result};
use traveladvisor_domain::id::MemberId;

use super::submit::Outcome;
use crate::graphql::read::member_at;
use crate::graphql::scalars::Position;
use crate::graphql::types::{Member, UserError};
use crate::place::Place;

/// What became of a change of a member.
#[derive(Debug)]
pub(crate) struct MemberPayload {
    /// The member that was changed, or that stood in the way in another version.
    seen: Option<(MemberId, Place)>,
    errors: Vec<UserError>,
}

/// What became of a change of a member.
#[Object]
impl MemberPayload {
    /// The member, read at `position`; as it stands now after `VERSION_CONFLICT`; null when there are other errors.
    async fn member(&self, ctx: &Context<'_>) -> Option<Result<Member>> {
        let (id, position) = self.seen?;
        Some(member_at(ctx, id, position).await)
    }

    /// Hand it back as `atLeast` to read your own write; null when there are errors.
    async fn position(&self) -> Option<Position> {
        self.seen.filter(|_| self.errors.is_empty()).map(|(_, position)| Position(position))
    }

    /// What to put right; empty when the change was accepted, or it was so already.
    async fn errors(&self) -> &[UserError] {
        &self.errors
    }
}

impl MemberPayload {
    /// What a command to this member came to.
    pub(super) fn of(member: MemberId, outcome: Outcome) -> Self {
        match outcome {
            Ok(receipt) => Self { seen: Some((member, receipt.position)), errors: Vec::new() },
            Err(errors) => {
                let seen = errors.iter().find_map(|error| error.seen_at).map(|position| (member, position));
                Self { seen, errors }
            }
        }
    }
}

impl From<Vec<UserError>> for MemberPayload {
    fn from(errors: Vec<UserError>) -> Self {
        Self { seen: None, errors }
    }
}
