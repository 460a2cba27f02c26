//! `resolveSaga`: an operator decides what becomes of a step that waits.

use async_graphql::{Context, ID, InputObject, Object, Result};
use serde::Serialize;
use traveladvisor_commands::{CallerCommand, IdempotencyKey, input_hash};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip_saga::attention::Verb;

use super::accepted_saga::AcceptedSaga;
use super::key::given_key;
use super::resolution::{operator_reason, reason_fingerprint, resolution};
use super::rules::idempotency_key;
use super::submit::{Findings, Submission, submit};
use crate::graphql::scalars::Position;
use crate::graphql::types::{Saga, SagaVerb, UserError};

/// What is decided on one trip.
#[derive(InputObject)]
pub(crate) struct ResolveSagaInput {
    /// The trip whose process manager waits.
    pub(crate) booking_id: ID,
    /// What becomes of the step that waits.
    pub(crate) verb: SagaVerb,
    /// Why, and for what is marked the evidence: 1 to 500 characters. It is kept in the event log for ever and must not hold personal
    /// data; a card number is refused.
    pub(crate) reason: String,
    /// The gateway's reference of the charge: mandatory for `MARK_DONE`, and for nothing else.
    pub(crate) reference: Option<String>,
    /// The fingerprint of the reason that was looked into, as `sagas` and `saga` tell it. If the step waits for another reason by now, the
    /// verb is answered `NOT_RESOLVABLE`, so that evidence for one never marks another. Left out, it is about whatever waits.
    pub(crate) fingerprint: Option<String>,
    /// Same key, one effect. The header `Idempotency-Key` serves as well. The same verb twice is one without a key, too.
    pub(crate) idempotency_key: Option<String>,
}

/// What became of a verb.
#[derive(Debug)]
pub(crate) struct ResolveSagaPayload(std::result::Result<AcceptedSaga, Vec<UserError>>);

/// What became of a verb.
#[Object]
impl ResolveSagaPayload {
    /// The process manager, read at `position`; null when there are errors.
    async fn saga(&self, ctx: &Context<'_>) -> Option<Result<Saga>> {
        Some(self.0.as_ref().ok()?.saga(ctx).await)
    }

    /// Hand it back as `atLeast` to read your own write; null when there are errors.
    async fn position(&self) -> Option<Position> {
        self.0.as_ref().ok().map(AcceptedSaga::position)
    }

    /// What to put right; empty when the verb was accepted, or it was so already.
    async fn errors(&self) -> &[UserError] {
        self.0.as_ref().err().map_or(&[], Vec::as_slice)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ResolveSaga;

#[Object]
impl ResolveSaga {
    /// An operator decides what becomes of the step that waits. The decision is an event with the caller's name and the reason.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn resolve_saga(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip, the verb, and why.")] input: ResolveSagaInput,
    ) -> Result<ResolveSagaPayload> {
        let mut input = input;
        input.idempotency_key = match given_key(ctx, input.idempotency_key)? {
            Ok(key) => key,
            Err(errors) => return Ok(ResolveSagaPayload(Err(errors))),
        };
        let (id, submission) = match check(input) {
            Ok(checked) => checked,
            Err(errors) => return Ok(ResolveSagaPayload(Err(errors))),
        };
        let outcome = submit(ctx, submission).await?;
        Ok(ResolveSagaPayload(outcome.map(|receipt| AcceptedSaga::new(id, receipt.position))))
    }
}

/// What of the input tells whether a key came with the same input again.
#[derive(Serialize)]
struct Hashed<'a> {
    booking: BookingId,
    verb: Verb,
    reason: &'a str,
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<&'a str>,
}

fn check(given: ResolveSagaInput) -> std::result::Result<(BookingId, Submission), Vec<UserError>> {
    let mut findings = Findings::default();
    let verb: Verb = given.verb.into();
    let reference = given.reference.as_deref();
    let id: Option<BookingId> = findings.id(&["bookingId"], "booking", &given.booking_id);
    let reason = findings.check(&["reason"], operator_reason(&given.reason));
    let resolution = findings.check(&["reference"], resolution(verb, reference));
    let fingerprint =
        given.fingerprint.and_then(|fingerprint| findings.check(&["fingerprint"], reason_fingerprint(&fingerprint)));
    let key = given.idempotency_key.and_then(|key| findings.check(&["idempotencyKey"], idempotency_key(&key)));
    let checked = id.zip(reason).zip(resolution);
    let ((booking, reason), resolution) = findings.settle(checked)?;
    let hash = input_hash(&Hashed { booking, verb, reason: &reason, reference, fingerprint: fingerprint.as_deref() });
    let submission = Submission {
        command: CallerCommand::ResolveSaga { booking, resolution, fingerprint, reason },
        idempotency: key.map(|key| IdempotencyKey { key, input_hash: hash }),
        expected_version: None,
    };
    Ok((booking, submission))
}
