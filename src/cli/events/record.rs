//! One event as it is printed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::shape::is_current;
use traveladvisor_infra::event_log::{LogError, StoredEvent, encode};

use super::Sight;
use super::masked::masked;
use crate::cli::failure::Failure;

/// The printed form of an event; its JSON is part of the program's contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// As a text, as in the API.
    pub(super) position: String,
    pub(super) stream: String,
    pub(super) sequence: u64,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) version: String,
    /// The program's time.
    pub(super) occurred_at: String,
    /// The server's time.
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) payload: Value,
    pub(super) metadata: Value,
    /// What an event of an older shape is today.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) today: Vec<Today>,
}

/// One of the events that a stored one is today.
#[derive(Serialize)]
pub(super) struct Today {
    #[serde(rename = "type")]
    pub(super) event_type: &'static str,
    pub(super) version: &'static str,
    pub(super) payload: Value,
}

impl Record {
    pub(super) fn of(event: &StoredEvent, sight: Sight) -> Result<Self, Failure> {
        let metadata = event.decode_metadata().map_err(LogError::from)?;
        let payload: Value = serde_json::from_str(&event.payload).map_err(|_| unreadable(event))?;
        Ok(Self {
            position: event.position.to_string(),
            stream: event.stream.to_string(),
            sequence: event.sequence,
            event_type: event.event_type.to_string(),
            version: event.event_version.to_string(),
            occurred_at: metadata.occurred_at,
            recorded_at: event.recorded_at,
            payload: if sight.personal { payload } else { masked(payload) },
            metadata: serde_json::from_str(&event.metadata).map_err(|_| unreadable(event))?,
            today: today(event, sight)?,
        })
    }

    /// When it happened, to the second, by the program's clock.
    pub(super) fn time(&self) -> String {
        let instant = DateTime::parse_from_rfc3339(&self.occurred_at);
        instant.map_or_else(|_| self.occurred_at.clone(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
    }
}

/// What no program can read is shown as it stands.
fn today(stored: &StoredEvent, sight: Sight) -> Result<Vec<Today>, Failure> {
    if is_current(stored.stream.kind, &stored.event_type, &stored.event_version) {
        return Ok(Vec::new());
    }
    let Ok(events) = stored.decode() else { return Ok(Vec::new()) };
    let shown = |event: &Event| {
        let payload: Value =
            encode(event).and_then(|json| serde_json::from_str(&json)).map_err(|_| unreadable(stored))?;
        let payload = if sight.personal { payload } else { masked(payload) };
        Ok(Today { event_type: event.event_type(), version: event.event_version(), payload })
    };
    events.iter().map(shown).collect()
}

fn unreadable(event: &StoredEvent) -> Failure {
    Failure { message: Some(format!("event {} holds no valid JSON", event.position)), ..Failure::damage_told() }
}
