//! The steps of a trip as data: what each asks for, how often it is tried, how long its answer is awaited, where the pivot is.

use chrono::TimeDelta;

use crate::message::Order;
use crate::trip::{Step, TripPlan};

/// Name of the definitions.
pub const DEFINITION: &str = "trip";
/// The definition that new sagas start with.
pub const CURRENT: &Definition = &DEFINITIONS[2];
/// The step after which there is no way back.
pub const PIVOT: Step = Step::Payment;

/// How often a request is tried in all before a fault counts as a refusal.
pub const TRIES_MAX: u32 = 3;
/// After how many tries an operator is called, where trying goes on: for undos, and after the pivot.
pub const TRIES_BEFORE_ATTENTION: u32 = 5;
/// How long an answer of a hotel, flight, fleet or booking is awaited. Long enough for a short outage to pass.
pub const ANSWER_WITHIN: TimeDelta = TimeDelta::seconds(60);
/// How long a payment's answer is awaited: longer than a gateway is asked for an unknown outcome.
pub const PAYMENT_ANSWER_WITHIN: TimeDelta = TimeDelta::seconds(300);

/// One version of what a trip's saga does. A saga follows the version that it started with to its end.
#[derive(Debug)]
pub struct Definition {
    /// Counted from 1.
    pub version: u32,
    /// In order: the voucher, the parts, the payment (the pivot), the approval. What follows the pivot is never taken back by itself.
    steps: [StepDefinition; 6],
}

/// One row of the table of steps.
#[derive(Debug)]
pub struct StepDefinition {
    /// Which step.
    pub step: Step,
    /// What is asked for, forward and back; nothing when the trip lacks this part.
    pub order: fn(&TripPlan) -> Option<Order>,
    /// How it is asked for.
    pub request: Policy,
    /// How it is taken back.
    pub undo: Policy,
}

/// How an instruction is tried. The pauses between tries stand in [`super::pauses`].
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How many tries there are before a fault counts as a refusal; absent: until done. Doubts about a payment do not count (L16).
    pub tries_max: Option<u32>,
    /// After how many tries an operator is called where it cannot count as a refusal; absent: never.
    pub attention_after: Option<u32>,
    /// How long each try's answer is awaited; absent: without end.
    pub answer_within: Option<TimeDelta>,
}

const fn policy(tries_max: Option<u32>, attention_after: Option<u32>, answer_within: Option<TimeDelta>) -> Policy {
    Policy { tries_max, attention_after, answer_within }
}

const fn row(step: Step, order: fn(&TripPlan) -> Option<Order>, request: Policy, undo: Policy) -> StepDefinition {
    StepDefinition { step, order, request, undo }
}

/// Version 1 waits for answers without end and never calls an operator.
const WITHOUT_END: Policy = policy(None, None, None);
const BOUNDED: Policy = policy(Some(TRIES_MAX), None, None);

const PART: Policy = policy(Some(TRIES_MAX), None, Some(ANSWER_WITHIN));
const PAYMENT: Policy = policy(Some(TRIES_MAX), Some(TRIES_MAX), Some(PAYMENT_ANSWER_WITHIN));
const REFUND: Policy = policy(None, Some(TRIES_BEFORE_ATTENTION), Some(PAYMENT_ANSWER_WITHIN));
const UNTIL_DONE: Policy = policy(None, Some(TRIES_BEFORE_ATTENTION), Some(ANSWER_WITHIN));

