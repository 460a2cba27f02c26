//! `closeMember`: a member leaves.

use async_graphql::{Context, ID, InputObject, Object, Result};
use traveladvisor_commands::CallerCommand;
use traveladvisor_domain::id::MemberId;
use traveladvisor_domain::member::REASON_CHARS_MAX;
use traveladvisor_domain::together::Together;

use super::member_payload::MemberPayload;
use super::rules::free_text;
use super::submit::{Findings, submit};
use crate::graphql::rights::member_to_change;
use crate::graphql::types::UserError;

/// Who leaves, and why.
#[derive(InputObject)]
pub(crate) struct CloseMemberInput {
    /// Which member; the caller when left out. Operators may name any member.
    pub(crate) member_id: Option<ID>,
    /// Why, at most 500 characters. It is kept in the event log for ever and must not hold personal data; a card number is refused.
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct CloseMember;

#[Object]
impl CloseMember {
    /// Closes the caller's membership for good: what points are left expire. A member that is closed already stays so.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn close_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who leaves, and why.")] input: CloseMemberInput,
    ) -> Result<MemberPayload> {
        let member = match member_to_change(ctx, input.member_id.as_ref())? {
            Ok(member) => member,
            Err(error) => return Ok(vec![error].into()),
        };
        match check(member, input) {
            Ok(command) => Ok(MemberPayload::of(member, submit(ctx, command.into()).await?)),
            Err(errors) => Ok(errors.into()),
        }
    }
}

fn check(member: MemberId, given: CloseMemberInput) -> std::result::Result<CallerCommand, Vec<UserError>> {
    let mut findings = Findings::default();
    let reason = given.reason.filter(|reason| !reason.is_empty());
    let reason = reason.and_then(|reason| findings.check(&["reason"], free_text(&reason, REASON_CHARS_MAX)));
    findings.settle(Some(CallerCommand::Together(Together::CloseMember { member, reason })))
}
