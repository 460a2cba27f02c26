//! One step as it is printed.

use std::io;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;
use traveladvisor_infra::event_log::StoredEvent;

use super::changes::Change;
use crate::cli::print::Printer;

/// The printed form of a step; its JSON is part of the program's contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    /// As a text, as in the API.
    position: String,
    stream: String,
    sequence: u64,
    #[serde(rename = "type")]
    event_type: String,
    version: String,
    /// The program's time; null when it cannot be read.
    occurred_at: Option<String>,
    /// The server's time.
    recorded_at: DateTime<Utc>,
    /// The whole state before it, of the first step that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// Null where the state is not known.
    changes: Option<Vec<Change>>,
    /// What is wrong with the event; null when nothing is.
    damage: Option<String>,
}

impl Step {
    pub(super) fn new(event: &StoredEvent, changes: Option<Vec<Change>>, damage: Option<String>) -> Self {
        Self {
            position: event.position.to_string(),
            stream: event.stream.to_string(),
            sequence: event.sequence,
            event_type: event.event_type.to_string(),
            version: event.event_version.to_string(),
            occurred_at: event.decode_metadata().ok().map(|metadata| metadata.occurred_at),
            recorded_at: event.recorded_at,
            before: None,
            changes,
            damage,
        }
    }

    /// The same with the whole state before it.
    pub(super) fn after(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// Prints it at once: however long a stream is, one step is held.
    pub(super) fn print(&self, printer: Printer) -> io::Result<()> {
        if printer.is_json() {
            return printer.json(self);
        }
        let Self { sequence, event_type, position, .. } = self;
        let recorded = self.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        printer.line(format!("#{sequence} {event_type}   position {position}"))?;
        printer.line(format!("    recorded {recorded}, occurred {}", self.occurred_at.as_deref().unwrap_or("?")))?;
        if let Some(damage) = &self.damage {
            printer.line(format!("    ! {damage}"))?;
        }
        match self.changes.as_deref() {
            None => printer.line("    the state is not known from here on"),
            Some([]) => printer.line("    the state stays as it was"),
            Some(changes) => {
                changes.iter().flat_map(Change::lines).try_for_each(|line| printer.line(format!("    {line}")))
            }
        }
    }
}