/// All versions, the oldest first. Version 3 knows vouchers. A version that a saga may still follow is never changed: a new one is added.
pub const DEFINITIONS: [Definition; 3] = [
    Definition {
        version: 1,
        steps: [
            row(Step::Voucher, no_voucher, BOUNDED, WITHOUT_END),
            row(Step::Hotel, rooms, BOUNDED, WITHOUT_END),
            row(Step::Flight, seats, BOUNDED, WITHOUT_END),
            row(Step::Car, vehicle, BOUNDED, WITHOUT_END),
            row(PIVOT, payment, BOUNDED, WITHOUT_END),
            row(Step::Approve, approval, WITHOUT_END, WITHOUT_END),
        ],
    },
    Definition {
        version: 2,
        steps: [
            row(Step::Voucher, no_voucher, PART, UNTIL_DONE),
            row(Step::Hotel, rooms, PART, UNTIL_DONE),
            row(Step::Flight, seats, PART, UNTIL_DONE),
            row(Step::Car, vehicle, PART, UNTIL_DONE),
            row(PIVOT, payment, PAYMENT, REFUND),
            row(Step::Approve, approval, UNTIL_DONE, UNTIL_DONE),
        ],
    },
    Definition {
        version: 3,
        steps: [
            row(Step::Voucher, voucher, PART, UNTIL_DONE),
            row(Step::Hotel, rooms, PART, UNTIL_DONE),
            row(Step::Flight, seats, PART, UNTIL_DONE),
            row(Step::Car, vehicle, PART, UNTIL_DONE),
            row(PIVOT, payment, PAYMENT, REFUND),
            row(Step::Approve, approval, UNTIL_DONE, UNTIL_DONE),
        ],
    },
];

/// The latest definition with the fewest tries that still have a second one, so that every branch of it can be explored at little cost.
#[cfg(test)]
pub(super) const SHORT: Definition = {
    let tried_twice = policy(Some(2), None, Some(ANSWER_WITHIN));
    let attended = policy(None, Some(2), Some(ANSWER_WITHIN));
    Definition {
        version: u32::MAX,
        steps: [
            row(Step::Voucher, voucher, tried_twice, attended),
            row(Step::Hotel, rooms, tried_twice, attended),
            row(Step::Flight, seats, tried_twice, attended),
            row(Step::Car, vehicle, tried_twice, attended),
            row(PIVOT, payment, policy(Some(2), Some(2), Some(PAYMENT_ANSWER_WITHIN)), attended),
            row(Step::Approve, approval, attended, attended),
        ],
    }
};

/// A program of that version knows no vouchers.
const fn no_voucher(_: &TripPlan) -> Option<Order> {
    None
}

fn voucher(plan: &TripPlan) -> Option<Order> {
    plan.voucher().map(Order::Voucher)
}

fn rooms(plan: &TripPlan) -> Option<Order> {
    plan.hotel.clone().map(Order::Rooms)
}

fn seats(plan: &TripPlan) -> Option<Order> {
    plan.flight.clone().map(Order::Seats)
}

fn vehicle(plan: &TripPlan) -> Option<Order> {
    plan.car.clone().map(Order::Vehicle)
}

#[expect(clippy::unnecessary_wraps, reason = "one shape for all rows")]
fn payment(plan: &TripPlan) -> Option<Order> {
    Some(Order::Payment { plan: plan.payment.clone(), amount: plan.total, found: None })
}

#[expect(clippy::unnecessary_wraps, reason = "one shape for all rows")]
const fn approval(_: &TripPlan) -> Option<Order> {
    Some(Order::Booking { failure: None })
}

impl Definition {
    /// The definition of this version, if this program has it.
    pub fn of(version: u32) -> Option<&'static Self> {
        #[cfg(test)]
        if version == SHORT.version {
            return Some(&SHORT);
        }
        DEFINITIONS.iter().find(|definition| definition.version == version)
    }

    /// The row of a step.
    pub const fn row(&self, step: Step) -> &StepDefinition {
        // The table has one row for each step, in their order.
        &self.steps[step as usize]
    }

    /// The steps that a trip has, in order.
    pub fn steps_of(&self, plan: &TripPlan) -> Vec<Step> {
        self.steps.iter().filter(|row| (row.order)(plan).is_some()).map(|row| row.step).collect()
    }
}

/// The order in which things are taken back, the booking itself last. Before the pivot the exact reverse of what is done;
/// after it forward only: the parts in reverse, then the refund (L17).
pub fn undo_order(done: &[Step]) -> Vec<Step> {
    let parts = done.iter().rev().copied().filter(|step| *step < PIVOT);
    let refund = done.contains(&PIVOT).then_some(PIVOT);
    parts.chain(refund).chain([Step::Approve]).collect()
}
