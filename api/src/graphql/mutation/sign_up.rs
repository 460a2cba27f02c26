//! `signUp`: whoever asks becomes a member.

use async_graphql::{Context, ID, InputObject, Object, Result};
use serde::Serialize;
use traveladvisor_commands::{CallerCommand, IdempotencyKey, input_hash};
use traveladvisor_domain::id::MemberId;
use traveladvisor_domain::member::Profile;
use traveladvisor_domain::together::Together;

use super::key::given_key;
use super::member_payload::MemberPayload;
use super::member_rules::{Given, profile};
use super::rules::idempotency_key;
use super::submit::{Findings, Submission, submit};
use crate::graphql::rights::caller;
use crate::graphql::types::{Gender, UserError};

/// What somebody says of themselves. Who it is, the token tells: one member for an identity, and for an e-mail address.
#[derive(InputObject)]
pub(crate) struct SignUpInput {
    /// 1 to 255 characters. Same key and input: the same member. Same key, other input: `IDEMPOTENCY_KEY_REUSED`. A header
    /// `Idempotency-Key` must bear the same key.
    pub(crate) idempotency_key: String,
    /// E-mail address, at most 254 characters. `ALREADY_EXISTS` when another member has it, in whatever case.
    pub(crate) email: String,
    /// Name that others may see, at most 30 characters.
    pub(crate) nickname: String,
    /// First name, at most 30 characters.
    pub(crate) first_name: String,
    /// Last name, at most 30 characters.
    pub(crate) last_name: String,
    /// Telephone number, at most 20 characters.
    pub(crate) contact_number: String,
    /// Gender.
    #[graphql(default_with = "Gender::Undisclosed")]
    pub(crate) gender: Gender,
    /// The member who has referred this one here, if any: gets what the campaigns promise for it.
    pub(crate) referrer: Option<ID>,
}

#[derive(Debug, Default)]
pub(crate) struct SignUp;

#[Object]
impl SignUp {
    /// Makes the caller a member, and grants what the open campaigns promise for it. Who is one already, or was, hears so.
    #[graphql(visible = "crate::graphql::part::member")]
    async fn sign_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who signs up.")] input: SignUpInput,
    ) -> Result<MemberPayload> {
        if let Err(errors) = given_key(ctx, Some(input.idempotency_key.clone()))? {
            return Ok(errors.into());
        }
        let identity = caller(ctx)?.owner();
        let member = MemberId::of(identity);
        match check(identity, input) {
            Ok(submission) => Ok(MemberPayload::of(member, submit(ctx, submission).await?)),
            Err(errors) => Ok(errors.into()),
        }
    }
}

/// What of the input tells whether a key came with the same input again.
#[derive(Serialize)]
struct Hashed<'a> {
    profile: &'a Profile,
    referrer: Option<MemberId>,
}

fn check(identity: &str, given: SignUpInput) -> std::result::Result<Submission, Vec<UserError>> {
    let mut findings = Findings::default();
    let key = findings.check(&["idempotencyKey"], idempotency_key(&given.idempotency_key));
    let said = Given {
        email: Some(given.email),
        nickname: Some(given.nickname),
        first_name: Some(given.first_name),
        last_name: Some(given.last_name),
        contact_number: Some(given.contact_number),
        gender: Some(given.gender),
    };
    let said = profile(&mut findings, said);
    let referrer: Option<MemberId> =
        given.referrer.and_then(|referrer| findings.id(&["referrer"], "member", &referrer));
    let whole = || {
        Some(Profile {
            email: said.email?,
            nickname: said.nickname?,
            first_name: said.first_name?,
            last_name: said.last_name?,
            contact_number: said.contact_number?,
            gender: said.gender?,
        })
    };
    let (key, profile) = findings.settle(key.zip(whole()))?;
    let input_hash = input_hash(&Hashed { profile: &profile, referrer });
    Ok(Submission {
        command: CallerCommand::Together(Together::SignUp { identity: identity.to_owned(), profile, referrer }),
        idempotency: Some(IdempotencyKey { key, input_hash }),
        expected_version: None,
    })
}
