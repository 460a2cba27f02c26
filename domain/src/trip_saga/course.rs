//! What a saga does and by which definition: the two things that never change on its way.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::steps::{CURRENT, Definition, Policy, undo_order};
use crate::message::{Direction, FailedStep, Finding, Instruction, Order};
use crate::occasion::Occasion;
use crate::trip::{PaymentPlan, Step, TripPlan};

/// Digits of a second that a wake-up has.
const MILLISECONDS: u16 = 3;

/// A trip's plan and the version of the definition that its saga follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    pub(super) plan: TripPlan,
    /// Version of the definition.
    pub(super) definition: u32,
}

/// A try of a step: which, and how often it was asked for with this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    pub(super) step: Step,
    pub(super) attempt: u32,
}

impl Course {
    /// The one that the saga began with. [`super::TripSaga::decide`] refuses a saga whose definition this program lacks before anything
    /// asks here, so the present one only stands in where nobody comes.
    pub(super) fn definition(&self) -> &'static Definition {
        Definition::of(self.definition).unwrap_or(CURRENT)
    }

    pub(super) fn policy(&self, direction: Direction, step: Step) -> Policy {
        let row = self.definition().row(step);
        match direction {
            Direction::Request => row.request,
            Direction::Undo => row.undo,
        }
    }

    /// Whether an account of ours is asked for the payment.
    pub(super) const fn is_paid_with_points(&self) -> bool {
        matches!(self.plan.payment, PaymentPlan::Redeem(_))
    }

    /// The step after `step`, if there is one.
    pub(super) fn step_after(&self, step: Step) -> Option<Step> {
        self.definition().steps_of(&self.plan).into_iter().find(|next| *next > step)
    }

    /// The request of a step.
    pub(super) fn request(&self, wanted: Try, occasion: Occasion) -> Option<Instruction> {
        let order = (self.definition().row(wanted.step).order)(&self.plan)?;
        Some(self.instruction(Direction::Request, wanted, order, occasion))
    }

    /// The undo of a step.
    pub(super) fn undo(&self, wanted: Try, failure: Option<&FailedStep>, occasion: Occasion) -> Option<Instruction> {
        let order = match (self.definition().row(wanted.step).order)(&self.plan)? {
            Order::Booking { .. } => Order::Booking { failure: failure.cloned() },
            order => order,
        };
        Some(self.instruction(Direction::Undo, wanted, order, occasion))
    }

    /// The first undo of what is done.
    pub(super) fn first_undo(
        &self,
        done: &[Step],
        failure: Option<&FailedStep>,
        occasion: Occasion,
    ) -> Option<Instruction> {
        let step = *undo_order(done).first()?;
        self.undo(Try { step, attempt: 1 }, failure, occasion)
    }

    fn instruction(&self, direction: Direction, wanted: Try, order: Order, occasion: Occasion) -> Instruction {
        let Try { step, attempt } = wanted;
        let answer_within = self.policy(direction, step).answer_within;
        let answer_by = answer_within.map(|within| in_a_while(occasion, within));
        Instruction { direction, attempt, order, answer_by }
    }
}

/// The same with what an operator has found out about the money.
pub(super) fn with_finding(instruction: Instruction, finding: Finding) -> Instruction {
    let order = match instruction.order {
        Order::Payment { plan, amount, .. } => Order::Payment { plan, amount, found: Some(finding) },
        order => order,
    };
    Instruction { order, ..instruction }
}

/// The moment after a pause, as it is stored.
pub(super) fn in_a_while(occasion: Occasion, pause: TimeDelta) -> DateTime<Utc> {
    (occasion.at + pause).trunc_subsecs(MILLISECONDS)
}

/// What a saga waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Awaiting {
    /// The answer to its last instruction.
    Answer {
        /// When it stops waiting; absent: never.
        by: Option<DateTime<Utc>>,
    },
    /// The moment of the next try.
    Retry {
        /// When.
        at: DateTime<Utc>,
    },
}

impl Awaiting {
    /// The moment at which it must be woken, if there is one.
    pub const fn wake_up_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Answer { by } => by,
            Self::Retry { at } => Some(at),
        }
    }

    /// The answer to an instruction.
    pub(super) const fn answer_to(sends: &Instruction) -> Self {
        Self::Answer { by: sends.answer_by }
    }

    pub(super) const fn is_answer(self) -> bool {
        matches!(self, Self::Answer { .. })
    }

    pub(super) fn is_due(self, occasion: Occasion) -> bool {
        self.wake_up_at().is_some_and(|due| due <= occasion.at)
    }
}
