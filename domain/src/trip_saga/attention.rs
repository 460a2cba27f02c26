//! What an operator sees and says of a step that does not come to an end by itself (L18).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::TripSagaError;
use super::steps::PIVOT;
use crate::failure::Failure;
use crate::message::Direction;
use crate::trip::Step;

/// Name space of fingerprints.
const FINGERPRINTS: Uuid = Uuid::from_u128(0x3b1c_7a52_6f0e_5d41_9c7d_2e88_51a4_07bf);

/// What an operator can say, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Try it again now.
    Retry,
    /// The charge was made, with evidence.
    MarkDone,
    /// The step does not stand, with evidence: given back by other means, or never taken.
    MarkUndone,
    /// Leave this step as it is; the earlier ones are still taken back, then the saga has failed.
    GiveUp,
}

impl Verb {
    /// Whether it tells what somebody has found out elsewhere.
    pub(super) const fn is_evidence(self) -> bool {
        matches!(self, Self::MarkDone | Self::MarkUndone)
    }
}

/// An operator's verb with what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// See [`Verb::Retry`].
    Retry,
    /// See [`Verb::MarkDone`].
    MarkDone {
        /// The gateway's reference of the charge: a refund needs it.
        reference: String,
    },
    /// See [`Verb::MarkUndone`].
    MarkUndone,
    /// See [`Verb::GiveUp`].
    GiveUp,
}

/// What an operator has decided on a saga that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorDecision {
    /// The verb.
    pub resolution: Resolution,
    /// The reason that it is about; if the saga waits for another by now, the verb is refused. Absent: whatever it waits for.
    pub fingerprint: Option<String>,
    /// Opaque name of the operator.
    pub actor: String,
    /// Why, and for what is marked the evidence.
    pub reason: String,
}

/// A step that waits, as far as the verbs depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Which step.
    pub step: Step,
    /// Its request or its undo.
    pub direction: Direction,
    /// The answer to the present try is awaited; otherwise the moment of the next one.
    pub for_answer: bool,
    /// An operator was called.
    pub is_called: bool,
}

impl Waiting {
    /// Why a verb does not fit; absent when it does. What a try under way may settle is not decided meanwhile: another try would change
    /// nothing, and evidence about money may be older than the call.
    pub fn refusal(self, verb: Verb) -> Option<TripSagaError> {
        match (self.step, self.direction, verb) {
            (.., Verb::Retry) if !self.for_answer => None,
            (.., Verb::Retry) => Some(TripSagaError::NothingToResolve),
            _ if !self.is_called => Some(TripSagaError::NothingToResolve),
            (PIVOT, ..) if self.for_answer => Some(TripSagaError::BeingAsked),
            (PIVOT, Direction::Request, _) => None,
            (_, Direction::Request, _) | (Step::Approve, ..) => Some(TripSagaError::OnlyRetry),
            (_, Direction::Undo, Verb::MarkDone) => Some(TripSagaError::OnlyPaymentsAreMarkedDone),
            (_, Direction::Undo, Verb::MarkUndone | Verb::GiveUp) => None,
        }
    }

    /// The verbs that fit.
    pub fn verbs(self) -> impl Iterator<Item = Verb> {
        Verb::ALL.into_iter().filter(move |verb| self.refusal(*verb).is_none())
    }
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Retry, Self::MarkDone, Self::MarkUndone, Self::GiveUp];

    /// The name on the command line and in the log, for example `mark-undone`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::MarkDone => "mark-done",
            Self::MarkUndone => "mark-undone",
            Self::GiveUp => "give-up",
        }
    }
}

impl Resolution {
    /// The verb alone.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Retry => Verb::Retry,
            Self::MarkDone { .. } => Verb::MarkDone,
            Self::MarkUndone => Verb::MarkUndone,
            Self::GiveUp => Verb::GiveUp,
        }
    }
}

/// The same for all sagas that wait for the same reason, such as `undo-flight-UNAVAILABLE-1f0a93c2`: the operator's handle for
/// resolving them together. Words of the reason that hold digits (ids, instants, amounts) do not count.
pub fn fingerprint(direction: Direction, step: Step, failure: &Failure) -> String {
    let words = failure.message.split_whitespace();
    let stable: Vec<&str> = words.filter(|word| !word.bytes().any(|byte| byte.is_ascii_digit())).collect();
    let hash = Uuid::new_v5(&FINGERPRINTS, stable.join(" ").as_bytes()).as_fields().0;
    format!("{}-{}-{}-{hash:08x}", direction.as_str(), step.as_str(), failure.code)
}
