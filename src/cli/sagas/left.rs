//! What an operator has given up: it is left as it is, and stays to be settled by hand.

use serde::Serialize;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::trip::Step;
use traveladvisor_projections::views::{BookingView, PartStatus, PaymentStatus, SagaStepView, SagaView, StepState};

/// What is told where no reason was kept: by an earlier program.
const UNTOLD: &str = "the history tells who, and why";

/// One step that was given up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GivenUp {
    pub(super) step: &'static str,
    /// Who did, and why.
    pub(super) reason: Option<String>,
}

/// What was given up of a saga.
pub(super) fn given_up(saga: &SagaView) -> Vec<GivenUp> {
    let told = |step: &SagaStepView| GivenUp { step: step.step.as_str(), reason: step.given_up.clone() };
    left(saga).map(told).collect()
}

/// The same in one line, for a list.
pub(super) fn in_a_line(given_up: &[GivenUp]) -> String {
    let steps: Vec<String> = given_up
        .iter()
        .map(|one| format!("{} given up, {}", one.step, one.reason.as_deref().unwrap_or(UNTOLD)))
        .collect();
    steps.join("; ")
}

/// Each step that was given up, with what is left of it and what is to be done.
pub(super) fn to_settle(saga: &SagaView, trip: &BookingView) -> Vec<String> {
    let one = |step: &SagaStepView| {
        let why = step.given_up.as_deref().unwrap_or(UNTOLD);
        format!("{} given up, {why}\n      {}", step.step.as_str(), left_of(step.step, trip))
    };
    left(saga).map(one).collect()
}

/// The money that is kept for a trip whose payment was given up; absent when nobody knows, or when nothing of it was given up.
pub(super) fn kept(saga: &SagaView, trip: &BookingView) -> Option<Money> {
    let of_payment = left(saga).any(|step| step.step == Step::Payment);
    let is_known = trip.payment.status == PaymentStatus::Completed;
    (of_payment && is_known).then(|| not_refunded(trip))
}

fn left(saga: &SagaView) -> impl Iterator<Item = &SagaStepView> {
    saga.steps.iter().filter(|step| step.state == StepState::GivenUp)
}

fn left_of(step: Step, trip: &BookingView) -> String {
    let part = match step {
        Step::Payment => return left_of_payment(trip),
        Step::Hotel => trip.hotel.as_ref().map(|part| part.status),
        Step::Flight => trip.flight.as_ref().map(|part| part.status),
        Step::Car => trip.car.as_ref().map(|part| part.status),
        Step::Voucher => return "it may still be marked as used: grant another one".to_owned(),
        Step::Approve => None,
    };
    match part {
        Some(PartStatus::Booked) => "it is still reserved: have it freed, or leave it to the traveller".to_owned(),
        _ => "nobody knows whether it is reserved: ask who holds it, and have it freed".to_owned(),
    }
}

fn left_of_payment(trip: &BookingView) -> String {
    let (status, total) = (trip.payment.status, trip.total);
    if status != PaymentStatus::Completed {
        let word = status.as_str();
        return format!("{word}: nobody knows whether {total} was charged: ask the gateway, and give back what was");
    }
    let kept = not_refunded(trip);
    format!("COMPLETED: {kept} is kept of {total}: give it back by other means, if it is owed")
}

const fn not_refunded(trip: &BookingView) -> Money {
    Money { minor: trip.total.minor - trip.payment.refunded.minor, currency: trip.total.currency }
}
