//! A read model as `projections list` and `projections status` tell it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use traveladvisor_projections::gather::GatherReport;
use traveladvisor_projections::runtime::{LAG_COUNTED_MAX, ParkedKey, ProjectionReport};

/// A read model.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    name: &'static str,
    version: Option<u32>,
    generation: u64,
    state: &'static str,
    reason: Option<String>,
    position: u64,
    head: u64,
    lag_events: u64,
    lag_is_exact: bool,
    lag_ms: u64,
    events_per_second: f64,
    dead_letters: u64,
    waiting: u64,
    last_error: Option<String>,
    last_error_at: Option<DateTime<Utc>>,
    former: Option<Former>,
    rebuild: Option<Rebuild>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<Vec<Waiting>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Former {
    version: u32,
    generation: u64,
    position: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rebuild {
    phase: String,
    progress: f64,
    events_per_second: f64,
    is_cut_off: bool,
    started_at: DateTime<Utc>,
    told_at: DateTime<Utc>,
}

/// A key of which events wait.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Waiting {
    key: String,
    events: u64,
    position: u64,
    #[serde(rename = "type")]
    event_type: String,
    reason: String,
    since: DateTime<Utc>,
}

/// A log that is gathered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceRecord {
    log: String,
    state: String,
    reason: Option<String>,
    position: u64,
    head: u64,
    lag_events: u64,
    lag_is_exact: bool,
    told_at: Option<DateTime<Utc>>,
}

impl From<GatherReport> for SourceRecord {
    fn from(source: GatherReport) -> Self {
        let lag_is_exact = source.lag_is_exact();
        let GatherReport { log, state, reason, position, head, lag_events, told_at } = source;
        Self { log, state, reason, position: position.0, head: head.0, lag_events, lag_is_exact, told_at }
    }
}

impl From<&ProjectionReport> for Record {
    fn from(report: &ProjectionReport) -> Self {
        let (last_error, last_error_at) = report.last_error.clone().unzip();
        Self {
            name: report.name.as_str(),
            version: report.version,
            generation: report.generation,
            state: report.state,
            reason: report.reason.clone(),
            position: report.position.0,
            head: report.head.0,
            lag_events: report.lag_events,
            lag_is_exact: report.lag_events < LAG_COUNTED_MAX,
            lag_ms: report.lag_ms,
            events_per_second: report.events_per_second,
            dead_letters: report.dead_letters,
            waiting: report.waiting,
            last_error,
            last_error_at,
            former: report.former.map(|former| Former {
                version: former.version,
                generation: former.generation,
                position: former.position.0,
            }),
            rebuild: report.rebuild.clone().map(|rebuild| Rebuild {
                phase: rebuild.phase,
                progress: rebuild.progress,
                events_per_second: rebuild.events_per_second,
                is_cut_off: rebuild.is_cut_off,
                started_at: rebuild.started_at,
                told_at: rebuild.told_at,
            }),
            keys: None,
        }
    }
}

impl From<ParkedKey> for Waiting {
    fn from(parked: ParkedKey) -> Self {
        Self {
            key: parked.key.to_string(),
            events: parked.events,
            position: parked.position.0,
            event_type: parked.event_type,
            reason: parked.reason,
            since: parked.since,
        }
    }
}

/// How far a read model is behind, for people.
pub(super) fn behind(report: &ProjectionReport) -> String {
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let seconds = report.lag_ms as f64 / 1_000.0;
    match report.lag_events {
        0 => "nothing".to_owned(),
        counted if counted >= LAG_COUNTED_MAX => format!("at least {counted} events, {seconds:.1} s"),
        counted => format!("{counted} events, {seconds:.1} s"),
    }
}
