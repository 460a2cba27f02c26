//! `bookTrip`: a trip is asked for.

mod check;
mod hash;
mod input;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use secrecy::SecretString;
use tokio::time::Instant;
use traveladvisor_commands::{CallerCommand, IdempotencyKey, input_hash};
use traveladvisor_domain::booking::quote::TripRequest;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip::{CardToken, PaymentPlan};
use traveladvisor_infra::gateway::{PaymentGateway, TokeniseError};

use self::check::{Checked, Means, check};
use self::hash::HashedTrip;
pub(crate) use self::input::BookTripInput;
use super::accepted_trip::AcceptedTrip;
use super::key::given_key;
use super::submit::{Findings, Submission, submit};
use crate::graphql::fault::{fault, internal};
use crate::graphql::scalars::Position;
use crate::graphql::types::{Booking, ErrorCode, UserError};
use crate::limits::FINISHED_WAIT;

/// What became of a trip that was asked for.
#[derive(Debug)]
pub(crate) struct BookTripPayload(std::result::Result<AcceptedTrip, Vec<UserError>>);

/// What became of a trip that was asked for.
#[Object]
impl BookTripPayload {
    /// The trip, read at `position`; null when there are errors. Its `id` alone costs no read.
    async fn booking(&self, ctx: &Context<'_>) -> Option<Result<Booking>> {
        Some(self.0.as_ref().ok()?.booking(ctx).await)
    }

    /// Hand it back as `atLeast` to read your own write; null when there are errors.
    async fn position(&self) -> Option<Position> {
        self.0.as_ref().ok().map(AcceptedTrip::position)
    }

    /// What to put right; empty when the trip was accepted.
    async fn errors(&self) -> &[UserError] {
        self.0.as_ref().err().map_or(&[], Vec::as_slice)
    }
}

#[derive(Debug, Default)]
pub(crate) struct BookTrip;

#[Object]
impl BookTrip {
    /// Books a trip at today's price: all of its parts or none.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn book_trip(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip.")] input: BookTripInput,
    ) -> Result<BookTripPayload> {
        let until = Instant::now() + FINISHED_WAIT;
        if let Err(errors) = given_key(ctx, Some(input.idempotency_key.clone()))? {
            return Ok(BookTripPayload(Err(errors)));
        }
        let checked = match check(input) {
            Ok(checked) => checked,
            Err(errors) => return Ok(BookTripPayload(Err(errors))),
        };
        let wait = checked.wait;
        let submission = match submission(ctx, checked).await? {
            Ok(submission) => submission,
            Err(errors) => return Ok(BookTripPayload(Err(errors))),
        };
        let receipt = match submit(ctx, submission).await? {
            Ok(receipt) => receipt,
            Err(errors) => return Ok(BookTripPayload(Err(errors))),
        };
        let change = (BookingId(receipt.subject.uuid), receipt.position);
        Ok(BookTripPayload(Ok(AcceptedTrip::new(ctx, change, wait, until).await?)))
    }
}

/// The command: from here on the card is a token.
async fn submission(ctx: &Context<'_>, checked: Checked) -> Result<std::result::Result<Submission, Vec<UserError>>> {
    let payment = match checked.payment {
        Means::Card(number) => match token(ctx, number).await? {
            Ok(token) => PaymentPlan::Card(token),
            Err(errors) => return Ok(Err(errors)),
        },
        Means::Points => PaymentPlan::Points,
        Means::Counter => PaymentPlan::None,
    };
    let wanted = TripRequest {
        hotel: checked.hotel,
        flight: checked.flight,
        car: checked.car,
        payment,
        expected_total: checked.expected_total,
        voucher: checked.voucher,
    };
    let input_hash = input_hash(&HashedTrip::new(&checked.traveller, &wanted));
    Ok(Ok(Submission {
        command: CallerCommand::BookTrip { traveller: checked.traveller, wanted },
        idempotency: Some(IdempotencyKey { key: checked.key, input_hash }),
        expected_version: None,
    }))
}

async fn token(ctx: &Context<'_>, number: SecretString) -> Result<std::result::Result<CardToken, Vec<UserError>>> {
    let gateway = ctx.data::<Arc<dyn PaymentGateway>>().map_err(|error| internal(&error.message))?;
    let message = match gateway.tokenise(&number).await {
        Ok(token) => return Ok(Ok(token)),
        Err(TokeniseError::Unavailable) => {
            let message = "The payment gateway does not answer: ask again, with the same idempotency key.";
            return Err(fault(ErrorCode::Unavailable, message));
        }
        Err(TokeniseError::NotTaken) => "The payment gateway does not take this card: use another one.",
        Err(TokeniseError::Malformed) => "The card number is not valid: check its digits.",
        Err(TokeniseError::NotATestCard) => "The sandbox takes its documented test cards only: use one of them.",
    };
    let mut findings = Findings::default();
    findings.add(ErrorCode::InvalidInput, message, &["payment", "cardNumber"]);
    Ok(findings.settle(None))
}
