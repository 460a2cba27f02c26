//! `events show`.

use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{EventLog, Position, StoredEvent};

use super::Sight;
use super::record::Record;
use crate::cli::failure::Failure;
use crate::cli::print::Printer;

/// Prints the events of a stream, or the event at a position.
pub(super) async fn run(log: &EventLog, id: &str, sight: Sight, printer: Printer) -> Result<(), Failure> {
    let events = find(log, id).await?;
    if events.is_empty() {
        return Err(Failure::failed(format!("the log holds nothing under {id}")));
    }
    for event in &events {
        let record = Record::of(event, sight)?;
        if printer.is_json() {
            printer.json(&record)?;
            continue;
        }
        printer.line(format!(
            "{} {}   {} #{}   position {}",
            record.time(),
            record.event_type,
            record.stream,
            record.sequence,
            record.position
        ))?;
        printer.line(pretty(&record.payload)?)?;
        for today in &record.today {
            printer.line(format!("  today {} of version {}", today.event_type, today.version))?;
            printer.line(pretty(&today.payload)?)?;
        }
        printer.line(pretty(&record.metadata)?)?;
        printer.line("")?;
    }
    Ok(())
}

async fn find(log: &EventLog, id: &str) -> Result<Vec<StoredEvent>, Failure> {
    if let Ok(position) = id.parse::<Position>() {
        let before = Position(position.0.saturating_sub(1));
        let mut found = log.read_after(before, 1).await?;
        found.retain(|event| event.position == position);
        return Ok(found);
    }
    let stream: StreamId =
        id.parse().map_err(|error| Failure::usage(format!("{id} is no stream and no position: {error}")))?;
    Ok(log.read_stream(stream, 0).await?)
}

fn pretty(value: &serde_json::Value) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
    Ok(text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
}
