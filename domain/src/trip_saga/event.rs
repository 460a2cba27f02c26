//! What happens in a trip's process manager.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::message::{FailedStep, Instruction};
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
    /// An undo failed for now; it is tried again later, without end.
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
}

impl TripSagaEvent {
    /// The instruction that this event causes, if any.
    pub const fn sends(&self) -> Option<&Instruction> {
        match self {
            Self::SagaStarted { sends, .. }
            | Self::StepSucceeded { sends, .. }
            | Self::StepRefused { sends, .. }
            | Self::StepRetried { sends, .. }
            | Self::UndoSucceeded { sends, .. }
            | Self::UndoRetried { sends, .. } => Some(sends),
            Self::CancellationNoted { sends } => sends.as_ref(),
            Self::StepFaulted { .. }
            | Self::UndoFaulted { .. }
            | Self::SagaSucceeded
            | Self::SagaCompensated { .. } => None,
        }
    }
}

impl TripSagaEvent {
    /// The stored name, for example `SagaStarted`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SagaStarted { .. } => "SagaStarted",
            Self::StepSucceeded { .. } => "StepSucceeded",
            Self::StepRefused { .. } => "StepRefused",
            Self::StepFaulted { .. } => "StepFaulted",
            Self::StepRetried { .. } => "StepRetried",
            Self::CancellationNoted { .. } => "CancellationNoted",
            Self::UndoSucceeded { .. } => "UndoSucceeded",
            Self::UndoFaulted { .. } => "UndoFaulted",
            Self::UndoRetried { .. } => "UndoRetried",
            Self::SagaSucceeded => "SagaSucceeded",
            Self::SagaCompensated { .. } => "SagaCompensated",
        }
    }

    /// The stored version of its shape.
    pub const fn version(&self) -> &'static str {
        "1"
    }
}

impl DomainEvent for TripSagaEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        self.version().to_owned()
    }
}
