//! The process manager of a trip.

use async_graphql::{ID, SimpleObject};
use traveladvisor_projections::views;

use super::{SagaStatus, TimelineEntry};
use crate::graphql::scalars::DateTime;

/// The process manager of a trip, as an operator sees it.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Saga {
    /// The trip that it drives.
    pub(crate) booking_id: ID,
    /// Where it stands.
    pub(crate) status: SagaStatus,
    /// Name and version of its definition.
    pub(crate) definition: String,
    /// Its steps, in the order in which they are done.
    pub(crate) steps: Vec<SagaStep>,
    /// True when an undo or a payment needs an operator's verb.
    pub(crate) needs_attention: bool,
    /// Why it waits: the last fault, while one is being tried again.
    pub(crate) reason: Option<String>,
    /// When it tries again.
    pub(crate) next_wake_up: Option<DateTime>,
    /// The events of its own stream, oldest first.
    pub(crate) history: Vec<TimelineEntry>,
}

/// One step of a saga.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SagaStep {
    /// Which step, for example `hotel`.
    pub(crate) name: String,
    /// Where it stands, for example `DONE` or `UNDONE`.
    pub(crate) state: String,
    /// Tries so far, of the request or, on the way back, of the undo.
    pub(crate) attempts: u32,
    /// The last refusal or fault.
    pub(crate) last_error: Option<String>,
    /// When it was first asked for.
    pub(crate) started_at: Option<DateTime>,
    /// When it was last settled.
    pub(crate) ended_at: Option<DateTime>,
}

impl From<views::SagaView> for Saga {
    fn from(view: views::SagaView) -> Self {
        Self {
            booking_id: ID(view.booking.to_string()),
            status: view.status.into(),
            definition: view.definition,
            steps: view.steps.into_iter().map(SagaStep::from).collect(),
            needs_attention: view.needs_attention,
            reason: view.reason,
            next_wake_up: view.next_wake_up.map(DateTime),
            history: view.history.into_iter().map(TimelineEntry::from).collect(),
        }
    }
}

impl From<views::SagaStepView> for SagaStep {
    fn from(step: views::SagaStepView) -> Self {
        Self {
            name: step.step.as_str().to_owned(),
            state: step.state.as_str().to_owned(),
            attempts: step.attempts,
            last_error: step.last_error,
            started_at: step.started_at.map(DateTime),
            ended_at: step.ended_at.map(DateTime),
        }
    }
}
