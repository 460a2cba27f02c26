//! A saga as it is printed; its JSON is part of the program's contract.

use chrono::{DateTime, Utc};
use serde::Serialize;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::trip_saga::attention::{Verb, Waiting};
use traveladvisor_projections::views::{BookingView, SagaStepView, SagaView, Story, TimelineEntry, WaitView};

use super::left::{GivenUp, given_up, kept};

/// What is told of every saga.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) booking_id: String,
    pub(super) status: &'static str,
    pub(super) definition: String,
    pub(super) needs_attention: bool,
    pub(super) attention_since: Option<DateTime<Utc>>,
    pub(super) fingerprint: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) waiting_step: Option<&'static str>,
    pub(super) waiting_direction: Option<&'static str>,
    pub(super) waiting_since: Option<DateTime<Utc>>,
    pub(super) attempts: u32,
    pub(super) next_wake_up: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
    /// What was left as it is, to be settled by hand.
    pub(super) given_up: Vec<GivenUp>,
}

/// What is told of one saga.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whole {
    #[serde(flatten)]
    pub(super) saga: Record,
    pub(super) steps: Vec<StepRecord>,
    /// The beginning and the newest of what happened.
    pub(super) story: Vec<Line>,
    /// How many lines between the two were left out.
    pub(super) left_out: u64,
    /// The money that is kept though the trip has failed; absent when none is, and when nobody knows.
    pub(super) money_kept: Option<String>,
    pub(super) verbs: Vec<&'static str>,
}

/// One step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepRecord {
    pub(super) name: &'static str,
    pub(super) state: &'static str,
    pub(super) attempts: u32,
    pub(super) last_error: Option<String>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
}

/// One thing that happened.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    /// As a text, as in the API.
    pub(super) position: String,
    pub(super) at: DateTime<Utc>,
    pub(super) stream: &'static str,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) summary: String,
}

impl From<&SagaView> for Record {
    fn from(saga: &SagaView) -> Self {
        Self {
            booking_id: saga.booking.to_string(),
            status: saga.status.as_str(),
            definition: saga.definition.clone(),
            needs_attention: saga.needs_attention(),
            attention_since: saga.attention.as_ref().map(|attention| attention.since),
            fingerprint: saga.attention.as_ref().map(|attention| attention.fingerprint.clone()),
            reason: saga.reason.clone(),
            waiting_step: saga.waiting.map(|waiting| waiting.step.as_str()),
            waiting_direction: saga.waiting.map(|waiting| waiting.direction.as_str()),
            waiting_since: saga.waiting.map(|waiting| waiting.since),
            attempts: saga.waiting.map_or(0, |waiting| waiting.attempt),
            next_wake_up: saga.next_wake_up,
            created_at: saga.created_at,
            given_up: given_up(saga),
        }
    }
}

impl Whole {
    pub(super) fn of(saga: &SagaView, trip: &BookingView, story: &Story) -> Self {
        Self {
            saga: saga.into(),
            steps: saga.steps.iter().map(StepRecord::from).collect(),
            story: story.entries().map(Line::from).collect(),
            left_out: story.left_out,
            money_kept: kept(saga, trip).map(|kept| kept.to_string()),
            verbs: verbs(saga).into_iter().map(Verb::as_str).collect(),
        }
    }
}

impl From<&SagaStepView> for StepRecord {
    fn from(step: &SagaStepView) -> Self {
        Self {
            name: step.step.as_str(),
            state: step.state.as_str(),
            attempts: step.attempts,
            last_error: step.last_error.clone(),
            started_at: step.started_at,
            ended_at: step.ended_at,
        }
    }
}

impl From<&TimelineEntry> for Line {
    fn from(entry: &TimelineEntry) -> Self {
        Self {
            position: entry.position.to_string(),
            at: entry.at,
            stream: entry.stream.as_str(),
            event_type: entry.event_type.clone(),
            summary: entry.for_operators(),
        }
    }
}

/// The verbs that would be taken now.
pub(super) fn verbs(saga: &SagaView) -> Vec<Verb> {
    let Some(WaitView { step, direction, for_answer, .. }) = saga.waiting else { return Vec::new() };
    Waiting { step, direction, for_answer, is_called: saga.needs_attention() }.verbs().collect()
}

/// What it waits for, for people.
pub(super) fn waits_for(saga: &SagaView) -> String {
    saga.waiting.map_or_else(String::new, |waiting| match waiting.direction {
        Direction::Request => waiting.step.as_str().to_owned(),
        Direction::Undo => format!("the undo of {}", waiting.step.as_str()),
    })
}

/// An instant to the second, for people.
pub(super) fn instant(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
}
