//! The process manager of a trip.

use async_graphql::{Enum, ID, SimpleObject};
use traveladvisor_domain::message;
use traveladvisor_projections::views;

use super::{SagaStatus, TimelineEntry};
use crate::graphql::scalars::DateTime;

/// The process manager of a trip, as an operator sees it.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Saga {
    /// Its own: it shares all but the kind with the id of its trip.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The trip that it drives.
    pub(crate) booking_id: ID,
    /// Where it stands.
    pub(crate) status: SagaStatus,
    /// Name and version of its definition.
    pub(crate) definition: String,
    /// Its steps, in the order in which they are done.
    pub(crate) steps: Vec<SagaStep>,
    /// True when an undo or a payment needs an operator's verb: see `resolveSaga`. It is tried on by itself meanwhile.
    pub(crate) needs_attention: bool,
    /// Since when an operator is needed; null when none is.
    pub(crate) attention_since: Option<DateTime>,
    /// The same for all sagas that need an operator for the same reason, for `sagas` and `resolveSagas`; null when none is needed.
    pub(crate) fingerprint: Option<String>,
    /// Why it waits: the last fault, while one is being tried again; null for whoever is no operator.
    pub(crate) reason: Option<String>,
    /// The step that it waits for, for example `flight`; null once it has ended.
    pub(crate) waiting_step: Option<String>,
    /// Whether that step is being done or taken back; null once it has ended.
    pub(crate) waiting_direction: Option<SagaDirection>,
    /// When the first try of that began; null once it has ended.
    pub(crate) waiting_since: Option<DateTime>,
    /// Tries of that so far; 0 once it has ended.
    pub(crate) attempts: u32,
    /// When it is woken next: to try again, or because an answer is overdue.
    pub(crate) next_wake_up: Option<DateTime>,
    /// The events of its own stream, oldest first: what happened, why, what happens next and when, and what an operator can do.
    /// Of more than 100 entries the first 20 and the newest 80.
    pub(crate) history: Vec<TimelineEntry>,
}

/// Whether a step is done or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "message::Direction")]
pub(crate) enum SagaDirection {
    /// It is to be done.
    Request,
    /// It is to be taken back.
    Undo,
}

/// One step of a saga.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SagaStep {
    /// Which step, for example `hotel`.
    pub(crate) name: String,
    /// Where it stands: PENDING, REQUESTED, RETRYING, DONE or REFUSED; on the way back UNDOING, `UNDO_RETRYING` or UNDONE; `GIVEN_UP`.
    pub(crate) state: String,
    /// Tries so far, of the request or, on the way back, of the undo.
    pub(crate) attempts: u32,
    /// The last refusal or fault; null for whoever is no operator: the trip's own `failure` tells what travellers need.
    pub(crate) last_error: Option<String>,
    /// When it was first asked for.
    pub(crate) started_at: Option<DateTime>,
    /// When it was last settled.
    pub(crate) ended_at: Option<DateTime>,
}

impl Saga {
    /// The same without what only operators read.
    pub(crate) fn for_owner(mut view: views::SagaView) -> Self {
        for entry in &mut view.history {
            entry.signed = None;
        }
        for step in &mut view.steps {
            step.last_error = None;
        }
        view.reason = None;
        Self { fingerprint: None, ..view.into() }
    }
}

impl From<views::SagaView> for Saga {
    fn from(view: views::SagaView) -> Self {
        Self {
            id: ID(view.booking.saga().to_string()),
            booking_id: ID(view.booking.to_string()),
            status: view.status.into(),
            needs_attention: view.needs_attention(),
            definition: view.definition,
            steps: view.steps.into_iter().map(SagaStep::from).collect(),
            attention_since: view.attention.as_ref().map(|attention| DateTime(attention.since)),
            fingerprint: view.attention.map(|attention| attention.fingerprint),
            reason: view.reason,
            waiting_step: view.waiting.map(|waiting| waiting.step.as_str().to_owned()),
            waiting_direction: view.waiting.map(|waiting| waiting.direction.into()),
            waiting_since: view.waiting.map(|waiting| DateTime(waiting.since)),
            attempts: view.waiting.map_or(0, |waiting| waiting.attempt),
            next_wake_up: view.next_wake_up.map(DateTime),
            history: view.history.into_iter().map(TimelineEntry::for_operators).collect(),
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
