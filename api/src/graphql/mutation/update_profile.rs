//! `updateProfile`: a member says something else of itself.

use async_graphql::{Context, ID, InputObject, Object, Result};
use traveladvisor_commands::CallerCommand;
use traveladvisor_domain::id::MemberId;
use traveladvisor_domain::member::ProfileChanges;
use traveladvisor_domain::together::Together;

use super::member_payload::MemberPayload;
use super::member_rules::{Given, profile};
use super::rules::version;
use super::submit::{Findings, Submission, submit};
use crate::graphql::rights::member_to_change;
use crate::graphql::types::{Gender, UserError};

/// What is to change of a profile. What is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct UpdateProfileInput {
    /// Whose profile; the caller's own when left out. Operators may name any member.
    pub(crate) member_id: Option<ID>,
    /// E-mail address, at most 254 characters. `ALREADY_EXISTS` when another member has it, in whatever case.
    pub(crate) email: Option<String>,
    /// Name that others may see, at most 30 characters.
    pub(crate) nickname: Option<String>,
    /// First name, at most 30 characters.
    pub(crate) first_name: Option<String>,
    /// Last name, at most 30 characters.
    pub(crate) last_name: Option<String>,
    /// Telephone number, at most 20 characters.
    pub(crate) contact_number: Option<String>,
    /// Gender.
    pub(crate) gender: Option<Gender>,
    /// The `version` that was read: when it is another by now, `VERSION_CONFLICT` with the member as it stands now.
    pub(crate) expected_version: Option<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct UpdateProfile;

#[Object]
impl UpdateProfile {
    /// Changes the caller's profile. The same values again change nothing.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateProfileInput,
    ) -> Result<MemberPayload> {
        let member = match member_to_change(ctx, input.member_id.as_ref())? {
            Ok(member) => member,
            Err(error) => return Ok(vec![error].into()),
        };
        match check(member, input) {
            Ok(submission) => Ok(MemberPayload::of(member, submit(ctx, submission).await?)),
            Err(errors) => Ok(errors.into()),
        }
    }
}

fn check(member: MemberId, given: UpdateProfileInput) -> std::result::Result<Submission, Vec<UserError>> {
    let mut findings = Findings::default();
    let said = Given {
        email: given.email,
        nickname: given.nickname,
        first_name: given.first_name,
        last_name: given.last_name,
        contact_number: given.contact_number,
        gender: given.gender,
    };
    let changes: ProfileChanges = profile(&mut findings, said);
    let expected_version =
        given.expected_version.and_then(|given| findings.check(&["expectedVersion"], version(given)));
    let changes = findings.settle(Some(changes))?;
    Ok(Submission {
        command: CallerCommand::Together(Together::ChangeProfile { member, changes }),
        idempotency: None,
        expected_version,
    })
}
