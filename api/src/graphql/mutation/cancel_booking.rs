//! `cancelBooking`: the traveller wants a trip cancelled.

use async_graphql::{Context, ID, InputObject, Object, Result};
use serde::Serialize;
use tokio::time::Instant;
use traveladvisor_commands::{CallerCommand, IdempotencyKey, input_hash};
use traveladvisor_domain::booking::REASON_CHARS_MAX;
use traveladvisor_domain::id::BookingId;

use super::accepted_trip::AcceptedTrip;
use super::key::given_key;
use super::rules::{free_text, idempotency_key, version};
use super::submit::{Findings, Submission, submit};
use crate::graphql::rights::may_change;
use crate::graphql::scalars::Position;
use crate::graphql::types::{Booking, BookingWait, ErrorCode, UserError};
use crate::limits::FINISHED_WAIT;

/// A trip to cancel.
#[derive(InputObject)]
pub(crate) struct CancelBookingInput {
    /// The trip.
    pub(crate) booking_id: ID,
    /// Why, at most 500 characters. It is kept in the event log for ever and must not hold personal data; a card number is refused.
    pub(crate) reason: Option<String>,
    /// Same key, one effect. The header `Idempotency-Key` serves as well. A cancellation asked for twice is one without a key, too.
    pub(crate) idempotency_key: Option<String>,
    /// The `version` that was read: when it is another by now and the trip is not being cancelled already, `VERSION_CONFLICT` with
    /// the trip as it stands now.
    pub(crate) expected_version: Option<i64>,
    /// When to answer.
    #[graphql(default)]
    pub(crate) wait: BookingWait,
}

/// What became of a cancellation.
#[derive(Debug)]
pub(crate) struct CancelBookingPayload {
    /// The trip that was cancelled, or that stood in the way in another version.
    trip: Option<AcceptedTrip>,
    errors: Vec<UserError>,
}

/// What became of a cancellation.
#[Object]
impl CancelBookingPayload {
    /// The trip, read at `position`; as it stands now after `VERSION_CONFLICT`; null when there are other errors. Its `id` alone costs no
    /// read.
    async fn booking(&self, ctx: &Context<'_>) -> Option<Result<Booking>> {
        Some(self.trip.as_ref()?.booking(ctx).await)
    }

    /// Hand it back as `atLeast` to read your own write; null when there are errors.
    async fn position(&self) -> Option<Position> {
        self.trip.as_ref().filter(|_| self.errors.is_empty()).map(AcceptedTrip::position)
    }

    /// What to put right; empty when the cancellation was accepted.
    async fn errors(&self) -> &[UserError] {
        &self.errors
    }
}

#[derive(Debug, Default)]
pub(crate) struct CancelBooking;

#[Object]
impl CancelBooking {
    /// Cancels a trip of the caller's as a whole and gives the money back. A trip that is cancelled already stays so. Operators cancel those
    /// of all callers.
    #[graphql(visible = "crate::graphql::part::booking")]
    async fn cancel_booking(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The trip, and why.")] input: CancelBookingInput,
    ) -> Result<CancelBookingPayload> {
        let until = Instant::now() + FINISHED_WAIT;
        let mut input = input;
        let wait = input.wait;
        input.idempotency_key = match given_key(ctx, input.idempotency_key)? {
            Ok(key) => key,
            Err(errors) => return Ok(errors.into()),
        };
        let (id, submission) = match check(input) {
            Ok(checked) => checked,
            Err(errors) => return Ok(errors.into()),
        };
        if !may_change(ctx, id).await? {
            return Ok(vec![no_such_booking()].into());
        }
        let (position, wait, errors) = match submit(ctx, submission).await? {
            Ok(receipt) => (receipt.position, wait, Vec::new()),
            Err(errors) => match errors.iter().find_map(|error| error.seen_at) {
                Some(position) => (position, BookingWait::Accepted, errors),
                None => return Ok(errors.into()),
            },
        };
        let trip = AcceptedTrip::new(ctx, (id, position), wait, until).await?;
        Ok(CancelBookingPayload { trip: Some(trip), errors })
    }
}

impl From<Vec<UserError>> for CancelBookingPayload {
    fn from(errors: Vec<UserError>) -> Self {
        Self { trip: None, errors }
    }
}

/// As the engine says it of an id that nobody has.
fn no_such_booking() -> UserError {
    UserError::at(ErrorCode::NotFound, "No such booking: check the id.", ["bookingId".to_owned()])
}

/// What of the input tells whether a key came with the same input again.
#[derive(Serialize)]
struct Hashed<'a> {
    booking: BookingId,
    reason: Option<&'a str>,
    expected_version: Option<u64>,
}

fn check(given: CancelBookingInput) -> std::result::Result<(BookingId, Submission), Vec<UserError>> {
    let mut findings = Findings::default();
    let id: Option<BookingId> = findings.id(&["bookingId"], "booking", &given.booking_id);
    let reason = given.reason.filter(|reason| !reason.is_empty());
    let reason = reason.and_then(|reason| findings.check(&["reason"], free_text(&reason, REASON_CHARS_MAX)));
    let key = given.idempotency_key.and_then(|key| findings.check(&["idempotencyKey"], idempotency_key(&key)));
    let expected_version =
        given.expected_version.and_then(|given| findings.check(&["expectedVersion"], version(given)));
    let booking = findings.settle(id)?;
    let hash = input_hash(&Hashed { booking, reason: reason.as_deref(), expected_version });
    let submission = Submission {
        command: CallerCommand::CancelBooking { booking, reason },
        idempotency: key.map(|key| IdempotencyKey { key, input_hash: hash }),
        expected_version,
    };
    Ok((booking, submission))
}
