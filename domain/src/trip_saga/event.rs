//! What happens in a trip's process manager.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::attention::Verb;
use crate::failure::Failure;
use crate::message::{Direction, FailedStep, Instruction, Outcome};
use crate::shape::event_shapes;
use crate::trip::{Step, TripPlan};

/// Events of the stream `trip_saga`; its UUID is the booking's. `sends` is the instruction that the event causes, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "made once and moved on; a box would cost an allocation each")]
pub enum TripSagaEvent {
    /// It begins.
    SagaStarted {
        /// Name of the definition, `trip`.
        definition: String,
        /// Its version.
        version: u32,
        /// The steps, in order.
        steps: Vec<Step>,
        /// What is to be booked.
        plan: TripPlan,
        /// The first step.
        sends: Instruction,
    },
    /// A step is done.
    StepSucceeded {
        /// Which.
        step: Step,
        /// At which attempt.
        attempt: u32,
        /// The next step, or the first undo when the traveller has cancelled meanwhile.
        sends: Instruction,
    },
    /// A step is refused, or its tries are used up: what was done is taken back in reverse.
    StepRefused {
        /// Which.
        step: Step,
        /// At which attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// The first undo, or the booking's cancellation.
        sends: Instruction,
    },
    /// A technical no; the step is tried again later.
    StepFaulted {
        /// Which.
        step: Step,
        /// At which attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When it is tried again.
        retry_at: DateTime<Utc>,
        /// It may have happened all the same: then it is taken back as well, should the trip fail.
        in_doubt: bool,
    },
    /// A step is tried again.
    StepRetried {
        /// Which.
        step: Step,
        /// The new attempt.
        attempt: u32,
        /// The request.
        sends: Instruction,
    },
    /// A step was not answered in time: it may have happened, so it is taken back like one that has.
    StepTimedOut {
        /// Which.
        step: Step,
        /// At which attempt.
        attempt: u32,
        /// What the traveller is told.
        failure: Failure,
        /// The undo of this very step.
        sends: Instruction,
    },
    /// What was heard of a step in doubt after the saga had turned back: recorded, no more.
    LateAnswerNoted {
        /// Which step.
        step: Step,
        /// Of which attempt.
        attempt: u32,
        /// What had come of it.
        outcome: Outcome,
    },
    /// The tries that come by themselves are used up, and it cannot be left at that: an operator is called. It is tried on, slowly.
    AttentionNeeded {
        /// Which step.
        step: Step,
        /// Its request or its undo.
        direction: Direction,
        /// The attempt that failed last.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// The same for all that wait for the same reason: see [`super::attention::fingerprint`].
        fingerprint: String,
        /// When it is tried again without anybody's doing.
        retry_at: DateTime<Utc>,
        /// It may have happened all the same.
        in_doubt: bool,
    },
    /// An operator has decided.
    Resolved {
        /// What.
        verb: Verb,
        /// On which step.
        step: Step,
        /// Its request or its undo.
        direction: Direction,
        /// Opaque name of the operator.
        actor: String,
        /// Why, and for what is marked the evidence.
        reason: String,
        /// What follows from it.
        sends: Instruction,
    },
    /// The traveller's cancellation is known.
    CancellationNoted {
        /// The first undo; absent while an answer is outstanding.
        sends: Option<Instruction>,
    },
    /// An undo is done.
    UndoSucceeded {
        /// Which step was taken back.
        step: Step,
        /// At which attempt.
        attempt: u32,
        /// The next undo, at last the booking's cancellation.
        sends: Instruction,
    },
    /// An undo failed for now; it is tried again later, also once an operator was called.
    UndoFaulted {
        /// Which step.
        step: Step,
        /// At which attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When it is tried again.
        retry_at: DateTime<Utc>,
    },
    /// An undo is tried again.
    UndoRetried {
        /// Which step.
        step: Step,
        /// The new attempt.
        attempt: u32,
        /// The undo.
        sends: Instruction,
    },
    /// Everything stands.
    SagaSucceeded,
    /// Everything is taken back.
    SagaCompensated {
        /// What failed; absent when the traveller cancelled.
        failure: Option<FailedStep>,
    },
    /// Everything is taken back but what was given up.
    SagaFailed {
        /// What is left as it is.
        given_up: Vec<Step>,
        /// What failed at first; absent when the traveller cancelled.
        failure: Option<FailedStep>,
    },
}

impl TripSagaEvent {
    /// The instruction that this event causes, if any.
    pub const fn sends(&self) -> Option<&Instruction> {
        match self {
            Self::SagaStarted { sends, .. }
            | Self::StepSucceeded { sends, .. }
            | Self::StepRefused { sends, .. }
            | Self::StepRetried { sends, .. }
            | Self::StepTimedOut { sends, .. }
            | Self::Resolved { sends, .. }
            | Self::UndoSucceeded { sends, .. }
            | Self::UndoRetried { sends, .. } => Some(sends),
            Self::CancellationNoted { sends } => sends.as_ref(),
            Self::StepFaulted { .. }
            | Self::UndoFaulted { .. }
            | Self::LateAnswerNoted { .. }
            | Self::AttentionNeeded { .. }
            | Self::SagaSucceeded
            | Self::SagaCompensated { .. }
            | Self::SagaFailed { .. } => None,
        }
    }
}

event_shapes! {
    TripSagaEvent {
        SagaStarted: [],
        StepSucceeded: [],
        StepRefused: [],
        StepFaulted: [],
        StepRetried: [],
        StepTimedOut: [],
        LateAnswerNoted: [],
        AttentionNeeded: [],
        Resolved: [],
        CancellationNoted: [],
        UndoSucceeded: [],
        UndoFaulted: [],
        UndoRetried: [],
        SagaSucceeded: [],
        SagaCompensated: [],
        SagaFailed: [],
    }
}
