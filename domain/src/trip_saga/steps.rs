//! The steps of a trip as data: what each asks for, how often it is tried, where the pivot is.

use chrono::TimeDelta;

use crate::message::{Direction, FailedStep, Instruction, Order};
use crate::trip::{Step, TripPlan};

/// Name of the definition that new sagas start with.
pub const DEFINITION: &str = "trip";
/// Its version.
pub const DEFINITION_VERSION: u32 = 1;
/// How often a step is tried in all before a fault counts as a refusal.
pub const TRIES_MAX: u32 = 3;
/// Pause before the second try; doubled for each further one.
pub const BACKOFF_FIRST_MS: u64 = 500;
/// Longest pause between tries.
pub const BACKOFF_MAX_MS: u64 = 60_000;

/// One row of the table of steps.
pub struct StepDefinition {
    /// Which step.
    pub step: Step,
    /// What is asked for, forward and back; nothing when the trip lacks this part.
    pub order: fn(&TripPlan) -> Option<Order>,
    /// How often it is tried; absent: until done.
    pub tries_max: Option<u32>,
}

/// The table. Parts come before the payment, which is the pivot: what follows it is never taken back by itself.
pub const STEPS: [StepDefinition; 5] = [
    StepDefinition {
        step: Step::Hotel,
        order: |plan| plan.hotel.clone().map(Order::Rooms),
        tries_max: Some(TRIES_MAX),
    },
    StepDefinition {
        step: Step::Flight,
        order: |plan| plan.flight.clone().map(Order::Seats),
        tries_max: Some(TRIES_MAX),
    },
    StepDefinition { step: Step::Car, order: |plan| plan.car.clone().map(Order::Vehicle), tries_max: Some(TRIES_MAX) },
    StepDefinition {
        step: PIVOT,
        order: |plan| Some(Order::Payment { plan: plan.payment.clone(), amount: plan.total }),
        tries_max: Some(TRIES_MAX),
    },
    StepDefinition { step: Step::Approve, order: |_| Some(Order::Booking { failure: None }), tries_max: None },
];

/// The step after which there is no way back.
pub const PIVOT: Step = Step::Payment;

/// The steps that a trip has, in order.
pub fn steps_of(plan: &TripPlan) -> Vec<Step> {
    STEPS.iter().filter(|row| (row.order)(plan).is_some()).map(|row| row.step).collect()
}

/// The step after `step`, if there is one.
pub fn step_after(plan: &TripPlan, step: Step) -> Option<Step> {
    steps_of(plan).into_iter().find(|next| *next > step)
}

/// How often a step is tried; absent: until done.
pub fn tries_max(step: Step) -> Option<u32> {
    STEPS.iter().find(|row| row.step == step).and_then(|row| row.tries_max)
}

/// The order in which things are taken back, the booking itself last. Before the pivot the exact reverse of what is done;
/// after it forward only: the parts in reverse, then the refund (L17).
pub fn undo_order(done: &[Step]) -> Vec<Step> {
    let parts = done.iter().rev().copied().filter(|step| *step < PIVOT);
    let refund = done.contains(&PIVOT).then_some(PIVOT);
    parts.chain(refund).chain([Step::Approve]).collect()
}

/// The request of a step.
pub fn request(plan: &TripPlan, step: Step, attempt: u32) -> Option<Instruction> {
    let order = (STEPS.iter().find(|row| row.step == step)?.order)(plan)?;
    Some(Instruction { direction: Direction::Request, attempt, order })
}

/// The undo of a step.
pub fn undo(plan: &TripPlan, step: Step, attempt: u32, failure: Option<FailedStep>) -> Option<Instruction> {
    let asked = request(plan, step, attempt)?;
    let order = match asked.order {
        Order::Booking { .. } => Order::Booking { failure },
        order => order,
    };
    Some(Instruction { direction: Direction::Undo, attempt, order })
}

/// The pause before the next try: half of the doubled pause is certain, half is random.
pub fn backoff(attempt: u32, entropy: u64) -> TimeDelta {
    let doubled = BACKOFF_FIRST_MS.saturating_mul(1 << attempt.saturating_sub(1).min(20));
    let half = doubled.min(BACKOFF_MAX_MS) / 2;
    TimeDelta::milliseconds((half + entropy % (half + 1)).cast_signed())
}
