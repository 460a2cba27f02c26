//! `resolveSagas`: one decision for all that wait for the same reason.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use futures::{StreamExt, TryStreamExt};
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::input::FieldError;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip_saga::attention::{Resolution, Verb};
use traveladvisor_projections::reads::{Page, SagaFilter};

use super::resolution::{operator_reason, reason_fingerprint, resolution};
use super::submit::{Findings, submit};
use crate::graphql::read::{read_fault, reads};
use crate::graphql::scalars::Position;
use crate::graphql::types::{SagaVerb, UserError};
use crate::limits::{RESOLVE_SAGAS_AT_ONCE, RESOLVE_SAGAS_MAX};

/// What is decided on all that wait for one reason.
#[derive(InputObject)]
pub(crate) struct ResolveSagasInput {
    /// The reason's fingerprint, as `sagas` tells it.
    pub(crate) fingerprint: String,
    /// What becomes of the steps that wait. `MARK_DONE` is refused here: every charge has a reference of its own, see `resolveSaga`.
    pub(crate) verb: SagaVerb,
    /// Why, and for what is marked the evidence: 1 to 500 characters, without personal data; a card number is refused.
    pub(crate) reason: String,
    /// At most so many, 1 to 100; who waits longest comes first.
    #[graphql(default = 100)]
    pub(crate) first: i64,
}

/// What became of a verb on one trip.
#[derive(Debug, SimpleObject)]
pub(crate) struct ResolvedSaga {
    /// The trip.
    pub(crate) booking_id: ID,
    /// Hand it back as `atLeast` to read your own write; null when there are errors.
    pub(crate) position: Option<Position>,
    /// Why the verb was not taken; empty when it was, or it was so already.
    pub(crate) errors: Vec<UserError>,
}

/// What became of a verb on all that wait for one reason.
#[derive(Debug, Default, SimpleObject)]
pub(crate) struct ResolveSagasPayload {
    /// Each trip that was found to wait, who waits longest first.
    pub(crate) results: Vec<ResolvedSaga>,
    /// Whether more wait than were taken: send the same again.
    pub(crate) has_more: bool,
    /// What to put right; then nothing was decided.
    pub(crate) errors: Vec<UserError>,
}

/// The input, once it is sound.
struct Decision {
    fingerprint: String,
    resolution: Resolution,
    reason: String,
    first: usize,
}

#[derive(Debug, Default)]
pub(crate) struct ResolveSagas;

#[Object]
impl ResolveSagas {
    /// One decision for all that wait for the same reason, bounded; each is an event of its own and stands or falls by itself.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn resolve_sagas(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reason's fingerprint, the verb, and why.")] input: ResolveSagasInput,
    ) -> Result<ResolveSagasPayload> {
        let decision = match check(&input) {
            Ok(decision) => decision,
            Err(errors) => return Ok(ResolveSagasPayload { errors, ..ResolveSagasPayload::default() }),
        };
        let filter = SagaFilter { fingerprint: Some(decision.fingerprint.clone()), ..SagaFilter::default() };
        let page = Page::first(decision.first);
        let waiting = reads(ctx)?.without_history().sagas(&filter, &page).await.map_err(read_fault)?;
        let mut resolved = Vec::with_capacity(waiting.items.len());
        for (_, saga) in waiting.items {
            resolved.push(resolve(ctx, saga.booking, &decision));
        }
        let results = futures::stream::iter(resolved).buffered(RESOLVE_SAGAS_AT_ONCE).try_collect().await?;
        Ok(ResolveSagasPayload { results, has_more: waiting.has_next, errors: Vec::new() })
    }
}

async fn resolve(ctx: &Context<'_>, booking: BookingId, decision: &Decision) -> Result<ResolvedSaga> {
    let command = CallerCommand::ResolveSaga {
        booking,
        resolution: decision.resolution.clone(),
        // Whoever has come to wait for something else meanwhile is not meant.
        fingerprint: Some(decision.fingerprint.clone()),
        reason: decision.reason.clone(),
    };
    let outcome = submit(ctx, command.into()).await?;
    let booking_id = ID(booking.to_string());
    Ok(match outcome {
        Ok(receipt) => ResolvedSaga { booking_id, position: Some(Position(receipt.position)), errors: Vec::new() },
        Err(errors) => ResolvedSaga { booking_id, position: None, errors },
    })
}

fn check(given: &ResolveSagasInput) -> std::result::Result<Decision, Vec<UserError>> {
    let mut findings = Findings::default();
    let fingerprint = findings.check(&["fingerprint"], reason_fingerprint(&given.fingerprint));
    let reason = findings.check(&["reason"], operator_reason(&given.reason));
    let resolution = findings.check(&["verb"], without_reference(given.verb.into()));
    let first = findings.check(&["first"], count(given.first));
    let decision =
        || Some(Decision { fingerprint: fingerprint?, resolution: resolution?, reason: reason?, first: first? });
    let decision = decision();
    findings.settle(decision)
}

fn without_reference(verb: Verb) -> std::result::Result<Resolution, FieldError> {
    resolution(verb, None).map_err(|_| {
        FieldError::new("every charge has a reference of its own: mark them one by one with `resolveSaga`")
    })
}

fn count(first: i64) -> std::result::Result<usize, FieldError> {
    if (1..=RESOLVE_SAGAS_MAX).contains(&first) {
        return Ok(usize::try_from(first).unwrap_or(1));
    }
    Err(FieldError::new(format!("out of range: give 1 to {RESOLVE_SAGAS_MAX}, and send it again for the rest")))
}
